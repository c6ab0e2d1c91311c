"""Access to AuthorizationPolicies for analyzers: their rules, and the pods they apply to."""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzers.authz import guarded_pods
from kubectl_mesh.analysis.pods import PodView
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource
from simulator.model.wire import Json

Path = tuple[str | int, ...]
_DRY_RUN, _TRUE = "istio.io/dry-run", frozenset({"1", "t", "T", "true", "TRUE", "True"})


def acts(policy: Resource) -> bool:
    """Tell whether a policy allows or denies, rather than logs, delegates the decision, or runs dry."""
    if policy.annotations.get(_DRY_RUN) in _TRUE:
        return False
    return (policy.spec.get("action") or "ALLOW") in ("ALLOW", "DENY")


def rules(policy: Resource) -> Iterator[tuple[int, Json]]:
    """Yield the rules of a policy with their positions."""
    for number, rule in enumerate(policy.spec.get("rules") or ()):
        yield number, rule or {}


def rule_sources(policy: Resource) -> Iterator[tuple[Path, Json]]:
    """Yield the sources of all rules with their paths."""
    for number, rule in rules(policy):
        for index, sender in enumerate(rule.get("from") or ()):
            yield ("spec", "rules", number, "from", index, "source"), (sender or {}).get("source") or {}


def is_targeted(policy: Resource) -> bool:
    """Tell whether a policy names gateways or services rather than selecting pods."""
    return bool(policy.spec.get("targetRefs") or policy.spec.get("targetRef"))


def selected_pods(world: World, policy: Resource) -> Iterator[PodView]:
    """Yield the pods that a policy applies to by its selector; none for a policy that names targets."""
    if is_targeted(policy):
        return
    root = world.mesh.get("rootNamespace") or "istio-system"
    labels = (policy.spec.get("selector") or {}).get("matchLabels") or {}
    namespace = None if policy.namespace == root else policy.namespace
    yield from world.once(guarded_pods).selected(labels, namespace=namespace)

"""AuthorizationPolicies: do they select anything, do the namespaces they name exist.

istiod: pkg/config/analysis/analyzers/authz/authorizationpolicies.go.
"""

from collections.abc import Iterator, Sequence

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.pods import WORKLOAD_KINDS, Pods, has_enforcement, pods
from kubectl_mesh.analysis.references import at, selector_text
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource


def guarded_pods(world: World) -> Pods:
    """Return the pods whose traffic passes through a proxy or ztunnel."""
    return Pods(tuple(pod for pod in world.once(pods).all if has_enforcement(world, pod)))


def _policies(world: World) -> Iterator[Finding]:
    root = world.mesh.get("rootNamespace") or "istio-system"
    namespaces = [each.name for each in world.of_kind("Namespace")]
    for policy in world.of_kind("AuthorizationPolicy"):
        yield from _nothing_selected(world, policy, root=root)
        if "Namespace" not in world.absent:
            yield from _missing_namespaces(policy, namespaces)


def _nothing_selected(world: World, policy: Resource, *, root: str) -> Iterator[Finding]:
    selector = policy.spec.get("selector")
    if policy.namespace == root and selector is None:
        return
    if selector is None and policy.spec.get("targetRefs"):
        return
    guarded = world.once(guarded_pods)
    labels = (selector or {}).get("matchLabels") or {}
    scope = None if policy.namespace == root else policy.namespace
    if world.partial and (scope is None or scope not in world.once(pods).by_namespace):
        return
    if next(guarded.selected(labels, namespace=scope), None) is None:
        yield Finding(code="IST0127", resource=policy, arguments=(selector_text(labels),))


def _missing_namespaces(policy: Resource, namespaces: Sequence[str]) -> Iterator[Finding]:
    known = {name.lower() for name in namespaces}
    for i, rule in enumerate(policy.spec.get("rules") or ()):
        for j, sender in enumerate((rule or {}).get("from") or ()):
            source = sender.get("source") or {}
            for key in ("namespaces", "notNamespaces"):
                for k, pattern in enumerate(source.get(key) or ()):
                    if pattern.lower() in known or _some_match(pattern, namespaces):
                        continue
                    path = at(policy, "spec", "rules", i, "from", j, "source", "namespaces", k)
                    yield Finding(code="IST0101", resource=policy, arguments=("namespace", pattern), path=path)


def _some_match(pattern: str, namespaces: Sequence[str]) -> bool:
    if pattern == "*":
        return bool(namespaces)
    if pattern.startswith("*"):
        return any(name.endswith(pattern[1:]) for name in namespaces)
    return pattern.endswith("*") and any(name.startswith(pattern[:-1]) for name in namespaces)


ANALYZERS = (
    Check(
        name="auth.AuthorizationPoliciesAnalyzer",
        description="Checks the validity of authorization policies",
        inputs=("MeshConfig", "AuthorizationPolicy", "Pod"),
        hints=("Namespace", *WORKLOAD_KINDS),
        run=_policies,
    ),
)

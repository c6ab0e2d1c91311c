"""HTTP conditions of AuthorizationPolicies on ports that do not speak HTTP.

On a TCP port there are no paths or methods. istiod drops such conditions from a DENY rule, which then denies more,
and drops an ALLOW rule with such conditions altogether, so that the policy allows less
(pilot/pkg/security/authz/builder, model/model.go).
"""

from collections.abc import Iterator
from itertools import islice

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.pods import WORKLOAD_KINDS, PodView
from kubectl_mesh.analysis.policies import Path, acts, is_targeted, rules, selected_pods
from kubectl_mesh.analysis.workload_ports import workload_ports
from kubectl_mesh.analysis.world import World
from simulator.model.labels import selects
from simulator.model.resources import Resource
from simulator.model.wire import Json

_OPERATION = ("paths", "notPaths", "methods", "notMethods", "hosts", "notHosts")
_SOURCE = ("requestPrincipals", "notRequestPrincipals")
_LOOKED_AT = 50
"""Most pods of one policy that are checked: those of one workload are alike."""


def _conditions(world: World) -> Iterator[Finding]:
    for policy in world.of_kind("AuthorizationPolicy"):
        if not acts(policy):
            continue
        found = [(number, rule, where) for number, rule in rules(policy) if (where := _http_condition(rule))]
        if not found:
            continue
        pods = list(islice(selected_pods(world, policy), _LOOKED_AT))
        denies = policy.spec.get("action") == "DENY"
        for number, rule, where in found:
            finding = _denied(world, policy, (number, rule, where), pods, denies=denies)
            if finding is not None:
                yield finding
                break


def _denied(
    world: World, policy: Resource, found: tuple[int, Json, tuple[Path, str]], pods: list[PodView], *, denies: bool
) -> Finding | None:
    number, rule, (path, condition) = found
    named = _ports(rule)
    for pod in pods:
        ports = list(workload_ports(world, pod))
        opaque = {each.number for each in ports if each.protocol.is_tcp}
        opaque -= {each.number for each in ports if not each.protocol.is_tcp}
        concerned = sorted(opaque & named if named else opaque)
        if not denies:
            concerned = [port for port in concerned if not _otherwise_allowed(world, pod, port)]
        if not concerned:
            continue
        text = ", ".join(map(str, concerned))
        workload = f"{pod.namespace}/{pod.name}"
        if denies:
            effect = f"denies every connection to TCP port {text} of {workload}"
            witness = f"a TCP connection to port {concerned[0]} of {workload} is closed, whatever it carries"
            code = "KM0004"
        else:
            effect = f"allows no connection to TCP port {text} of {workload}"
            witness = f"a TCP connection to port {concerned[0]} of {workload} is not allowed by this rule"
            only = len(opaque) == len({each.number for each in ports})
            code = "KM0005" if named or only else "KM0006"
        where: Path = ("spec", "rules", number, *path)
        return Finding(code=code, resource=policy, arguments=(condition, effect), path=where, witness=witness)
    return None


def _otherwise_allowed(world: World, pod: PodView, port: int) -> bool:
    """Tell whether some rule without HTTP conditions allows connections to a port of a pod."""
    root = world.mesh.get("rootNamespace") or "istio-system"
    by_namespace = world.once(_plain_rules)
    for labels, ports in (*by_namespace.get(pod.namespace, ()), *by_namespace.get(root, ())):
        if selects(labels, pod.labels) and (not ports or port in ports):
            return True
    return False


def _plain_rules(world: World) -> dict[str, list[tuple[dict[str, str], set[int]]]]:
    """Return the selector and the ports of every ALLOW rule that applies to TCP, by namespace."""
    found: dict[str, list[tuple[dict[str, str], set[int]]]] = {}
    for policy in world.of_kind("AuthorizationPolicy"):
        if (policy.spec.get("action") or "ALLOW") != "ALLOW" or is_targeted(policy):
            continue
        labels = (policy.spec.get("selector") or {}).get("matchLabels") or {}
        plain = {
            (tuple(sorted(labels.items())), frozenset(_ports(rule)))
            for _, rule in rules(policy)
            if not _http_condition(rule)
        }
        found.setdefault(policy.namespace, []).extend((dict(each), set(ports)) for each, ports in plain)
    return found


def _ports(rule: Json) -> set[int]:
    """Return the ports that every operation of a rule is limited to; empty when one is not limited."""
    limits = [((each or {}).get("operation") or {}).get("ports") or () for each in rule.get("to") or ()]
    if not all(limits):
        return set()
    return {int(port) for limit in limits for port in limit if str(port).isdigit()}


def _http_condition(rule: Json) -> tuple[Path, str] | None:
    for index, each in enumerate(rule.get("to") or ()):
        for key in _OPERATION:
            if ((each or {}).get("operation") or {}).get(key):
                return ("to", index, "operation", key), key
    for index, each in enumerate(rule.get("from") or ()):
        for key in _SOURCE:
            if ((each or {}).get("source") or {}).get(key):
                return ("from", index, "source", key), key
    for index, each in enumerate(rule.get("when") or ()):
        key = str((each or {}).get("key") or "")
        if key.startswith("request."):
            return ("when", index, "key"), key
    return None


ANALYZERS = (
    Check(
        name="mesh.PolicyProtocols",
        description="Finds AuthorizationPolicies with HTTP conditions that apply to ports which do not speak HTTP",
        inputs=("AuthorizationPolicy", "Service", "Pod"),
        hints=(*WORKLOAD_KINDS, "Namespace", "Gateway"),
        run=_conditions,
    ),
)

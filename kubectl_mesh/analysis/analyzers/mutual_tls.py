"""Clients and servers that disagree about mutual TLS, and policies on identities that plain text does not carry.

istiod: a DestinationRule's TLS settings replace automatic mutual TLS
(pilot/pkg/networking/core/cluster_tls.go); settings of a port replace all others.
"""

from collections.abc import Iterator, Sequence

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.analyzers.authz import guarded_pods
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.hosts import HOST_KINDS, hosts, qualified
from kubectl_mesh.analysis.mutual_tls_modes import Mode, modes
from kubectl_mesh.analysis.pods import WORKLOAD_KINDS, PodView, has_enforcement, in_mesh
from kubectl_mesh.analysis.pods import pods as all_pods
from kubectl_mesh.analysis.policies import acts, rule_sources, selected_pods
from kubectl_mesh.analysis.references import full_name
from kubectl_mesh.analysis.services import Services
from kubectl_mesh.analysis.workload_ports import target_port
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource
from simulator.model.wire import Json

_NOT_MUTUAL = ("DISABLE", "SIMPLE")
_IDENTITY = ("principals", "notPrincipals", "namespaces", "notNamespaces", "serviceAccounts", "notServiceAccounts")


def _disagreements(world: World) -> Iterator[Finding]:
    known = world.once(hosts)
    for rule in world.of_kind("DestinationRule"):
        policy = rule.spec.get("trafficPolicy") or {}
        host = qualified(rule.namespace, rule.spec.get("host") or "")
        if not _mentions(policy) or host.startswith("*"):
            continue
        destination = known.find(rule.namespace, rule.spec.get("exportTo") or (), host)
        if destination is not None and destination.resource.kind == "Service":
            yield from _strict_ports(world, rule, destination.resource)
            yield from _plain_ports(world, rule, destination.resource)


def _mentions(policy: Json) -> bool:
    return any(each.get("tls") for each in (policy, *(policy.get("portLevelSettings") or ())))


def _strict_ports(world: World, rule: Resource, service: Resource) -> Iterator[Finding]:
    """Yield one finding for the first port that accepts mutual TLS only and is reached without it.

    Workloads captured by ztunnel are skipped: clients tunnel to them whatever the rule says.
    """
    selector = service.spec.get("selector") or {}
    if not selector:
        return
    selected = world.once(guarded_pods).selected(selector, namespace=service.namespace)
    pods = [pod for pod in selected if in_mesh(world, pod) and not pod.ambient]
    for port in Services.ports(service):
        mode, path = _client_mode(rule, port)
        strict = _strict(world, pods, port) if mode in _NOT_MUTUAL else None
        if strict is None or strict.policy is None:
            continue
        number = port.get("port") or 0
        host = f"{service.name}.{service.namespace}"
        yield Finding(
            code="KM0007",
            resource=rule,
            arguments=(mode, f"{host}:{number}", full_name(strict.policy)),
            path=path,
            witness=f"a request from any sidecar to {host}:{number}: the connection is reset, 503 UC",
            related=(strict.policy, service),
        )
        return


def _plain_ports(world: World, rule: Resource, service: Resource) -> Iterator[Finding]:
    """Yield one finding for the first port on which no pod accepts mutual TLS and that is reached with it."""
    selector = service.spec.get("selector") or {}
    pods = list(world.once(all_pods).selected(selector, namespace=service.namespace)) if selector else []
    for port in Services.ports(service):
        mode, path = _client_mode(rule, port)
        reasons = [_plain(world, pod, port) for pod in pods] if mode == "ISTIO_MUTUAL" else []
        if not reasons or not all(reasons):
            continue
        host = f"{service.name}.{service.namespace}:{port.get('port') or 0}"
        yield Finding(
            code="KM0011",
            resource=rule,
            arguments=(mode, host, reasons[0]),
            path=path,
            witness=f"a request from any sidecar to {host}: the TLS handshake fails, 503 UF",
            related=(service,),
        )
        return


def _plain(world: World, pod: PodView, port: Json) -> str:
    """Return why a pod's port accepts no mutual TLS; empty when it does."""
    if not has_enforcement(world, pod):
        return f"{pod.resource.kind} {pod.name} has no proxy"
    mode = world.once(modes).of(pod, target_port(port, pod))
    if mode.name != "DISABLE" or mode.policy is None or pod.ambient:
        return ""
    return f"PeerAuthentication {full_name(mode.policy)} disables it"


def _client_mode(rule: Resource, port: Json) -> tuple[str, tuple[str | int, ...]]:
    """Return the TLS mode that a rule sets for a service port, and where; empty for none."""
    policy = rule.spec["trafficPolicy"]
    for index, settings in enumerate(policy.get("portLevelSettings") or ()):
        if (settings.get("port") or {}).get("number") == port.get("port"):
            tls = settings.get("tls")
            path: tuple[str | int, ...] = ("spec", "trafficPolicy", "portLevelSettings", index, "tls", "mode")
            return (str(tls.get("mode") or "DISABLE") if tls else ""), path
    tls = policy.get("tls")
    return (str(tls.get("mode") or "DISABLE") if tls else ""), ("spec", "trafficPolicy", "tls", "mode")


def _strict(world: World, pods: Sequence[PodView], port: Json) -> Mode | None:
    for pod in pods:
        mode = world.once(modes).of(pod, target_port(port, pod))
        if mode.name == "STRICT":
            return mode
    return None


def _lost_identities(world: World) -> Iterator[Finding]:
    known = world.once(modes)
    for policy in world.of_kind("AuthorizationPolicy"):
        found = next(
            ((path, key) for path, source in rule_sources(policy) for key in _IDENTITY if source.get(key)), None
        )
        if found is None or not acts(policy):
            continue
        pods = list(selected_pods(world, policy))
        plain = [(pod, mode) for pod in pods if (mode := known.of(pod)).name == "DISABLE"]
        if not plain or len(plain) < len(pods):
            continue
        path, key = found
        pod, mode = plain[0]
        denies = policy.spec.get("action") == "DENY"
        effect = "it denies nobody" if denies else "it allows nobody"
        yield Finding(
            code="KM0010",
            resource=policy,
            arguments=(key, full_name(mode.policy) if mode.policy else "", effect),
            path=(*path, key),
            witness=f"any request to {pod.namespace}/{pod.name}: it arrives without certificate, so {effect}",
            related=(mode.policy,) if mode.policy else (),
        )


ANALYZERS = (
    Check(
        name="mesh.MutualTlsDisagreements",
        description="Finds DestinationRules whose TLS mode the workloads do not accept",
        inputs=("DestinationRule", "PeerAuthentication", *HOST_KINDS, "Pod"),
        hints=(*WORKLOAD_KINDS, "Namespace"),
        run=_disagreements,
    ),
    Check(
        name="mesh.LostIdentities",
        description="Finds policies that ask for a caller's identity where mutual TLS is disabled",
        inputs=("AuthorizationPolicy", "PeerAuthentication", "Pod"),
        hints=(*WORKLOAD_KINDS, "Namespace"),
        run=_lost_identities,
    ),
)

"""DestinationRules: CA certificates for TLS, hosts that exist, subsets that select pods.

istiod: pkg/config/analysis/analyzers/destinationrule.
"""

from collections.abc import Iterator, Mapping

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.hosts import HOST_KINDS, hosts, is_elsewhere
from kubectl_mesh.analysis.pods import WORKLOAD_KINDS, Pods, PodView, pods
from kubectl_mesh.analysis.references import at, full_name
from kubectl_mesh.analysis.world import World
from simulator.model.labels import selects
from simulator.model.resources import Resource
from simulator.model.wire import Json

_VERIFIABLE = ("SIMPLE", "MUTUAL")
_NODE_LABEL = "kubernetes.io/hostname"
_ZONE, _SUBZONE = "topology.kubernetes.io/zone", "topology.istio.io/subzone"
_LOCALITY = ("topology.kubernetes.io/region", _ZONE, _SUBZONE)
_OF_THE_CLUSTER = frozenset({"topology.istio.io/cluster", "topology.istio.io/network"})
"""Labels that istiod adds to every endpoint, with values that no resource shows."""


def _certificates(world: World) -> Iterator[Finding]:
    for rule in world.of_kind("DestinationRule"):
        policy = rule.spec.get("trafficPolicy") or {}
        host = rule.spec.get("host") or ""
        if mode := _unverified(rule, policy):
            yield Finding(
                code="IST0128",
                resource=rule,
                arguments=(full_name(rule), rule.namespace, mode, host),
                path=at(rule, "spec", "trafficPolicy", "tls", "caCertificates"),
            )
        for index, settings in enumerate(policy.get("portLevelSettings") or ()):
            if mode := _unverified(rule, settings):
                number = (settings.get("port") or {}).get("number")
                port = f"number:{number}" if number else "" if settings.get("port") is not None else "<nil>"
                yield Finding(
                    code="IST0129",
                    resource=rule,
                    arguments=(full_name(rule), rule.namespace, mode, host, port),
                    path=at(rule, "spec", "trafficPolicy", "portLevelSettings", index, "tls", "caCertificates"),
                )


def _unverified(rule: Resource, settings: Json) -> str:
    tls = settings.get("tls") or {}
    mode = str(tls.get("mode") or "DISABLE")
    if mode not in _VERIFIABLE or tls.get("caCertificates"):
        return ""
    return "" if tls.get("credentialName") and rule.spec.get("workloadSelector") is not None else mode


def _subsets(world: World) -> Iterator[Finding]:
    known = world.once(hosts)
    placed = world.once(_placed_pods)
    for rule in world.of_kind("DestinationRule"):
        host = rule.spec.get("host") or ""
        destination = known.find(rule.namespace, rule.spec.get("exportTo") or (), host)
        if destination is None and (known.any_within(host) or is_elsewhere(world, rule.namespace, host)):
            continue
        if destination is None:
            yield Finding(code="IST0174", resource=rule, arguments=(host,))
            continue
        if rule.spec.get("subsets") and world.partial and not _pods_known(placed, destination.resource):
            continue
        for subset in rule.spec.get("subsets") or ():
            labels = {**destination.selector, **(subset.get("labels") or {})}
            if not _selects_any(placed, labels) and not _selects_entry(world, destination.resource, labels):
                yield Finding(code="IST0173", resource=rule, arguments=(subset.get("name") or "",))


def _pods_known(placed: Pods, service: Resource) -> bool:
    """Tell whether a service's workloads are part of the input: files may leave them out."""
    selector = service.spec.get("selector") or {}
    if service.kind != "Service" or not selector or next(placed.selected(selector, namespace=service.namespace), None):
        return True
    return any(not pod.planned for pod in placed.by_namespace.get(service.namespace, ()))


def _selects_any(placed: Pods, labels: Mapping[str, str]) -> bool:
    wanted = {key: value for key, value in labels.items() if key not in _OF_THE_CLUSTER}
    if next(placed.selected(wanted), None) is not None:
        return True
    plain = {key: value for key, value in wanted.items() if key not in (_NODE_LABEL, *_LOCALITY)}
    return len(plain) < len(wanted) and any(pod.planned for pod in placed.selected(plain))


def _selects_entry(world: World, resource: Resource, labels: Mapping[str, str]) -> bool:
    """Tell whether a subset of a ServiceEntry selects one of its endpoints, or a WorkloadEntry."""
    if resource.kind != "ServiceEntry":
        return False
    written = (endpoint.get("labels") or {} for endpoint in resource.spec.get("endpoints") or ())
    entries = (entry.spec.get("labels") or {} for entry in world.of_kind("WorkloadEntry"))
    return any(selects(labels, each) for each in (*written, *entries))


def _placed_pods(world: World) -> Pods:
    """Return pods with the labels that istiod adds for the node they run on; planned ones run nowhere yet."""
    nodes = {node.name: node.labels for node in world.of_kind("Node")}
    return Pods(tuple(_placed(pod, nodes) for pod in world.once(pods).all))


def _placed(pod: PodView, nodes: Mapping[str, Mapping[str, str]]) -> PodView:
    name = pod.spec.get("nodeName")
    if not name:
        return pod
    labels = {**pod.labels, _NODE_LABEL: name}
    node = nodes.get(name, {})
    for key in _LOCALITY:
        if node.get(key) and (key != _SUBZONE or node.get(_ZONE)):
            labels[key] = node[key]
    return PodView(
        resource=pod.resource,
        namespace=pod.namespace,
        name=pod.name,
        labels=labels,
        annotations=pod.annotations,
        spec=pod.spec,
    )


ANALYZERS = (
    Check(
        name="destinationrule.CaCertificateAnalyzer",
        description="Checks if caCertificates is set when TLS mode is SIMPLE/MUTUAL",
        inputs=("DestinationRule",),
        run=_certificates,
    ),
    Check(
        name="destinationrule.SubsetSelectPodAnalyzer",
        description="Checks if pods are selected by subsets in destination rules.",
        inputs=("DestinationRule", "Pod", *HOST_KINDS),
        hints=(*WORKLOAD_KINDS, "WorkloadEntry", "Node"),
        run=_subsets,
    ),
)

"""What applies to a pod, or to a service?

istioctl: pkg/describe/describe.go. The configuration of the pod's own proxy is read first, resources for the rest.
"""

from collections.abc import Sequence

from kubectl_mesh.diagnosis import describe_pod, describe_security, describe_service
from kubectl_mesh.diagnosis.config_dump import ConfigDump, listed
from kubectl_mesh.diagnosis.describe_ambient import ambient
from kubectl_mesh.diagnosis.describe_gateway_routes import gateway_routes
from kubectl_mesh.diagnosis.describe_ingress import ingress
from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, spec
from kubectl_mesh.diagnosis.suggestions import suggest
from kubectl_mesh.diagnosis.targets import Target, owners, readings, workload_name
from kubectl_mesh.errors import AmbiguousName, NothingFound
from kubectl_mesh.reports.describe import DescribeReport, PeerAuthenticationReport, ServiceReport
from simulator.model.labels import selects
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

_PROXY = "istio-proxy"
_UNSELECTED = (
    "Warning: No Kubernetes Services select pod {} "
    "(see https://istio.io/docs/setup/kubernetes/additional-setup/requirements/ )"
)


def of_pod(lookup: Lookup, name: str, *, within: str = "", ignore_unmeshed: bool = False) -> DescribeReport:
    """Describe a pod, its services, what it accepts, and the ways in from outside."""
    document = find(lookup, "Pod", name, within=within)
    pod = describe_pod.pod(lookup, document, ignore_unmeshed=ignore_unmeshed)
    services = describe_service.selecting(lookup, document)
    unselected = not services and not ignore_unmeshed
    selected: tuple[ServiceReport, ...] = ()
    if describe_pod.is_meshed(document):
        selected = _services(lookup, services, document, pods=[labels(document)])
    elif describe_pod.is_ambient(document):  # there is no proxy to read: Services show at least their ports
        nothing = ConfigDump([])
        selected = tuple(describe_service.service(lookup, each, document, dump=nothing, pods=[]) for each in services)
    accepted = describe_security.peer_authentication(lookup, document)
    ways, notes = ingress(lookup, services, [labels(document)])
    return DescribeReport(
        pod=pod,
        services=selected,
        no_service=_UNSELECTED.format(pod.name) if unselected else "",
        peer_authentication=accepted,
        ingress=ways,
        ingress_notes=notes,
        sidecar=describe_security.sidecar_of(lookup, document),
        rules=describe_security.authorization(lookup, document, services),
        conflicts=tuple(_conflicts(selected, accepted)),
        ambient=tuple(ambient(lookup, document, services)),
        gateway_routes=gateway_routes(lookup, services),
    )


def of_service(lookup: Lookup, name: str, *, within: str = "") -> DescribeReport:
    """Describe a service by the proxy of its first usable pod."""
    document = find(lookup, "Service", name, within=within)
    selector = spec(document).get("selector")
    pods = lookup.all("Pod", namespace_of(document)) if selector else []
    chosen = [pod for pod in pods if selects(selector or {}, labels(pod))]
    lines: list[str] = []
    usable = [pod for pod in chosen if _is_usable(lookup, pod, lines)]
    called = lookup.called(document)
    taken = [pod for pod in chosen if describe_pod.is_ambient(pod)]
    if not usable and taken:
        return _ambient_service(lookup, document, taken[0])
    if not usable:
        if not chosen:
            return DescribeReport(lines=(*lines, f'Service "{called}" has no pods.'))
        lines.append(f'Service "{called}" has no Istio pods.  ({len(chosen)} pods in service).')
        lines.append("Use `istioctl kube-inject` or redeploy with Istio automatic sidecar injection.")
        return DescribeReport(lines=tuple(lines))
    sets = [labels(pod) for pod in usable]
    ways, notes = ingress(lookup, [document], sets)
    services = _services(lookup, [document], usable[0], pods=sets)
    accepted = describe_security.peer_authentication(lookup, usable[0])
    return DescribeReport(
        services=services,
        lines=tuple(lines),
        ingress=ways,
        ingress_notes=notes,
        conflicts=tuple(_conflicts(services, accepted)),
        gateway_routes=gateway_routes(lookup, [document]),
    )


def _ambient_service(lookup: Lookup, document: Json, pod: Json) -> DescribeReport:
    """Describe a service of pods without proxies whose traffic passes through ztunnel."""
    return DescribeReport(
        services=(describe_service.service(lookup, document, pod, dump=ConfigDump([]), pods=[]),),
        ambient=tuple(ambient(lookup, pod, [document])),
        gateway_routes=gateway_routes(lookup, [document]),
        rules=describe_security.authorization(lookup, pod, [document]),
    )


def find(lookup: Lookup, kind: str, text: str, *, within: str = "") -> Json:
    """Return the pod or service that a name stands for; a workload's name stands for its first pod."""
    for target in readings(text, namespace=within):
        found = [each for each in lookup.all(kind, target.namespace or None) if _is_meant(each, kind, target)]
        homes = sorted(set(map(namespace_of, found)))
        if len(homes) > 1:
            raise AmbiguousName(f"{text}: in namespaces {' and '.join(homes)}", hint=f"write {homes[0]}/{text}")
        if found:
            return min(found, key=name_of)
    meant = readings(text, namespace=within)[0]
    found = lookup.all(kind, None)
    known = [(namespace_of(each), name_of(each)) for each in found]
    workloads = [(namespace_of(each), workload_name(each)) for each in found] if kind == "Pod" else known
    where = f" in namespace {meant.namespace}" if meant.namespace else ""
    hint = suggest(meant.name, meant.namespace, workloads=workloads, others=known)
    raise NothingFound(f"{text}: no such {kind.lower()}{where}", hint=hint)


def _is_meant(document: Json, kind: str, target: Target) -> bool:
    if name_of(document) == target.name and target.kind in ("", kind):
        return True
    if kind != "Pod":
        return False
    return any(name == target.name and target.kind in ("", owner) for owner, name in owners(document))


def _services(
    lookup: Lookup, services: Sequence[Json], pod: Json, *, pods: Sequence[dict[str, str]]
) -> tuple[ServiceReport, ...]:
    proxy = ProxyId(name_of(pod), namespace_of(pod))
    dump = ConfigDump.parse(lookup.source.envoy(proxy, "config_dump"), subject=f"config dump of {proxy}")
    return tuple(describe_service.service(lookup, each, pod, dump=dump, pods=pods) for each in services)


def _is_usable(lookup: Lookup, pod: Json, lines: list[str]) -> bool:
    status = pod.get("status") or {}
    if status.get("phase") != "Running":
        lines.append(f"   Pod is not Running ({status.get('phase')})")
        return False
    states = listed(status.get("containerStatuses")) + listed(status.get("initContainerStatuses"))
    proxy = next((each for each in states if each.get("name") == _PROXY), None)
    if proxy is None and not describe_pod.is_meshed(pod):
        lines.append(f'Pod {lookup.called(pod)}: no container "{_PROXY}" in pod')
        return False
    if proxy is not None and not proxy.get("ready"):
        lines.append(f"WARNING: Pod {lookup.called(pod)} Container {_PROXY} NOT READY")
        return False
    return True


def _conflicts(services: Sequence[ServiceReport], accepted: PeerAuthenticationReport) -> list[str]:
    """Return warnings for rules by which clients send plain text to pods that require mutual TLS, or the reverse."""
    found = []
    for service in services:
        for port in service.by_port:
            rule = port.destination_rule
            if rule is None:
                continue
            modes = {level.port: level.tls_mode for level in rule.port_levels}
            sends = modes.get(port.port) or rule.tls_mode
            where = f"Service {service.name} port {port.port}"
            if accepted.mode == "STRICT" and sends in ("DISABLE", "SIMPLE"):
                found.append(
                    f"WARNING: {where}: the pod accepts mutual TLS only (STRICT), and DestinationRule {rule.name} "
                    f"makes clients send {'plain text' if sends == 'DISABLE' else 'TLS of their own'}"
                )
            if accepted.mode == "DISABLE" and sends == "ISTIO_MUTUAL":
                found.append(
                    f"WARNING: {where}: the pod accepts plain text only (DISABLE), and DestinationRule {rule.name} "
                    "makes clients send mutual TLS"
                )
    return found

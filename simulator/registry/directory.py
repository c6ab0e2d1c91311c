"""Snapshot → Directory: names, addresses and owners, for following a request without knowing Istio.

Capture of traffic follows what the injector wrote: arguments of `istio-init` (`istio-validation` with the CNI plugin),
else the annotations they are made of. istiod: tools/istio-iptables/pkg/cmd, pkg/kube/inject.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from simulator.model.addresses import is_address
from simulator.model.directory import Backend, Capture, Directory, ServiceRecord, Workload
from simulator.model.labels import selects
from simulator.model.ports import Port
from simulator.model.proxies import Proxy, ProxyId, Role
from simulator.model.resources import ObjectRef, Origin, Resource
from simulator.model.services import UNSPECIFIED, Health, Locality, Registry, Resolution, Service
from simulator.registry.endpoint_slices import ambient_captured
from simulator.registry.kubernetes import spiffe
from simulator.registry.snapshot import Snapshot
from simulator.registry.workloads import controller_of, labelled_locality, parse_locality

_OWN_PORTS = frozenset({15020, 15021, 15090})
_ANNOTATIONS = {
    "-b": "traffic.sidecar.istio.io/includeInboundPorts",
    "-d": "traffic.sidecar.istio.io/excludeInboundPorts",
    "-o": "traffic.sidecar.istio.io/excludeOutboundPorts",
    "-q": "traffic.sidecar.istio.io/includeOutboundPorts",
    "-i": "traffic.sidecar.istio.io/includeOutboundIPRanges",
    "-x": "traffic.sidecar.istio.io/excludeOutboundIPRanges",
}
_DEFAULTS = {"-b": "*", "-i": "*"}


def build_directory(
    snapshot: Snapshot, *, names: Mapping[ProxyId, Mapping[str, tuple[str, ...]]] | None = None
) -> Directory:
    """Return the directory of a mesh; `names` are the DNS tables of proxies that answer DNS."""
    return Directory(
        domain=snapshot.domain,
        services=dict(_services(snapshot)),
        workloads=(*_pods(snapshot), *_entries(snapshot)),
        names=names or {},
        origins=_origins(snapshot),
        nodes={node.name: _node_addresses(node) for node in snapshot.resources("Node")},
        tls_ports=dict(_tls_ports(snapshot)),
    )


def _services(snapshot: Snapshot) -> Iterator[tuple[str, ServiceRecord]]:
    """Yield one record per host; a Kubernetes service owns its host, else the oldest entry does."""
    by_host: dict[str, list[Service]] = {}
    for service in snapshot.services:
        by_host.setdefault(service.host, []).append(service)
    for host, services in by_host.items():
        first = next((one for one in services if one.registry is Registry.KUBERNETES), services[0])
        same = [one for one in services if (one.namespace, one.registry) == (first.namespace, first.registry)]
        addresses = dict.fromkeys(address for one in same for address in one.addresses if address != UNSPECIFIED)
        yield (
            host,
            ServiceRecord(
                host=host,
                namespace=first.namespace,
                addresses=tuple(addresses),
                external_addresses=first.external_addresses,
                node_ports=_node_ports(snapshot, first),
                headless=first.registry is Registry.KUBERNETES and first.resolution is Resolution.PASSTHROUGH,
                external_name=first.external_name,
                kubernetes=first.registry is Registry.KUBERNETES,
                backends={port.number: _backends(snapshot, first, port.number) for port in first.ports},
                tcp_ports=frozenset(
                    port.number for port in first.ports if port.protocol.is_tcp and not port.protocol.is_tls
                ),
                source=first.source,
            ),
        )


def _backends(snapshot: Snapshot, service: Service, port: int) -> tuple[Backend, ...]:
    found = {}
    for endpoint in snapshot.endpoints(service, port):
        ready = service.publish_not_ready or endpoint.health in (Health.HEALTHY, Health.UNKNOWN)
        backend = Backend(address=endpoint.address, port=endpoint.port, ready=ready)
        found[endpoint.address, endpoint.port] = backend
    return tuple(found[key] for key in sorted(found))


_HTTPS_PORT = 443


def _tls_ports(snapshot: Snapshot) -> Iterator[tuple[tuple[str, int], str]]:
    """Yield the endpoints that only ports for TLS lead to, and what says so; one that declares nothing has no say."""
    said: dict[tuple[str, int], set[str]] = {}
    for service in snapshot.services:
        for port in service.ports:
            if not port.protocol.is_auto or port.number == _HTTPS_PORT:
                reason = _tls_reason(service, port)
                for endpoint in snapshot.endpoints(service, port.number):
                    said.setdefault((endpoint.address, endpoint.port), set()).add(reason)
    yield from ((endpoint, min(reasons)) for endpoint, reasons in said.items() if "" not in reasons)


def _tls_reason(service: Service, port: Port) -> str:
    if port.protocol.is_tls:
        return f"port {port.number} of {service.host} is declared as {port.protocol}"
    return f"port {port.number} of {service.host} is that of HTTPS" if port.protocol.is_auto else ""


def _node_ports(snapshot: Snapshot, service: Service) -> dict[int, int]:
    resource = snapshot.resource("Service", service.namespace, service.name)
    if resource is None or service.registry is not Registry.KUBERNETES:
        return {}
    ports = resource.spec.get("ports") or ()
    return {int(port["nodePort"]): int(port["port"]) for port in ports if port.get("nodePort")}


def _pods(snapshot: Snapshot) -> Iterator[Workload]:
    proxies = {proxy.id: proxy for proxy in snapshot.proxies}
    for pod in snapshot.resources("Pod"):
        if pod.status.get("phase") not in ("Failed", "Succeeded"):
            yield _workload(snapshot, pod, proxies.get(ProxyId(pod.name, pod.namespace)))


def _workload(snapshot: Snapshot, pod: Resource, proxy: Proxy | None) -> Workload:
    several = tuple(entry["ip"] for entry in pod.status.get("podIPs") or () if entry.get("ip"))
    first = pod.status.get("podIP")
    account = pod.spec.get("serviceAccountName") or "default"
    ambient = ambient_captured(pod)
    identity = spiffe(trust_domain=snapshot.trust_domain, namespace=pod.namespace, account=account)
    kind, owner = controller_of(pod)
    return Workload(
        name=pod.name,
        namespace=pod.namespace,
        addresses=several or ((first,) if first else ()),
        proxy=proxy.id if proxy else None,
        role=proxy.role if proxy else None,
        identity=identity if proxy or ambient else "",
        capture=_capture(pod, proxy),
        ports=_ports(pod),
        service_account=account,
        locality=snapshot.locality_of(pod),
        labels=pod.labels,
        owner=owner,
        owner_kind=kind.lower(),
        source=pod.ref,
        host_network=bool(pod.spec.get("hostNetwork")),
        ambient=ambient,
        gateways=_gateways(snapshot, proxy),
    )


def _gateways(snapshot: Snapshot, proxy: Proxy | None) -> tuple[ObjectRef, ...]:
    if proxy is None or proxy.role is not Role.GATEWAY:
        return ()
    return tuple(one.ref for one in snapshot.gateways if selects(one.spec.get("selector") or {}, proxy.labels))


def _ports(pod: Resource) -> dict[int, str]:
    ports = (port for container in pod.spec.get("containers") or () for port in container.get("ports") or ())
    return {int(port["containerPort"]): port.get("name") or "" for port in ports}


def _capture(pod: Resource, proxy: Proxy | None) -> Capture:
    if proxy is None or proxy.role is not Role.SIDECAR or proxy.metadata.get("INTERCEPTION_MODE") == "NONE":
        return Capture(inbound=False, outbound=False)
    options = _redirection(pod)
    included = options["-b"]
    return Capture(
        inbound=included != "",
        include_inbound_ports=None if included == "*" else _numbers(included),
        exclude_inbound_ports=_numbers(options["-d"]) | _OWN_PORTS,
        exclude_outbound_ports=_numbers(options["-o"]),
        include_outbound_ports=_numbers(options["-q"]),
        include_outbound_cidrs=_texts(options["-i"]),
        exclude_outbound_cidrs=_texts(options["-x"]),
        dns=str(proxy.metadata.get("DNS_CAPTURE") or "").lower() == "true",
    )


def _redirection(pod: Resource) -> dict[str, str]:
    """Return the options of istio-iptables."""
    options = {flag: pod.annotations.get(name, _DEFAULTS.get(flag, "")) for flag, name in _ANNOTATIONS.items()}
    for container in pod.spec.get("initContainers") or ():
        arguments = [str(argument) for argument in container.get("args") or ()]
        if container.get("name") in ("istio-init", "istio-validation") and arguments[:1] == ["istio-iptables"]:
            pairs = pairwise(arguments)
            options |= {flag: value for flag, value in pairs if flag in _ANNOTATIONS}
    return options


def _numbers(text: str) -> frozenset[int]:
    return frozenset(int(part) for part in _texts(text) if part.isdigit())


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _entries(snapshot: Snapshot) -> Iterator[Workload]:
    for entry in snapshot.resources("WorkloadEntry"):
        spec = entry.spec
        address, account = spec.get("address") or "", spec.get("serviceAccount") or ""
        labels = {**(spec.get("labels") or {}), **entry.labels}
        locality = parse_locality(spec["locality"]) if spec.get("locality") else labelled_locality(labels)
        yield Workload(
            name=entry.name,
            namespace=entry.namespace,
            addresses=(address,) if is_address(address) else (),
            service_account=account or "default",
            locality=locality or Locality(),
            labels=labels,
            owner=entry.name,
            owner_kind="workloadentry",
            capture=Capture(inbound=False, outbound=False),
            source=entry.ref,
        )


def _origins(snapshot: Snapshot) -> dict[ObjectRef, Origin]:
    return {one.ref: one.origin for one in _all(snapshot, snapshot.kinds)}


def _all(snapshot: Snapshot, kinds: Sequence[str]) -> Iterable[Resource]:
    return (one for kind in kinds for one in snapshot.resources(kind))


def _node_addresses(node: Resource) -> tuple[str, ...]:
    entries = node.get("status", "addresses", default=[])
    return tuple(one["address"] for one in entries if one.get("type") in ("InternalIP", "ExternalIP"))

"""The network between proxies: what iptables redirects, and where an address leads without any proxy.

istio-iptables decides which connections of a pod its proxy takes over; kube-proxy turns addresses of services, load
balancers and nodes into those of pods.
"""

from dataclasses import dataclass

from simulator.model.directory import Backend, Directory, ServiceRecord, Workload
from simulator.model.traces import Rejected, Step, StepKind
from simulator.traffic.addresses import endpoint, in_ranges, is_loopback


def captures_outbound(workload: Workload, address: str, port: int) -> tuple[bool, str]:
    """Tell whether a connection that a workload makes is redirected to its proxy, and why."""
    capture = workload.capture
    if workload.proxy is None:
        return False, f"{workload.id} has no proxy"
    if not capture.outbound:
        return False, "the proxy does not intercept outbound connections"
    if is_loopback(address) or address in workload.addresses:
        return False, "a connection within the pod is not redirected"
    if port in capture.exclude_outbound_ports:
        return False, f"outbound port {port} is excluded"
    if address and in_ranges(address, capture.exclude_outbound_cidrs):
        return False, f"outbound address {address} is excluded"
    if port in capture.include_outbound_ports:
        return True, f"outbound port {port} is included"
    if address and not in_ranges(address, capture.include_outbound_cidrs):
        return False, f"outbound address {address} is not in the included ranges"
    if not address and "*" not in capture.include_outbound_cidrs:
        return False, "only some ranges are redirected, and the address is not known"
    return True, "outbound connections are redirected to the proxy"


def captures_inbound(workload: Workload, port: int) -> tuple[bool, str]:
    """Tell whether a connection made to a workload is redirected to its proxy, and why."""
    capture = workload.capture
    if workload.proxy is None:
        return False, f"{workload.id} has no proxy"
    if not capture.inbound:
        return False, "the proxy does not intercept inbound connections"
    if port in capture.exclude_inbound_ports:
        return False, f"inbound port {port} is excluded"
    if capture.include_inbound_ports is not None and port not in capture.include_inbound_ports:
        return False, f"inbound port {port} is not included"
    return True, "inbound connections are redirected to the proxy"


_ALLOCATED = ("240.240.0.0/16", "2001:2::/48")
"""Where istiod takes the addresses from that it allocates to ServiceEntries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an address and port lead. No workload and no refusal: somewhere outside the mesh."""

    address: str
    port: int
    workload: Workload | None = None
    steps: tuple[Step, ...] = ()
    refused: str = ""
    """Why nothing answers there; empty when something does."""


def locate(directory: Directory, address: str, port: int, *, random: float | None) -> Place:
    """Find what answers at an address and port, through services, load balancers and node ports."""
    workload = directory.workload_at(address)
    if workload is not None and not workload.host_network:
        return Place(address=address, port=port, workload=workload)
    record = directory.service_at(address)
    if record is not None and not record.kubernetes:
        return _known_to_proxies(record, address, port)
    if record is not None:
        return _through_service(directory, record, port, address=address, random=random)
    if directory.node_at(address):
        found = _node_port(directory, address, port, random=random)
        if found is not None:
            return found
    if workload is not None:
        return Place(address=address, port=port, workload=workload)
    host = directory.services.get(address)
    if host is not None and host.kubernetes and host.backends.get(port):
        return _through_service(directory, host, port, address=address, random=random)
    return Place(address=address, port=port)


def _known_to_proxies(record: ServiceRecord, address: str, port: int) -> Place:
    """Find what answers at an address of a ServiceEntry: no proxy translated it, so it has to be a real one."""
    if in_ranges(address, _ALLOCATED):
        refused = f"{address} was allocated to {record.host} and means something to proxies only"
        return Place(address=address, port=port, refused=refused)
    return Place(address=address, port=port)


def _node_port(directory: Directory, address: str, port: int, *, random: float | None) -> Place | None:
    for record in directory.services.values():
        if port in record.node_ports:
            inner = record.node_ports[port]
            return _through_service(directory, record, inner, address=address, random=random, node_port=port)
    return None


def _through_service(
    directory: Directory, record: ServiceRecord, port: int, *, address: str, random: float | None, node_port: int = 0
) -> Place:
    if port not in record.backends:
        ports = ", ".join(str(number) for number in sorted(record.backends)) or "none"
        refused = f"service {record.host} has no port {port}, only {ports}"
        return Place(address=address, port=port, refused=refused)
    backends = record.backends[port]
    ready = [backend for backend in backends if backend.ready]
    if not ready:
        return Place(address=address, port=port, refused=f"service {record.host} has no ready endpoint on port {port}")
    chosen = ready[int((random or 0.0) * len(ready)) % len(ready)]
    dialled = f"node port {endpoint(address, node_port)}" if node_port else endpoint(address, port)
    step = _translation(record, dialled, backends, chosen)
    return Place(
        address=chosen.address, port=chosen.port, workload=directory.workload_at(chosen.address), steps=(step,)
    )


def _translation(record: ServiceRecord, dialled: str, backends: tuple[Backend, ...], chosen: Backend) -> Step:
    others = [endpoint(one.address, one.port) for one in backends if one.ready and one is not chosen]
    rejected = tuple(
        Rejected(name=endpoint(one.address, one.port), because="it is not ready") for one in backends if not one.ready
    )
    because = f"kube-proxy turns {dialled} of service {record.host} into one of its endpoints"
    return Step(
        kind=StepKind.ENDPOINT,
        chosen=endpoint(chosen.address, chosen.port),
        because=because,
        rejected=rejected,
        details={"alternatives": others} if others else {},
        document=record.source,
    )

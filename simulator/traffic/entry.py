"""How a request from outside gets in: which service takes it, and at which pod it arrives.

An address says it by itself (load balancer, node port, external IP). A name only public DNS would know is taken to
point to a gateway: every service that leads to gateway pods and is reachable from outside is tried, oldest names first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.model.directory import Directory, ServiceRecord, Workload
from simulator.model.proxies import Role
from simulator.model.requests import Request
from simulator.model.traces import Step, StepKind
from simulator.traffic.addresses import endpoint, is_loopback
from simulator.traffic.resolution import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One way in: an address and port inside, or why there is none."""

    source: str
    address: str
    port: int
    steps: tuple[Step, ...]
    refused: str = ""


def entries(directory: Directory, request: Request, gateway: Workload | None) -> Iterator[Entry]:
    """Yield the ways in for a request from outside; only that through `gateway` when it is given."""
    if gateway is not None:
        yield _at_gateway(directory, request, gateway)
        return
    resolved = resolve(directory, request.host, port=request.port, client=None)
    if not resolved.public:
        return
    for record in _reachable(directory):
        for port in _ports(record, request.port):
            ready = [one for one in record.backends.get(port, ()) if one.ready]
            chosen = next((one for one in ready if _is_gateway(directory, one.address)), None)
            if chosen is None:
                continue
            because = f"{request.host} is taken to point to service {record.host}, the way in on port {request.port}"
            steps = (Step(kind=StepKind.NAME_RESOLUTION, chosen=record.host, because=because, document=record.source),)
            yield Entry(source="outside", address=chosen.address, port=chosen.port, steps=steps)


def from_address(directory: Directory, address: str, port: int) -> tuple[str, str]:
    """Return why a client outside gets nowhere at an address, and what is assumed where it does; both may be empty."""
    if is_loopback(address):
        return "a client outside has a localhost of its own", ""
    record, workload = directory.service_at(address), directory.workload_at(address)
    if record is not None and address in record.external_addresses:
        return "", ""
    if node := directory.node_at(address):
        known = workload is not None or any(port in each.node_ports for each in directory.services.values())
        return "" if known else f"no service has node port {port}; what else listens on {node} is not known", ""
    if workload is not None and workload.owner_kind == "workloadentry":
        return "", ""
    if workload is not None or (record is not None and record.kubernetes):
        owner = f"pod {workload.id}" if workload is not None else f"service {record.host}" if record is not None else ""
        return "", f"{address} is an address inside the cluster, of {owner}: taken to be reachable from outside"
    doors = [f"{each.host} at {found}" for each in _reachable(directory) for found in each.external_addresses]
    ways = f"; clients outside reach {', '.join(doors)}" if doors else ""
    return f"no load balancer, node, service or pod of the cluster has the address {address}{ways}", ""


def ways_in(directory: Directory) -> str:
    """Name the services that lead in, and their ports, behind a colon; empty where there are none."""
    found = [f"{each.host} on {', '.join(map(str, sorted(each.backends)))}" for each in _reachable(directory)]
    return f": {'; '.join(found)}" if found else ""


def _is_gateway(directory: Directory, address: str) -> bool:
    workload = directory.workload_at(address)
    return workload is not None and workload.role is Role.GATEWAY


def _reachable(directory: Directory) -> list[ServiceRecord]:
    """Return Kubernetes services that clients outside can reach; all services of gateways when none declares it."""
    gateways = [
        record
        for record in directory.services.values()
        if record.kubernetes
        and any(_is_gateway(directory, one.address) for backends in record.backends.values() for one in backends)
    ]
    outside = [record for record in gateways if record.external_addresses or record.node_ports]
    return sorted(outside or gateways, key=lambda record: record.host)


def _ports(record: ServiceRecord, port: int) -> list[int]:
    """Return the service ports that a port dialled from outside stands for."""
    if port in record.backends:
        return [port]
    return [record.node_ports[port]] if port in record.node_ports else []


def _at_gateway(directory: Directory, request: Request, gateway: Workload) -> Entry:
    """Enter at one gateway's pod: at the target of its service's port, else at the port itself."""
    address = gateway.addresses[0] if gateway.addresses else ""
    source = f"gateway {gateway.id}"
    if not address:
        return Entry(source=source, address="", port=0, steps=(), refused=f"{gateway.id} has no address")
    for record in _reachable(directory):
        for port in _ports(record, request.port):
            for backend in record.backends.get(port, ()):
                if backend.address in gateway.addresses:
                    because = f"port {request.port} of service {record.host} leads to {gateway.id}"
                    step = Step(
                        kind=StepKind.NAME_RESOLUTION,
                        chosen=endpoint(backend.address, backend.port),
                        because=because,
                        document=record.source,
                    )
                    return Entry(source=source, address=backend.address, port=backend.port, steps=(step,))
    because = f"no service leads port {request.port} to {gateway.id}: the gateway's own port is dialled"
    step = Step(kind=StepKind.NAME_RESOLUTION, chosen=endpoint(address, request.port), because=because)
    return Entry(source=source, address=address, port=request.port, steps=(step,))

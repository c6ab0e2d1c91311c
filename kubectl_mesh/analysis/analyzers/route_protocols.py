"""HTTP rules of VirtualServices for services that do not speak HTTP.

A sidecar's listener for a TCP port has no HTTP routes, so such rules apply to no request. istiod still makes a virtual
host of port 80 of them (pilot/pkg/networking/core/route: BuildSidecarVirtualHostWrapper): rules that match that port,
such as those that lead to an egress gateway, are meant for it and are not reported.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.hosts import HOST_KINDS, Destination, hosts
from kubectl_mesh.analysis.services import Services, port_protocol
from kubectl_mesh.analysis.virtual_services import MESH, gateways
from kubectl_mesh.analysis.world import World
from simulator.model.ports import Protocol, parse_protocol
from simulator.model.resources import Resource

_HTTP_PORT = 80


def _routes(world: World) -> Iterator[Finding]:
    known = world.once(hosts)
    for service in world.of_kind("VirtualService"):
        if not service.spec.get("http") or MESH not in gateways(service):
            continue
        for index, host in enumerate(service.spec.get("hosts") or ()):
            destination = known.find(service.namespace, (), host) if not host.startswith("*") else None
            if destination is None or not destination.ports:
                continue
            protocols = dict(zip((number for number, _ in destination.ports), _protocols(destination), strict=False))
            if any(not protocol.is_tcp for protocol in protocols.values()):
                continue
            if _HTTP_PORT not in protocols and _asks_for(_HTTP_PORT, service):
                continue
            number, protocol = next(iter(protocols.items()))
            ports = ", ".join(f"{number} ({protocol})" for number, protocol in protocols.items())
            yield Finding(
                code="KM0008",
                resource=service,
                arguments=(host, ports),
                path=("spec", "hosts", index),
                witness=f"a connection to {host}:{number} is forwarded as {protocol}, without regard to any rule",
                related=(destination.resource,),
            )
            break


def _asks_for(port: int, service: Resource) -> bool:
    matches = [match or {} for rule in service.spec["http"] for match in (rule or {}).get("match") or ()]
    return any(match.get("port") == port for match in matches)


def _protocols(destination: Destination) -> list[Protocol]:
    resource: Resource = destination.resource
    if resource.kind == "Service":
        return [port_protocol(port) for port in Services.ports(resource)]
    return [parse_protocol(str(port.get("protocol") or "TCP")) for port in resource.spec.get("ports") or ()]


ANALYZERS = (
    Check(
        name="mesh.RouteProtocols",
        description="Finds HTTP rules for services all of whose ports are TCP",
        inputs=("VirtualService", *HOST_KINDS),
        run=_routes,
    ),
)

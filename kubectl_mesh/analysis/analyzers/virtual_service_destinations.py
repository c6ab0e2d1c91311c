"""Destinations of VirtualServices: the host, the port and the subset exist.

istiod: pkg/config/analysis/analyzers/virtualservice/{destinationhosts,destinationrules}.go.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.hosts import HOST_KINDS, Hosts, hosts, is_elsewhere, service_name
from kubectl_mesh.analysis.references import Name, full_name
from kubectl_mesh.analysis.virtual_services import Target, mirror_targets, route_targets
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource


def _destinations(world: World) -> Iterator[Finding]:
    known = world.once(hosts)
    subsetters = _subsetters(world)
    for service in world.of_kind("VirtualService"):
        for target in (*route_targets(service), *mirror_targets(service)):
            if not is_elsewhere(world, service.namespace, target.host):
                yield from _missing(service, target, known)
        yield from _bypassed_subsets(service, subsetters)


def _missing(service: Resource, target: Target, known: Hosts) -> Iterator[Finding]:
    found = known.find(service.namespace, service.spec.get("exportTo") or (), target.host)
    if found is None:
        arguments = ("mirror host" if target.mirror else "host", target.host)
        yield Finding(code="IST0101", resource=service, arguments=arguments, path=target.path)
        return
    numbers = tuple(number for number, _ in found.ports)
    if target.port is None:
        if len(numbers) > 1:
            yield Finding(code="IST0112", resource=service, arguments=(target.host, numbers), path=target.path)
    elif target.port not in numbers:
        arguments = ("host:port", f"{target.host}:{target.port}")
        yield Finding(code="IST0101", resource=service, arguments=arguments, path=target.path)


def _subsetters(world: World) -> dict[str, dict[Resource, None]]:
    """Return the VirtualServices that send a host of their own to a subset, by that host."""
    found: dict[str, dict[Resource, None]] = {}
    for service in world.of_kind("VirtualService"):
        own = set(service.spec.get("hosts") or ())
        for target in route_targets(service):
            if target.subset and target.host in own:
                found.setdefault(target.host, {})[service] = None
    return found


def _bypassed_subsets(service: Resource, subsetters: dict[str, dict[Resource, None]]) -> Iterator[Finding]:
    if not service.spec.get("gateways"):
        return
    others: dict[Resource, None] = {}
    for rule in service.spec.get("http") or ():
        for route in (rule or {}).get("route") or ():
            destination = (route or {}).get("destination") or {}
            if not destination.get("subset"):
                others |= subsetters.get(destination.get("host") or "", {})
    for other in others:
        arguments = (full_name(other), full_name(service))
        yield Finding(code="IST0140", resource=service, arguments=arguments, related=(other,))


def _subsets(world: World) -> Iterator[Finding]:
    defined: set[tuple[Name, str]] = set()
    for rule in world.of_kind("DestinationRule"):
        name = service_name(rule.namespace, rule.spec.get("host") or "")
        defined |= {(name, subset.get("name") or "") for subset in rule.spec.get("subsets") or ()}
    for service in world.of_kind("VirtualService"):
        for target in (*route_targets(service), *mirror_targets(service)):
            if target.subset and (service_name(service.namespace, target.host), target.subset) not in defined:
                what = "mirror+subset in destinationrule" if target.mirror else "host+subset in destinationrule"
                arguments = (what, f"{target.host}+{target.subset}")
                yield Finding(code="IST0101", resource=service, arguments=arguments, path=target.path)


ANALYZERS = (
    Check(
        name="virtualservice.DestinationHostAnalyzer",
        description="Checks the destination hosts associated with each virtual service",
        inputs=(*HOST_KINDS, "VirtualService"),
        run=_destinations,
    ),
    Check(
        name="virtualservice.DestinationRuleAnalyzer",
        description="Checks the destination rules associated with each virtual service",
        inputs=("VirtualService", "DestinationRule"),
        run=_subsets,
    ),
)

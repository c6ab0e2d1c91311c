"""The services that a waypoint serves.

istiod: pilot/pkg/networking/core/waypoint.go (findWaypointResources).
"""

from simulator.model.services import Resolution, Service
from simulator.xds.view import ProxyView


def waypoint_services(view: ProxyView) -> tuple[Service, ...]:
    """Return the registry's services that are attached to a waypoint, oldest first, one of each host."""
    snapshot = view.snapshot
    found: dict[str, Service] = {}
    for attached in snapshot.ambient.services_of(snapshot.service_targets(view.proxy)):
        service = snapshot.services_of_host(attached.host).get(attached.namespace)
        if service is None or (service.resolution is Resolution.DYNAMIC_DNS and not service.mesh_external):
            continue
        found[service.host] = service
    return tuple(sorted(found.values(), key=lambda one: (one.created, one.name, one.namespace)))

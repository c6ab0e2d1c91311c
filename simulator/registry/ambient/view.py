"""What istiod knows of ambient mode beside its registries, looked up by service, address and waypoint.

istiod: pilot/pkg/serviceregistry/ambient/ambientindex.go (ServicesForWaypoint, WorkloadsForWaypoint),
pilot/pkg/model/service.go (WaypointKeyForProxy), push_context.go (SupportsTunnel).
"""

from collections.abc import Iterable, Sequence

from simulator.model.proxies import ServiceTarget
from simulator.model.resources import Resource
from simulator.model.services import Service
from simulator.registry.ambient.services import AmbientService, ambient_services
from simulator.registry.ambient.waypoints import Waypoint, Waypoints
from simulator.registry.endpoint_slices import ambient_captured, tunnel_enabled
from simulator.registry.resource_index import ResourceIndex
from simulator.registry.workloads import Workloads


class AmbientView:
    """Services, workloads and waypoints of a mesh in ambient mode; all empty when it is off."""

    def __init__(self, index: ResourceIndex, workloads: Workloads, *, domain: str, active: bool) -> None:
        self.waypoints = Waypoints(index if active else ResourceIndex(()), workloads)
        self.services: Sequence[AmbientService] = (
            ambient_services(index, self.waypoints, domain=domain) if active else ()
        )
        self._by_key = {one.key: one for one in self.services}
        pods = workloads.pods if active else ()
        entries = index.of_kind("WorkloadEntry") if active else ()
        self._workloads: Sequence[Resource] = (*pods, *entries)
        self._tunnelled = frozenset(_tunnelled(self._workloads, workloads))

    def service(self, service: Service) -> AmbientService | None:
        """Return what ambient mode knows of a service; None when another resource stands for its host."""
        found = self._by_key.get(f"{service.namespace}/{service.host}")
        return found if found is not None and found.source.ref == service.source else None

    def services_of(self, targets: Iterable[ServiceTarget]) -> Sequence[AmbientService]:
        """Return the services attached to the waypoint whose own service ports are `targets`, oldest first."""
        own = list(targets)
        return [one for one in self.services if one.waypoint is not None and _is_reached(one.waypoint, own)]

    def workloads_of(self, targets: Iterable[ServiceTarget]) -> Sequence[Resource]:
        """Return the pods and WorkloadEntries attached to the waypoint whose own service ports are `targets`."""
        own = list(targets)
        found = []
        for workload in self._workloads:
            waypoint = self.waypoints.of_workload(workload.namespace, entry_labels(workload))
            if waypoint is not None and _is_reached(waypoint, own):
                found.append(workload)
        return sorted(found, key=lambda one: (one.created, one.name, one.namespace))

    def accepts_hbone(self, network: str, address: str) -> bool:
        """Tell whether the workload with an address accepts HBONE, by itself or through ztunnel."""
        return (network, address) in self._tunnelled


def entry_labels(workload: Resource) -> dict[str, str]:
    """Return the labels of a pod, or of a WorkloadEntry with those of its spec."""
    own = workload.spec.get("labels") if workload.kind == "WorkloadEntry" else None
    return {**(own or {}), **workload.labels}


def _is_reached(waypoint: Waypoint, targets: Sequence[ServiceTarget]) -> bool:
    for target in targets:
        if waypoint.host:
            if (target.service.host, target.service.namespace) == (waypoint.host, waypoint.namespace):
                return True
        elif waypoint.address in (target.service.auto_addresses or target.service.addresses):
            return True
    return False


def _tunnelled(resources: Iterable[Resource], workloads: Workloads) -> Iterable[tuple[str, str]]:
    for one in resources:
        labels = entry_labels(one)
        if not ambient_captured(one) and not tunnel_enabled(labels):
            continue
        if one.kind == "Pod":
            addresses = [entry["ip"] for entry in one.status.get("podIPs") or ()] or [one.status.get("podIP")]
        else:
            addresses = [one.spec.get("address")]
        network = one.spec.get("network") if one.kind == "WorkloadEntry" else None
        for address in addresses:
            if address:
                yield (network or workloads.default_network, address)

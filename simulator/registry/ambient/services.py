"""Services as ztunnel and waypoints know them: one for each namespace that claims a host.

istiod: pilot/pkg/serviceregistry/ambient/services.go (ServicesCollection).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from simulator.model.names import service_host
from simulator.model.resources import Resource
from simulator.registry.ambient.waypoints import Waypoint, Waypoints
from simulator.registry.flags import enabled
from simulator.registry.resource_index import ResourceIndex

_INGRESS = "istio.io/ingress-use-waypoint"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AmbientService:
    """One host of a Kubernetes Service or ServiceEntry."""

    host: str
    source: Resource
    waypoint: Waypoint | None = None
    ingress_uses_waypoint: bool = False
    """Gateways, too, send through the waypoint."""
    canonical: bool = False
    """It stands for the host everywhere; others do for clients of their own namespace."""

    @property
    def namespace(self) -> str:
        """Namespace of the resource."""
        return self.source.namespace

    @property
    def key(self) -> str:
        """`namespace/host`, by which workloads refer to it."""
        return f"{self.source.namespace}/{self.host}"


def ambient_services(index: ResourceIndex, waypoints: Waypoints, *, domain: str) -> Sequence[AmbientService]:
    """Return the services of a mesh, oldest first.

    In each namespace a Kubernetes Service stands for its host, else the oldest ServiceEntry; over all namespaces the
    Kubernetes Service, else the oldest one, is canonical.
    """
    best: dict[tuple[str, str], AmbientService] = {}
    canonical: dict[str, AmbientService] = {}
    for one in _candidates(index, waypoints, domain=domain):
        key = (one.host, one.namespace)
        if one.source.kind == "Service" or key not in best:
            best[key] = one
            if one.source.kind == "Service" or one.host not in canonical:
                canonical[one.host] = one
    return [replace(one, canonical=canonical.get(one.host) is one) for one in best.values()]


def _candidates(index: ResourceIndex, waypoints: Waypoints, *, domain: str) -> Iterator[AmbientService]:
    for resource in index.of_kind("Service"):
        if resource.spec.get("type") != "ExternalName":
            host = service_host(name=resource.name, namespace=resource.namespace, domain=domain)
            yield _service(index, waypoints, resource, host)
    for resource in index.of_kind("ServiceEntry"):
        for host in resource.spec.get("hosts") or ():
            yield _service(index, waypoints, resource, host)


def _service(index: ResourceIndex, waypoints: Waypoints, resource: Resource, host: str) -> AmbientService:
    waypoint = waypoints.of_service(resource.namespace, resource.labels)
    namespace = index.get("Namespace", "", resource.namespace)
    inherited = namespace.labels if namespace else {}
    labels = resource.labels if _INGRESS in resource.labels else inherited
    uses = waypoint is not None and enabled(labels, _INGRESS, default=False)
    return AmbientService(host=host, source=resource, waypoint=waypoint, ingress_uses_waypoint=uses)

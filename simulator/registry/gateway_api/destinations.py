"""backendRefs → destinations of a VirtualService.

istiod: pilot/pkg/config/kube/gateway/conversion.go (buildDestination, buildHTTPDestination).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.names import service_host
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.flags import enabled
from simulator.registry.gateway_api.references import ReferenceGrants, referenced_kind
from simulator.registry.resource_index import ResourceIndex

_SERVICE = ("", "Service")
_HOSTNAME = ("networking.istio.io", "Hostname")
_IMPORT = ("multicluster.x-k8s.io", "ServiceImport")


class InvalidRouteError(Exception):
    """A rule that istiod cannot express, for which it drops the rules of the whole route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """Resolves the backends of routes."""

    index: ResourceIndex
    grants: ReferenceGrants
    flags: Mapping[str, str]
    domain: str
    caveats: list[Caveat] = field(default_factory=list)

    def weighted(self, route: Resource, backends: Sequence[Json], *, enforce_grants: bool) -> list[tuple[Json, Json]]:
        """Return pairs of backendRef and weighted destination; backends of weight 0 are left out.

        A backend that may not be used, or of a kind that istiod does not know, becomes a destination without a host:
        its share of requests fails. A single remaining backend needs no weight. Raises InvalidRouteError.
        """
        chosen = [backend for backend in backends if weight_of(backend)]
        found: list[tuple[Json, Json]] = []
        for backend in chosen:
            entry: Json = {"destination": self.destination(route, backend, enforce_grants=enforce_grants)[0]}
            if len(chosen) > 1:
                entry["weight"] = weight_of(backend)
            found.append((backend, entry))
        return found

    def destination(self, route: Resource, backend: Json, *, enforce_grants: bool) -> tuple[Json, bool]:
        """Return the destination of one backend, and whether requests can get there. Raises InvalidRouteError."""
        usable = True
        kind = referenced_kind(backend, _SERVICE)
        name, namespace = backend.get("name") or "", backend.get("namespace") or route.namespace
        if enforce_grants and namespace != route.namespace:
            origin = (route.group, route.kind)
            if not self.grants.allow(origin, route.namespace, target=kind, target_namespace=namespace, name=name):
                self._warn(route, f"backend {namespace}/{name} is not granted to it, so requests to it fail")
                return {"host": ""}, False
        if kind == _HOSTNAME:
            if backend.get("namespace") is not None:
                raise InvalidRouteError("a backend of kind Hostname may not have a namespace")
            host = name
        elif kind in (_SERVICE, _IMPORT):
            if kind == _SERVICE and "." in name:
                raise InvalidRouteError(f"backend {name} must be the name of a Service, not its host")
            clusterset = kind == _IMPORT and enabled(self.flags, "ENABLE_MCS_HOST", default=False)
            domain = "clusterset.local" if clusterset else self.domain
            host = service_host(name=name, namespace=namespace, domain=domain)
            if self.index.get("Service", namespace, name) is None:
                usable = False
                self._warn(route, f"backend {namespace}/{name} is not there, so requests to it fail")
        else:
            self._warn(route, f"backend {name} is of kind {kind[1]}, which is not supported, so requests to it fail")
            return {"host": ""}, False
        if backend.get("port") is None:
            raise InvalidRouteError(f"backend {name} has no port")
        return {"host": host, "port": {"number": int(backend["port"])}}, usable

    def _warn(self, route: Resource, message: str) -> None:
        caveat = Caveat(kind=CaveatKind.INCOMPLETE, ref=route.ref, message=message)
        if caveat not in self.caveats:
            self.caveats.append(caveat)


def weight_of(backend: Json) -> int:
    """Return the weight of a backendRef, 1 by default."""
    weight = backend.get("weight")
    return 1 if weight is None else int(weight)


def total_weight(backends: Sequence[Json]) -> int:
    """Return the sum of the weights; no backends at all weigh nothing."""
    return sum(weight_of(backend) for backend in backends)

"""Status conditions by which a controller reports that it rejected a resource.

istiod: pkg/config/analysis/analyzers/conditions/conditions.go.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource
from simulator.model.wire import Json

_WAYPOINT = ("istio.io/WaypointBound",)
_ROUTE = ("Accepted", "Programmed", "ResolvedRefs")
_NEGATIVE = {
    "Service": _WAYPOINT,
    "ServiceEntry": _WAYPOINT,
    "WorkloadEntry": _WAYPOINT,
    "AuthorizationPolicy": ("ZtunnelAccepted", "WaypointAccepted"),
    "gateway.networking.k8s.io/Gateway": _ROUTE,
    "HTTPRoute": _ROUTE,
    "GRPCRoute": _ROUTE,
}


def _negative(world: World) -> Iterator[Finding]:
    for kind, types in _NEGATIVE.items():
        for resource in world.of_kind(kind):
            for condition in _conditions(resource):
                partial = resource.kind == "AuthorizationPolicy" and (
                    (condition.get("type"), condition.get("reason")) == ("WaypointAccepted", "PartiallyInvalid")
                )
                if partial or (condition.get("type") in types and condition.get("status") == "False"):
                    arguments = tuple(condition.get(key) or "" for key in ("type", "reason", "message"))
                    yield Finding(code="IST0171", resource=resource, arguments=arguments)


def _conditions(resource: Resource) -> Iterator[Json]:
    if resource.kind in ("HTTPRoute", "GRPCRoute"):
        for parent in resource.status.get("parents") or ():
            yield from parent.get("conditions") or ()
        return
    yield from resource.status.get("conditions") or ()


ANALYZERS = (
    Check(
        name="conditions.ConditionAnalyzer",
        description="Checks for negative status conditions on resources",
        inputs=("ServiceEntry",),
        hints=tuple(_NEGATIVE),
        run=_negative,
    ),
)

"""Which waypoint do the labels of a pod, a service or a namespace choose, and whose traffic does a waypoint carry?

istiod: pilot/pkg/serviceregistry/ambient/waypoints.go: an object's own label precedes that of its namespace.
"""

from dataclasses import dataclass

from kubectl_mesh.diagnosis import waypoints
from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, spec
from simulator.model.labels import GATEWAY_CLASS, GATEWAY_NAME, label_selector_selects
from simulator.model.own_ports import HBONE_PORT
from simulator.model.wire import Json

NONE = "none"
_USE, _USE_NAMESPACE = "istio.io/use-waypoint", "istio.io/use-waypoint-namespace"
_KINDS = ("Service", "ServiceEntry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The waypoint that labels choose; its name is `none` where they opt out."""

    namespace: str
    name: str
    because: str
    """The object with the label."""


def wish(lookup: Lookup, resource: Json) -> Wish | None:
    """Return the choice of an object's labels, or else of its namespace's; None without such labels."""
    home = namespace_of(resource)
    namespace = lookup.get("Namespace", "", home)
    for where, holder in (("its own label", resource), (f"label of namespace {home}", namespace or {})):
        if wanted := labels(holder).get(_USE):
            place = labels(holder).get(_USE_NAMESPACE) or home
            return Wish(namespace=place, name=wanted, because=where)
    return None


def find(lookup: Lookup, wanted: Wish) -> waypoints.WaypointRow | None:
    """Return the chosen waypoint; None where it does not exist."""
    rows = waypoints.find(lookup, namespace=wanted.namespace)
    return next((row for row in rows if row.name == wanted.name), None)


def takes(lookup: Lookup, waypoint: waypoints.WaypointRow) -> str:
    """Return which traffic a waypoint accepts, by its label; that of services by default."""
    is_told = "istio.io/waypoint-for" in labels(_gateway(lookup, waypoint))
    return waypoint.traffic if waypoint.traffic != NONE or is_told else "service"


def admits(lookup: Lookup, waypoint: waypoints.WaypointRow, namespace: str) -> bool:
    """Tell whether objects of a namespace may use a waypoint: its own, unless its listener says otherwise."""
    found = [each for each in listed(spec(_gateway(lookup, waypoint)).get("listeners")) if _is_hbone(each or {})]
    allowed: Json = ((found[0].get("allowedRoutes") or {}).get("namespaces") or {}) if found else {}
    match allowed.get("from") or "Same":
        case "All":
            return True
        case "Selector":
            owner = lookup.get("Namespace", "", namespace) or {}
            return label_selector_selects(allowed.get("selector") or {}, labels(owner))
    return waypoint.namespace == namespace


def _gateway(lookup: Lookup, waypoint: waypoints.WaypointRow) -> Json:
    found = (*lookup.all("Gateway", waypoint.namespace), *lookup.all(waypoints.GATEWAY, waypoint.namespace))
    return next((each for each in found if name_of(each) == waypoint.name and waypoints.is_waypoint(each)), {})


def _is_hbone(listener: Json) -> bool:
    return (listener.get("protocol"), listener.get("port")) == ("HBONE", HBONE_PORT)


def carrier(lookup: Lookup, resource: Json, *, traffic: str) -> tuple[str, str] | None:
    """Return namespace and name of the waypoint that carries `service` or `workload` traffic to an object."""
    wanted = wish(lookup, resource)
    row = find(lookup, wanted) if wanted is not None and wanted.name != NONE else None
    if row is None or not admits(lookup, row, namespace_of(resource)):
        return None
    return (row.namespace, row.name) if takes(lookup, row) in ("all", traffic) else None


def carried(lookup: Lookup, pod: Json) -> list[tuple[str, Json]]:
    """Return (kind, object) of what the waypoint in `pod` carries; none where the pod is not a waypoint."""
    if not is_instance(pod):
        return []
    own = namespace_of(pod), labels(pod).get(GATEWAY_NAME, "")
    found = ((kind, each) for kind in _KINDS for each in lookup.all(kind))
    return [(kind, each) for kind, each in found if carrier(lookup, each, traffic="service") == own]


def is_instance(pod: Json) -> bool:
    """Tell whether a pod runs a waypoint."""
    return labels(pod).get(GATEWAY_CLASS) == waypoints.CLASS

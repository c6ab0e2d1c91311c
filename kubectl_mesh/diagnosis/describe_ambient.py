"""Who carries the traffic of a pod in the ambient mesh: which ztunnel, and which waypoint?

istiod: pilot/pkg/serviceregistry/ambient (waypoints.go): an object's own label goes before that of its namespace.
"""

from collections.abc import Iterator, Sequence

from kubectl_mesh.diagnosis import waypoints
from kubectl_mesh.diagnosis.describe_pod import is_ambient
from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, spec
from kubectl_mesh.diagnosis.ztunnel_pods import ztunnels
from simulator.model.labels import GATEWAY_CLASS, GATEWAY_NAME
from simulator.model.wire import Json

_USE, _USE_NAMESPACE = "istio.io/use-waypoint", "istio.io/use-waypoint-namespace"
_NONE = "none"


def ambient(lookup: Lookup, pod: Json, services: Sequence[Json]) -> Iterator[str]:
    """Say who carries the traffic to a pod; nothing for a pod outside the ambient mesh."""
    if not is_ambient(pod):
        return
    node = str(spec(pod).get("nodeName") or "")
    carrier = next((str(one) for one, its in ztunnels(lookup.source).items() if its == node), "")
    yield f"Ambient: traffic goes through {carrier}" if carrier else f"WARNING: no ztunnel runs on node {node}"
    subjects = [
        ("the pod", pod, "workload"),
        *((f"service {lookup.called(each)}", each, "service") for each in services),
    ]
    for subject, resource, traffic in subjects:
        if line := _waypoint(lookup, resource, subject=subject, traffic=traffic):
            yield line


def carried(lookup: Lookup, pod: Json) -> list[Json]:
    """Return the services that name the waypoint which a pod is an instance of; none for other pods."""
    if labels(pod).get(GATEWAY_CLASS) != waypoints.CLASS:
        return []
    own = namespace_of(pod), labels(pod).get(GATEWAY_NAME, "")
    return [each for each in lookup.all("Service") if _use(lookup, each)[0] == own]


def _waypoint(lookup: Lookup, resource: Json, *, subject: str, traffic: str) -> str:
    found, label = _use(lookup, resource)
    if not found or found[1] == _NONE:
        return f"Waypoint: {subject} uses none ({label})" if found else ""
    namespace, name = found
    row = next((row for row in waypoints.find(lookup, namespace=namespace) if row.name == name), None)
    if row is None:
        return f"WARNING: {subject} is to use waypoint {name}.{namespace}, which does not exist ({label})"
    takes = row.traffic if row.traffic != _NONE or _is_told(lookup, namespace, name) else "service"
    if takes not in ("all", traffic):
        words = "no traffic" if takes == _NONE else f"{takes} traffic only"
        return f"Waypoint: {name}.{namespace} takes {words}, not that addressed to {subject} ({label})"
    ready = "" if row.programmed == "True" else ", which is not ready"
    return f"Waypoint: {name}.{namespace} for {subject}{ready} ({label})"


def _is_told(lookup: Lookup, namespace: str, name: str) -> bool:
    """Tell whether a waypoint has a label that says which traffic it takes; without it, it takes that of services."""
    found = (*lookup.all("Gateway", namespace), *lookup.all(waypoints.GATEWAY, namespace))
    return any("istio.io/waypoint-for" in labels(each) for each in found if name_of(each) == name)


def _use(lookup: Lookup, resource: Json) -> tuple[tuple[str, str] | None, str]:
    """Return namespace and name of the waypoint that labels ask for, and where they stand."""
    home = namespace_of(resource)
    namespace = lookup.get("Namespace", "", home)
    for where, holder in (("its own label", resource), (f"label of namespace {home}", namespace or {})):
        wanted = labels(holder).get(_USE)
        if wanted:
            return (labels(holder).get(_USE_NAMESPACE) or home, wanted), where
    return None, ""

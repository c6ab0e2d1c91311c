"""Who carries the traffic of a pod in the ambient mesh: which ztunnel, and which waypoint?"""

from collections.abc import Iterator, Sequence

from kubectl_mesh.diagnosis import waypoint_use
from kubectl_mesh.diagnosis.describe_pod import is_ambient
from kubectl_mesh.diagnosis.lookup import Lookup, namespace_of, spec
from kubectl_mesh.diagnosis.ztunnel_pods import ztunnels
from simulator.model.wire import Json


def ambient(lookup: Lookup, pod: Json, services: Sequence[Json]) -> Iterator[str]:
    """Yield lines on the ztunnel and waypoint that carry a pod's traffic; none for a pod outside the ambient mesh."""
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


def _waypoint(lookup: Lookup, resource: Json, *, subject: str, traffic: str) -> str:
    wanted = waypoint_use.wish(lookup, resource)
    if wanted is None:
        return ""
    called, label = f"{wanted.name}.{wanted.namespace}", wanted.because
    if wanted.name == waypoint_use.NONE:
        return f"Waypoint: {subject} uses none ({label})"
    row = waypoint_use.find(lookup, wanted)
    if row is None:
        return f"WARNING: {subject} is to use waypoint {called}, which does not exist ({label})"
    if not waypoint_use.admits(lookup, row, namespace_of(resource)):
        return (
            f"WARNING: {subject} is to use waypoint {called}, which does not admit namespace {namespace_of(resource)}"
        )
    takes = waypoint_use.takes(lookup, row)
    if takes not in ("all", traffic):
        words = "no traffic" if takes == waypoint_use.NONE else f"{takes} traffic only"
        return f"Waypoint: {called} takes {words}, not that addressed to {subject} ({label})"
    ready = "" if row.programmed == "True" else ", which is not ready"
    return f"Waypoint: {called} for {subject}{ready} ({label})"

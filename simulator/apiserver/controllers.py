"""The statuses that controllers maintain: of workloads, counted from their pods, of namespaces, and of gateways."""

from collections.abc import Callable, Iterable, Mapping

from simulator.manifests.gateway_statuses import gateway_status, is_managed
from simulator.model.resources import Resource
from simulator.model.wire import Json

Owner = tuple[str, str, str]
WORKLOADS = frozenset({"DaemonSet", "Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"})


def owner_of(resource: Resource) -> Owner | None:
    """Return the controller of a resource as (kind, namespace, name); None when it has none."""
    for reference in resource.metadata.get("ownerReferences") or ():
        if reference.get("controller", True):
            return str(reference.get("kind")), resource.namespace, str(reference.get("name"))
    return None


def is_ready(pod: Resource) -> bool:
    """Tell whether a pod is ready."""
    conditions = pod.status.get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _counts(resources: Iterable[Resource]) -> Mapping[Owner, tuple[int, int]]:
    parents: dict[Owner, Owner] = {}
    pods: list[Resource] = []
    for resource in resources:
        if resource.kind == "ReplicaSet" and (owner := owner_of(resource)):
            parents["ReplicaSet", resource.namespace, resource.name] = owner
        elif resource.kind == "Pod":
            pods.append(resource)
    found: dict[Owner, tuple[int, int]] = {}
    for pod in pods:
        owner = owner_of(pod)
        while owner is not None:
            total, ready = found.get(owner, (0, 0))
            found[owner] = (total + 1, ready + is_ready(pod))
            owner = parents.get(owner)
    return found


def statuses(resources: Iterable[Resource]) -> Mapping[Owner, Json]:
    """Return the status of each namespace, workload and Gateway, without `observedGeneration`: callers know it."""
    listed = list(resources)
    counts, found = _counts(listed), {}
    services = [resource for resource in listed if resource.kind == "Service"]
    for resource in listed:
        key = (resource.kind, resource.namespace, resource.name)
        if resource.kind == "Namespace":
            found[key] = {"phase": "Active"}
        elif is_managed(resource):
            found[key] = gateway_status(resource, services)
        elif resource.kind in WORKLOADS:
            total, ready = counts.get(key, (0, 0))
            found[key] = _STATUS[resource.kind](resource, total, ready)
    return found


def _positive(status: Json) -> Json:
    return {field: value for field, value in status.items() if value}


def _replicas(resource: Resource, total: int, ready: int) -> Json:
    counts = {"readyReplicas": ready, "availableReplicas": ready, "fullyLabeledReplicas": total}
    return {"replicas": total} | _positive(counts)


def _deployment(resource: Resource, total: int, ready: int) -> Json:
    wanted = resource.get("spec", "replicas", default=1)
    available = ready >= wanted
    counts = _positive(
        {
            "replicas": total,
            "updatedReplicas": total,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": max(0, wanted - ready),
        }
    )
    reasons = ("MinimumReplicasAvailable", "MinimumReplicasUnavailable")
    return counts | {
        "conditions": [
            {
                "type": "Available",
                "status": "True" if available else "False",
                "reason": reasons[not available],
                "message": f"Deployment {'has' if available else 'does not have'} minimum availability.",
            },
            {
                "type": "Progressing",
                "status": "True",
                "reason": "NewReplicaSetAvailable" if available else "ReplicaSetUpdated",
                "message": f'ReplicaSet of deployment "{resource.name}" has successfully progressed.',
            },
        ]
    }


def _stateful_set(resource: Resource, total: int, ready: int) -> Json:
    counts = {"readyReplicas": ready, "currentReplicas": total, "updatedReplicas": total}
    return {"replicas": total, "availableReplicas": ready} | _positive(counts)


def _daemon_set(resource: Resource, total: int, ready: int) -> Json:
    return {
        "currentNumberScheduled": total,
        "desiredNumberScheduled": total,
        "numberMisscheduled": 0,
        "numberReady": ready,
    } | _positive({"updatedNumberScheduled": total, "numberAvailable": ready})


_STATUS: Mapping[str, Callable[[Resource, int, int], Json]] = {
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "ReplicaSet": _replicas,
    "ReplicationController": _replicas,
    "StatefulSet": _stateful_set,
}


def complete_pod(document: Json) -> Json:
    """Return a pod whose container statuses have the fields that a kubelet always reports."""
    status = document.get("status") or {}
    fields = ("containerStatuses", "initContainerStatuses")
    reported = {
        field: [{"imageID": "", "lastState": {}, "restartCount": 0, "ready": False} | each for each in status[field]]
        for field in fields
        if status.get(field)
    }
    return document | {"status": status | reported} if reported else document


_NODE_INFO = (
    "architecture", "bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion", "kubeletVersion",
    "machineID", "operatingSystem", "osImage", "systemUUID",
)  # fmt: skip


def complete_node(document: Json) -> Json:
    """Return a node whose `nodeInfo` has the fields that a kubelet always reports."""
    status = document.get("status") or {}
    info = {"architecture": "amd64", "operatingSystem": "linux"} | (status.get("nodeInfo") or {})
    return document | {"status": status | {"nodeInfo": dict.fromkeys(_NODE_INFO, "") | info}}


COMPLETE: Mapping[str, Callable[[Json], Json]] = {"pods": complete_pod, "nodes": complete_node}
"""Functions that add what a kubelet reports, by resource: typed clients refuse objects without it."""


def started(document: Json, time: str) -> Json:
    """Return a pod with the times at which it and its containers started, and at which finished ones ended."""
    status = document.get("status") or {}
    if status.get("phase") != "Running" or status.get("startTime"):
        return document
    dated = {
        field: [each | {"state": _dated_state(each.get("state") or {}, time)} for each in status[field]]
        for field in ("containerStatuses", "initContainerStatuses")
        if status.get(field)
    }
    return document | {"status": status | {"startTime": time} | dated}


def _dated_state(state: Json, time: str) -> Json:
    dates = {"running": {"startedAt": time}, "terminated": {"startedAt": time, "finishedAt": time}}
    return {name: dates.get(name, {}) | (value or {}) for name, value in state.items()}

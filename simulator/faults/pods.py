"""Faults that pods have themselves, as the cluster's objects show them: not ready, or of an old version of Istio."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace

from simulator.faults.model import Fault, FaultKind
from simulator.model.resources import Resource
from simulator.model.wire import Json

_KINDS = frozenset({FaultKind.UNREADY, FaultKind.OLD_VERSION})
_VERSION = "ISTIO_META_ISTIO_VERSION"


def of_pods(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return the faults that pods have themselves."""
    return tuple(fault for fault in faults if fault.kind in _KINDS)


def with_faulty_pods(
    resources: Sequence[Resource], state: Sequence[Resource], faults: Sequence[Fault]
) -> tuple[Resource, ...]:
    """Return what to derive the mesh from so that its pods have their faults.

    `state` is the cluster that `resources` alone would make. All its pods are given explicitly, since controllers leave
    the pods of a cluster as they are where they are given, and make no others.
    """
    pods = [_faulty(one, faults) for one in state if one.kind == "Pod"]
    owners = [one for one in state if one.kind == "ReplicaSet"]
    taken = {(one.kind, one.namespace, one.name) for one in (*pods, *owners)}
    kept = [one for one in resources if (one.kind, one.namespace, one.name) not in taken]
    unready = {(one.namespace, one.name) for one in pods if _has(one, FaultKind.UNREADY, faults)}
    return (*(_slice(one, unready) if one.kind == "EndpointSlice" else one for one in kept), *owners, *pods)


def _has(pod: Resource, kind: FaultKind, faults: Iterable[Fault]) -> bool:
    return any(fault.kind is kind and fault.hits(f"{pod.name}.{pod.namespace}") for fault in faults)


def _faulty(pod: Resource, faults: Iterable[Fault]) -> Resource:
    found = [fault for fault in faults if fault.hits(f"{pod.name}.{pod.namespace}")]
    if not found:
        return pod
    document = copy.deepcopy(pod.document)
    for fault in found:
        if fault.kind is FaultKind.UNREADY:
            _make_unready(document)
        else:
            _make_old(document, fault.version)
    return replace(pod, document=document)


def _make_unready(pod: Json) -> None:
    status = pod.setdefault("status", {})
    names = [each.get("name", "") for each in status.get("containerStatuses") or ()]
    words = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(names)}]"}
    for condition in status.get("conditions") or ():
        if condition.get("type") in ("Ready", "ContainersReady"):
            condition |= {"status": "False"} | words
    for each in status.get("containerStatuses") or ():
        each["ready"] = False


def _make_old(pod: Json, version: str) -> None:
    spec = pod.get("spec") or {}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if container.get("name") == "istio-proxy":
            repository, _, tag = str(container.get("image", "")).rpartition(":")
            variant = "-".join(tag.split("-")[1:])
            container["image"] = f"{repository}:{version}{'-' if variant else ''}{variant}"
            kept = [each for each in container.get("env") or () if each.get("name") != _VERSION]
            container["env"] = [*kept, {"name": _VERSION, "value": version}]


def _slice(resource: Resource, unready: set[tuple[str, str]]) -> Resource:
    endpoints = resource.document.get("endpoints") or []
    targets = [each.get("targetRef") or {} for each in endpoints]
    hit = [(each.get("namespace") or resource.namespace, each.get("name")) in unready for each in targets]
    if not any(hit):
        return resource
    changed = [
        each | {"conditions": (each.get("conditions") or {}) | {"ready": False, "serving": False}} if faulty else each
        for each, faulty in zip(endpoints, hit, strict=True)
    ]
    return replace(resource, document=resource.document | {"endpoints": changed})

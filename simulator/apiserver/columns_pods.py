"""The columns of pods; the status is derived from the pod's phase and reason and from its containers.

Kubernetes: pkg/printers/internalversion/printers.go (printPod).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from simulator.apiserver.ages import age
from simulator.model.wire import Json

_NONE = "<none>"


def pod_cells(document: Json, now: datetime) -> Sequence[Any]:
    """Return the cells of a pod."""
    spec, status, metadata = document.get("spec") or {}, document.get("status") or {}, document["metadata"]
    statuses = {each.get("name"): each for each in status.get("containerStatuses") or ()}
    sidecars = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    inits = {each.get("name"): each for each in status.get("initContainerStatuses") or ()}
    ready = [each for each in statuses.values() if each.get("ready")]
    ready += [inits[each["name"]] for each in sidecars if inits.get(each["name"], {}).get("ready")]
    total = len(spec.get("containers") or ()) + len(sidecars)
    running = [each for name, each in inits.items() if any(name == sidecar["name"] for sidecar in sidecars)]
    restarts = sum(int(each.get("restartCount") or 0) for each in (*statuses.values(), *running))
    gates = spec.get("readinessGates") or ()
    return (
        metadata["name"], f"{len(ready)}/{total}", pod_status(document), str(restarts),
        age(metadata.get("creationTimestamp"), now), status.get("podIP") or _NONE, spec.get("nodeName") or _NONE,
        status.get("nominatedNodeName") or _NONE, _gates(gates, status) if gates else _NONE,
    )  # fmt: skip


def pod_status(document: Json) -> str:
    """Return the one word that kubectl shows for a pod's state."""
    spec, status = document.get("spec") or {}, document.get("status") or {}
    reason = status.get("reason") or status.get("phase") or "Pending"
    initializing = _initializing(spec, status)
    reason = initializing or _container_reason(status, reason)
    if document["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(reason)


def _initializing(spec: Json, status: Json) -> str:
    always = {each.get("name") for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"}
    total = len(spec.get("initContainers") or ())
    for place, each in enumerate(status.get("initContainerStatuses") or ()):
        state = each.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting") or {}
        if terminated and terminated.get("exitCode") == 0:
            continue
        if each.get("name") in always and (each.get("started") or each.get("ready")):
            continue
        if terminated:
            return f"Init:{terminated.get('reason') or 'ExitCode:' + str(terminated.get('exitCode'))}"
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{place}/{total}"
    return ""


def _container_reason(status: Json, reason: str) -> str:
    running = False
    for each in reversed(status.get("containerStatuses") or ()):
        state = each.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif terminated:
            code = terminated.get("signal") and f"Signal:{terminated['signal']}"
            reason = terminated.get("reason") or code or f"ExitCode:{terminated.get('exitCode')}"
        elif each.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        ready = any(
            each.get("type") == "Ready" and each.get("status") == "True" for each in status.get("conditions") or ()
        )
        return "Running" if ready else "NotReady"
    return reason


def _gates(gates: Sequence[Json], status: Json) -> str:
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or ()}
    met = sum(1 for gate in gates if conditions.get(gate.get("conditionType")) == "True")
    return f"{met}/{len(gates)}"

"""The columns of workloads.

Kubernetes: pkg/printers/internalversion/printers.go.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from simulator.apiserver.ages import age, human
from simulator.apiserver.cells import NONE, created, get, name, pairs, selector
from simulator.model.wire import Json


def _containers(document: Json) -> tuple[str, str]:
    found = get(document, "spec", "template", "spec", "containers", default=[])
    return ",".join(each.get("name", "") for each in found), ",".join(each.get("image", "") for each in found)


def deployment_cells(document: Json, now: datetime) -> Sequence[Any]:
    """Return the cells of a deployment."""
    status, names = document.get("status") or {}, _containers(document)
    ready = f"{status.get('readyReplicas', 0)}/{get(document, 'spec', 'replicas', default=1)}"
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    return (name(document), ready, updated, available, created(document, now), *names, selector(document))


def replica_set_cells(document: Json, now: datetime) -> Sequence[Any]:
    """Return the cells of a replica set."""
    status = document.get("status") or {}
    counts = (get(document, "spec", "replicas", default=1), status.get("replicas", 0), status.get("readyReplicas", 0))
    return (name(document), *counts, created(document, now), *_containers(document), selector(document))


def stateful_set_cells(document: Json, now: datetime) -> Sequence[Any]:
    """Return the cells of a stateful set."""
    ready = f"{get(document, 'status', 'readyReplicas', default=0)}/{get(document, 'spec', 'replicas', default=1)}"
    return (name(document), ready, created(document, now), *_containers(document))


def daemon_set_cells(document: Json, now: datetime) -> Sequence[Any]:
    """Return the cells of a daemon set."""
    status = document.get("status") or {}
    fields = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    node_selector = pairs(get(document, "spec", "template", "spec", "nodeSelector"))
    counts = [status.get(field, 0) for field in fields]
    return (
        name(document),
        *counts,
        node_selector,
        created(document, now),
        *_containers(document),
        selector(document),
    )


def job_cells(document: Json, now: datetime) -> Sequence[Any]:
    """Return the cells of a job."""
    status, spec = document.get("status") or {}, document.get("spec") or {}
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or ()}
    state = (
        "Complete"
        if conditions.get("Complete") == "True"
        else "Failed"
        if conditions.get("Failed") == "True"
        else "Running"
    )
    wanted = spec.get("completions")
    done = f"{status.get('succeeded', 0)}/{wanted if wanted is not None else 1}"
    return (
        name(document),
        state,
        done,
        _took(status, now),
        created(document, now),
        *_containers(document),
        selector(document),
    )


def _took(status: Json, now: datetime) -> str:
    if not status.get("startTime"):
        return ""
    start = datetime.fromisoformat(str(status["startTime"]).replace("Z", "+00:00"))
    done = status.get("completionTime")
    end = datetime.fromisoformat(str(done).replace("Z", "+00:00")) if done else now
    return human((end - start).total_seconds())


def cron_job_cells(document: Json, now: datetime) -> Sequence[Any]:
    """Return the cells of a cron job."""
    spec, status = document.get("spec") or {}, document.get("status") or {}
    last = age(status.get("lastScheduleTime"), now) if status.get("lastScheduleTime") else NONE
    template = {"spec": get(spec, "jobTemplate", "spec", default={})}
    return (
        name(document), spec.get("schedule", ""), spec.get("timeZone") or NONE, str(bool(spec.get("suspend"))),
        len(status.get("active") or ()), last, created(document, now), *_containers(template), selector(template),
    )  # fmt: skip

"""How a request ends, in the words a caller or an operator would use, with every branch that is left to chance."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kubectl_mesh.diagnosis.predictor import deciding_hop
from kubectl_mesh.plan.side import Side
from kubectl_mesh.reports.changes import PORT_OF_THE_POD, Ending
from simulator.model.directory import Workload
from simulator.model.names import ClusterName
from simulator.model.requests import Request
from simulator.model.traces import Disposition, Forwarded, Hop, StepKind, Trace

_UNTOLD = frozenset({"shares", "policy", "name", "statPrefix"})
"""Details of a route that are told elsewhere, or say nothing about the request."""


def ending(side: Side, request: Request, sender: Workload | None) -> Ending:
    """Predict how a request ends; where clusters share the requests, each of them is followed."""
    trace = side.trace(request, sender)
    hop = deciding_hop(trace)
    forwarded = hop.forwarded if hop is not None else None
    shares = _shares(side, request, sender, forwarded) if forwarded is not None else ()
    return Ending(
        disposition=trace.disposition.value,
        status=trace.verdict.status,
        destination=trace.verdict.location or _destination(side, trace, forwarded),
        shares=shares,
        because=_because(side, trace),
        effects={**_effects(hop), **_port(trace)},
    )


def _destination(side: Side, trace: Trace, forwarded: Forwarded | None) -> str:
    """Name the service that a client's proxy sends to; where none does, the workload or the address that answers."""
    name = ClusterName.parse(forwarded.cluster) if forwarded is not None else None
    if forwarded is not None and name is not None and name.host:
        return cluster_text(forwarded.cluster)
    by_way = f" by way of {forwarded.cluster}" if forwarded is not None and name is None and forwarded.cluster else ""
    if not trace.destination:
        return by_way.removeprefix(" by way of ")
    pod, _, namespace = trace.destination.rpartition(".")
    workload = side.workload(pod, namespace)
    return f"{namespace}/{workload.owner or pod}{by_way}" if workload is not None else trace.destination


def cluster_text(cluster: str) -> str:
    """Write a cluster as service, port and subset; names that istiod did not make stay as they are."""
    name = ClusterName.parse(cluster)
    if name is None or not name.host:
        return cluster
    subset = name.subset if name.direction == "outbound" else ""  # that of a waypoint's clusters is a protocol
    return f"{name.host}:{name.port}{f' subset {subset}' if subset else ''}"


def _shares(
    side: Side, request: Request, sender: Workload | None, forwarded: Forwarded
) -> tuple[tuple[str, float], ...]:
    if len(forwarded.shares) < 2 or request.random is not None:
        return ()
    found, passed = [], 0.0
    for share in forwarded.shares:
        middle = min((passed + share.percent / 2) / 100, 0.999999)
        branch = side.trace(replace(request, random=middle), sender)
        end = "" if branch.disposition.is_delivered else f" ({_failure(branch)})"
        found.append((f"{cluster_text(share.cluster)}{end}", round(share.percent, 3)))
        passed += share.percent
    return tuple(found)


def _failure(trace: Trace) -> str:
    return f"{trace.verdict.status} {trace.disposition.value}" if trace.verdict.status else trace.disposition.value


def _effects(hop: Hop | None) -> Mapping[str, Any]:
    if hop is None:
        return {}
    route = hop.step(StepKind.ROUTE)
    effects = {key: value for key, value in (route.details if route else {}).items() if key not in _UNTOLD}
    if hop.forwarded is not None:
        effects["tls"] = hop.forwarded.tls.value
        if hop.forwarded.mirrors:
            effects["mirrors"] = [cluster_text(share.cluster) for share in hop.forwarded.mirrors]
    return effects


def _port(trace: Trace) -> Mapping[str, Any]:
    """Tell the port of the pod where a request arrives, and whether its containers declare others only."""
    last = trace.last_step if trace.disposition is Disposition.DELIVERED else None
    if last is None or "port" not in last.details:
        return {}
    undeclared = ", which no container declares" if last.details.get("undeclared") else ""
    return {PORT_OF_THE_POD: f"{last.details['port']}{undeclared}"}


def _because(side: Side, trace: Trace) -> str:
    """Name what decided: the rule that refused, else the rule that routed, else the last step's own reason."""
    steps = [step for hop in trace.hops for step in hop.steps] + list(trace.steps)
    wanted = (StepKind.ROUTE, StepKind.VIRTUAL_HOST) if trace.disposition.is_delivered else (
        StepKind.RBAC, StepKind.ROUTE, StepKind.CLUSTER, StepKind.FILTER_CHAIN)  # fmt: skip
    for kind in wanted:
        for step in reversed(steps):
            origin = side.origin(step) if step.kind is kind else None
            if origin is not None:
                return str(origin)
            if step.kind is kind is StepKind.RBAC and step.details.get("allowed") is False:
                return step.because  # that of no policy: none of those that allow does
    if not trace.disposition.is_delivered:
        return trace.last_step.because if trace.last_step is not None else ""
    hop = deciding_hop(trace)
    passed = hop.step(StepKind.NETWORK_FILTER) if hop is not None else None
    return f"{passed.chosen}: {passed.because}" if passed is not None else ""

"""How a request ends, in the words a caller or an operator would use, with every branch that is left to chance."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kubectl_mesh.diagnosis.predictor import deciding_hop
from kubectl_mesh.plan.side import Side
from kubectl_mesh.reports.changes import Ending
from simulator.model.directory import Workload
from simulator.model.names import ClusterName
from simulator.model.requests import Request
from simulator.model.traces import Forwarded, Hop, StepKind, Trace

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
        destination=trace.verdict.location or _destination(trace, forwarded),
        shares=shares,
        because=_because(side, trace),
        effects=_effects(hop),
    )


def _destination(trace: Trace, forwarded: Forwarded | None) -> str:
    if forwarded is None:
        return trace.destination
    return cluster_text(forwarded.cluster) if forwarded.cluster else trace.destination


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
    return trace.hops[-1].steps[-1].because if trace.hops and trace.hops[-1].steps else ""

"""The decisions behind failed expectations: hop, decision, rule, file and line."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from kubectl_mesh.diagnosis.predictor import Predictor, deciding_hop
from kubectl_mesh.meshtest.judging import Mismatch
from kubectl_mesh.meshtest.observing import Observed
from kubectl_mesh.reports.trace import SourceReport
from simulator.model.proxies import Direction
from simulator.model.traces import Hop, Step, StepKind

_LISTED = 4
"""Most rejected rules that are listed."""
_ENDING = frozenset({"disposition", "status", "not"})
_PARTS = {
    "authz": StepKind.RBAC,
    "destination.workload": StepKind.ENDPOINT,
    "upstreamTls": StepKind.TRANSPORT,
    "virtual host": StepKind.VIRTUAL_HOST,
}
"""Part of an expectation → the decision on which it depends; the route for all others."""
_ROUTING = (StepKind.ROUTE, StepKind.CLUSTER, StepKind.NETWORK_FILTER, StepKind.FILTER_CHAIN, StepKind.LISTENER)
_AFTER_ROUTING = frozenset({StepKind.CLUSTER, StepKind.ENDPOINT, StepKind.TRANSPORT, StepKind.HTTP_FILTER})
"""Dispositions that may be due to the route that was chosen."""
_TELLING = frozenset(_ROUTING) | {StepKind.RBAC, StepKind.NAME_RESOLUTION, StepKind.TRANSPORT}
"""Decisions whose reason and rejected rules help to find the mistake."""
_NOTHING = "none"
_WORDS = {StepKind.RBAC: "authorization", StepKind.TRANSPORT: "encryption"}


def at_fault(predictor: Predictor, seen: Observed, mismatches: Sequence[Mismatch]) -> tuple[str, ...]:
    """Return a line `what decided  file:line` for each decision on which the mismatches depend."""
    found: dict[str, None] = {}
    for mismatch in mismatches:
        for hop, step in _decisions(seen, mismatch):
            found |= dict.fromkeys(_told(predictor, seen, hop, step))
    if not found and not seen.trace.hops:
        return (f"{seen.trace.source or 'client'}: no proxy is on the way, so no rule of the mesh applies",)
    return tuple(found)


def _decisions(seen: Observed, mismatch: Mismatch) -> Iterator[tuple[Hop | None, Step]]:
    """Yield the steps on which one part depends, with their hop; None before the first."""
    trace = seen.trace
    hop = deciding_hop(trace)
    kind = _PARTS.get(mismatch.part) or _PARTS.get(mismatch.part.partition(".")[0])
    if kind is StepKind.RBAC or (mismatch.expected == "denied" and mismatch.part in _ENDING):
        yield from ((each, step) for each in trace.hops for step in each.steps if step.kind is StepKind.RBAC)
    if not trace.disposition.is_delivered and (mismatch.part in _ENDING or seen.cluster is None):
        last = trace.last_step
        if last is not None:
            yield (trace.hops[-1] if trace.hops else None), last
        route = hop.step(StepKind.ROUTE) if hop is not None else None
        if hop is not None and route is not None and last is not None and last.kind in _AFTER_ROUTING:
            yield hop, route
        return
    without_proxy = hop is None or hop.direction is Direction.INBOUND
    if without_proxy and mismatch.part == "destination" and trace.steps:
        yield None, trace.steps[-1]
        return
    if hop is None or kind is StepKind.RBAC:
        return
    kinds = (kind,) if kind is not None else _ROUTING
    step = next((step for each in kinds if (step := hop.step(each)) is not None), hop.steps[-1] if hop.steps else None)
    if step is not None:
        yield hop, step


def _told(predictor: Predictor, seen: Observed, hop: Hop | None, step: Step) -> Iterator[str]:
    """Yield a line for a decision with its rule, then lines for the rules that were rejected before it."""
    where = f"{hop.proxy} {hop.direction.value}" if hop is not None else seen.trace.source or "client"
    word = _WORDS.get(step.kind, step.kind.value.replace("-", " "))
    origin = predictor.origin(step)
    by = f" by {_rule(origin)}" if origin is not None else ""
    because = f", {step.because}" if step.because and (step.kind in _TELLING or step.chosen == _NOTHING) else ""
    lost = step.kind is StepKind.NAME_RESOLUTION and step is seen.trace.last_step
    guess = _guess(seen.trace.request.host, predictor.directory.services) if lost else ""
    chosen = step.chosen
    if step.kind is StepKind.RBAC and origin is not None:  # the origin repeats istiod's name for the rule
        chosen, because = ("allowed" if step.details.get("allowed", True) else "denied"), ""
    yield _placed(f"{where}: {word} {chosen}{by}{because}{guess}", origin)
    if step.kind in _TELLING and not (origin is not None and step.kind is StepKind.FILTER_CHAIN):
        for rejected in step.rejected[:_LISTED]:
            rule = predictor.policy(rejected.name)
            yield _placed(f"{_rule(rule) if rule else rejected.name} does not match: {rejected.because}", rule)
        if len(step.rejected) > _LISTED:
            yield f"{len(step.rejected) - _LISTED} more do not match"


def _guess(name: str, hosts: Iterable[str]) -> str:
    """Return a suggestion for an unknown host: a known one with as many parts."""
    dots = name.count(".") + 1
    close = get_close_matches(name, {".".join(host.split(".")[:dots]) for host in hosts}, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _rule(origin: SourceReport) -> str:
    return f"{origin.resource} {origin.field.removeprefix('spec.')}".rstrip()


def _placed(text: str, origin: SourceReport | None) -> str:
    return f"{text}  {origin.position}" if origin is not None and origin.position else text

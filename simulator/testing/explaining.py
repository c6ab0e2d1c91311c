"""A trace in plain text, for the messages of failing assertions."""

from collections.abc import Iterable, Iterator, Mapping

from simulator.model.resources import ObjectRef, Origin, Provenance
from simulator.model.traces import Forwarded, Step, StepKind, Trace
from simulator.model.wire import Sourced

Origins = Mapping[ObjectRef, Origin]
_WIDTH = 20
_RULES = frozenset({StepKind.ROUTE, StepKind.RBAC})
"""Decisions for which rejected rules are listed, as they are where nothing was found."""
_LISTED = 6


def explain(trace: Trace, origins: Origins) -> str:
    """Return the request, how it ends, and a line for each decision with the file and line it comes from."""
    request, verdict = trace.request, trace.verdict
    status = f" {verdict.status}" if verdict.status else ""
    end = f" at {trace.destination}" if trace.destination else ""
    lines = [
        f"{request.method} {request.scheme}://{request.host}:{request.port}{request.target} from {trace.source}",
        *(f"  {name}: {value}" for name, value in request.headers),
        f"{trace.disposition.value}{status}{end}: {trace.disposition.meaning}",
        *_steps(trace.steps, origins),
    ]
    for number, hop in enumerate(trace.hops, start=1):
        lines += [f"{number} {hop.proxy} {hop.direction.value}", *_steps(hop.steps, origins)]
        if hop.forwarded is not None:
            lines += _shares(hop.forwarded)
    lines += [*_steps(trace.arrival, origins), *(f"note: {note}" for note in trace.notes)]
    return "\n".join(lines)


def _steps(steps: Iterable[Step], origins: Origins) -> Iterator[str]:
    for step in steps:
        yield f"  {step.kind.value.ljust(_WIDTH)}{step.chosen}  ({step.because})"
        if source := source_of(step):
            yield f"  {' ' * _WIDTH}{source}  {position_of(source, origins)}".rstrip()
        if step.kind in _RULES or step.chosen == "none":
            yield from (f"  {' ' * _WIDTH}not {each.name}: {each.because}" for each in step.rejected[:_LISTED])
            if len(step.rejected) > _LISTED:
                yield f"  {' ' * _WIDTH}nor {len(step.rejected) - _LISTED} more"


def _shares(forwarded: Forwarded) -> Iterator[str]:
    if len(forwarded.shares) > 1:
        text = ", ".join(f"{share.cluster} {share.percent:g} %" for share in forwarded.shares)
        yield f"  {'shares'.ljust(_WIDTH)}{text}"


def source_of(step: Step) -> Provenance | None:
    """Return the field of a resource behind a decision; None where the generator did not record it."""
    source = step.document.source if isinstance(step.document, Sourced) else step.document
    if isinstance(source, ObjectRef):
        return Provenance(ref=source)
    return source if isinstance(source, Provenance) else None


def position_of(source: Provenance, origins: Origins) -> str:
    """Return `file:line` of a field of a resource; empty for a resource without a file."""
    from simulator.manifests.positions import line_of

    origin = origins.get(source.ref)
    return f"{origin.source}:{line_of(origin, source.path)}" if origin is not None and origin.line else ""

"""One HTTP filter as it is configured for a request, and what it does with the request."""

from dataclasses import dataclass, field
from typing import Any

from simulator.envoy.route_match import Context
from simulator.model.traces import Disposition, Step, StepKind, Verdict
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one filter did: a step to record, an answer in place of the destination, a changed context."""

    context: Context
    steps: tuple[Step, ...] = ()
    verdict: Verdict | None = None
    reroutes: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One HTTP filter: its name, message type, own configuration, and those of the route's levels, nearest first."""

    name: str
    kind: str
    config: Json
    overrides: tuple[Json, ...] = ()
    disabled: bool = field(default=False)
    cluster: str | None = None
    """Where the route leads; None when the proxy answers itself."""


def answer(
    disposition: Disposition, context: Context, *, status: int, details: str, body: str, flags: str = ""
) -> Verdict:
    """Return an answer in place of the destination's: gRPC clients get 200 and the error in headers."""
    grpc = context.message.is_grpc
    return Verdict(
        disposition=disposition, status=200 if grpc else status, details=details, flags=flags, body="" if grpc else body
    )


def step_of(item: Filter, *, chosen: str, because: str, document: Json | None = None, **details: Any) -> Step:
    """Record what a filter did; `document` is its own configuration unless another decided."""
    return Step(
        kind=StepKind.HTTP_FILTER,
        chosen=chosen,
        because=because,
        details={"filter": item.name, **details},
        document=document if document is not None else item.config,
    )

"""Log scopes of istiod, in the columns and fields of `istioctl admin log`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from kubectl_mesh.reports.tables import Column, Table
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class LogScope:
    """One scope; the names of fields are those of istioctl's JSON."""

    scope_name: str
    log_level: str
    stack_trace_level: str
    description: str


def documents(scopes: Sequence[LogScope]) -> list[Json]:
    """Return the scopes as istioctl's JSON has them."""
    return [asdict(scope) for scope in scopes]


def table(scopes: Sequence[LogScope]) -> Table[LogScope]:
    """Lay out the scopes."""
    columns: tuple[Column[LogScope], ...] = (
        Column(header="ACTIVE SCOPE", value=lambda scope: scope.scope_name),
        Column(header="DESCRIPTION", value=lambda scope: scope.description),
        Column(header="LOG LEVEL", value=lambda scope: scope.log_level),
        Column(header="STACK TRACE LEVEL", value=lambda scope: scope.stack_trace_level),
    )
    return Table(columns=columns, rows=tuple(scopes), padding=3)

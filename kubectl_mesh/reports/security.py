"""Answers about who may do what, and over which encryption."""

from dataclasses import dataclass

from kubectl_mesh.reports.tables import Column, Table
from kubectl_mesh.reports.trace import RejectedReport, SourceReport


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule of an AuthorizationPolicy."""

    action: str
    methods: str
    paths: str
    sources: str
    conditions: str
    policy: str
    enforced: str = ""
    """Where, or why not; empty for all of it at the pod's own proxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Whether a request is allowed, and by what."""

    allowed: bool
    method: str
    path: str
    from_: str
    to: str
    because: str
    identity: str = ""
    rule: SourceReport | None = None
    tried: tuple[RejectedReport, ...] = ()
    """Rules that did not match, each with the field that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionRow:
    """How one workload talks to one service port."""

    from_: str
    to: str
    port: int
    sends: str
    accepts: str
    result: str
    works: bool
    decided_by: str


def rules(rows: tuple[RuleRow, ...]) -> Table[RuleRow]:
    """Lay out authorization rules."""
    columns: tuple[Column[RuleRow], ...] = (
        Column(header="ACTION", value=lambda row: row.action),
        Column(header="METHOD", value=lambda row: row.methods),
        Column(header="PATH", value=lambda row: row.paths),
        Column(header="FROM", value=lambda row: row.sources),
        Column(header="WHEN", value=lambda row: row.conditions),
        Column(header="POLICY", value=lambda row: row.policy),
    )
    enforced: Column[RuleRow] = Column(header="ENFORCED", value=lambda row: row.enforced)
    return Table(columns=(*columns, enforced) if any(row.enforced for row in rows) else columns, rows=rows)


def encryption(rows: tuple[EncryptionRow, ...]) -> Table[EncryptionRow]:
    """Lay out who sends what to whom."""
    columns: tuple[Column[EncryptionRow], ...] = (
        Column(header="FROM", value=lambda row: row.from_),
        Column(header="TO", value=lambda row: f"{row.to}:{row.port}"),
        Column(header="CLIENT SENDS", value=lambda row: row.sends),
        Column(header="SERVER ACCEPTS", value=lambda row: row.accepts),
        Column(header="RESULT", value=lambda row: row.result),
        Column(header="DECIDED BY", value=lambda row: row.decided_by),
    )
    return Table(columns=columns, rows=rows)

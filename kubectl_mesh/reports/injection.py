"""Which webhooks inject a proxy, into what, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

from kubectl_mesh.reports.tables import Column, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookCheck:
    """One injection webhook, and whether it would inject."""

    webhook: str
    revision: str
    injected: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceRow:
    """Pods of one namespace by the revision that injected them."""

    namespace: str
    revision: str
    pods: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRow:
    """One injection webhook and the namespaces it injects."""

    namespaces: str
    hook: str
    revision: str
    image: str


MARKS: Mapping[bool, str] = {True: "✔", False: "✘"}


def checks(rows: tuple[WebhookCheck, ...]) -> Table[WebhookCheck]:
    """Lay out the checks of webhooks."""
    columns: tuple[Column[WebhookCheck], ...] = (
        Column(header="WEBHOOK", value=lambda row: row.webhook),
        Column(header="REVISION", value=lambda row: row.revision),
        Column(header="INJECTED", value=lambda row: MARKS[row.injected]),
        Column(header="REASON", value=lambda row: row.reason),
    )
    return Table(columns=columns, rows=rows, padding=2)


def namespaces(rows: tuple[NamespaceRow, ...]) -> Table[NamespaceRow]:
    """Lay out namespaces and the revisions of their pods."""
    columns: tuple[Column[NamespaceRow], ...] = (
        Column(header="NAMESPACE", value=lambda row: row.namespace),
        Column(header="ISTIO-REVISION", value=lambda row: row.revision),
        Column(header="POD-REVISIONS", value=lambda row: row.pods),
    )
    return Table(columns=columns, rows=rows, padding=1)


def hooks(rows: tuple[HookRow, ...]) -> Table[HookRow]:
    """Lay out webhooks."""
    columns: tuple[Column[HookRow], ...] = (
        Column(header="NAMESPACES", value=lambda row: row.namespaces),
        Column(header="INJECTOR-HOOK", value=lambda row: row.hook),
        Column(header="ISTIO-REVISION", value=lambda row: row.revision),
        Column(header="SIDECAR-IMAGE", value=lambda row: row.image),
    )
    return Table(columns=columns, rows=rows, padding=1)

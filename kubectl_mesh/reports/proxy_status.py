"""Whether proxies hold what istiod sent them: one row per connected proxy, in istioctl's columns.

istioctl: pkg/writer/pilot/status.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kubectl_mesh.reports.tables import Column, Table

_PADDING = 5
_SHOWN = 3


class SyncState(StrEnum):
    """What became of the last configuration of one type; the values are Envoy's `ConfigStatus`."""

    UNKNOWN = "UNKNOWN"
    SYNCED = "SYNCED"
    NOT_SENT = "NOT_SENT"
    STALE = "STALE"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeStatus:
    """One type of configuration of one proxy. `age` is how long ago istiod last sent it; empty when unknown."""

    state: SyncState
    age: str = ""
    rejection: str = ""

    @property
    def text(self) -> str:
        """The cell that istioctl prints."""
        if self.state is SyncState.UNKNOWN:
            return "IGNORED"
        if self.state is SyncState.NOT_SENT:
            return "NOT SENT"
        return f"{self.state} ({self.age})" if self.age else str(self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyStatus:
    """One proxy connected to one istiod; `types` goes by type URL."""

    proxy: str
    cluster_id: str
    istiod: str
    version: str
    types: Mapping[str, TypeStatus]

    @property
    def in_sync(self) -> bool:
        """Nothing was rejected or left unacknowledged, and what every proxy gets was sent.

        Other types are not sent where there is nothing to send.
        """
        late = {SyncState.STALE, SyncState.ERROR}
        return not any(
            status.state in late or (status.state is SyncState.NOT_SENT and url in ALWAYS_SENT)
            for url, status in self.types.items()
        )


ALWAYS_SENT = frozenset(
    {
        "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "type.googleapis.com/envoy.config.listener.v3.Listener",
    }
)
"""The types that a proxy asks for first, and istiod always has something of."""


class HeldState(StrEnum):
    """Whether a proxy holds what istiod made of an object."""

    HELD = "HELD"
    MISSING = "MISSING"
    OUTDATED = "OUTDATED"
    STALE = "STALE"
    """istiod makes nothing of the object any more, and the proxy still does."""
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldConfiguration:
    """One proxy that an object concerns. `parts` are those that it holds, or that differ from what istiod sends."""

    proxy: str
    state: HeldState
    parts: tuple[str, ...]
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """A pod with a proxy that no istiod knows."""

    pod: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyStatusReport:
    """The sync state of the proxies asked for."""

    proxies: tuple[ProxyStatus, ...]
    types: tuple[str, ...]
    """Every type seen, in the order istioctl lists them."""
    disconnected: tuple[Disconnected, ...] = ()

    @property
    def in_sync(self) -> bool:
        """Every proxy is connected and in sync."""
        return not self.disconnected and all(status.in_sync for status in self.proxies)


def overview(report: ProxyStatusReport, *, short_names: Mapping[str, str]) -> Table[ProxyStatus]:
    """Lay out one row per proxy with the types it subscribes to."""

    def subscribed(row: ProxyStatus) -> str:
        known = [url for url in report.types if url in row.types]
        names = [short_names.get(url, url) for url in known if row.types[url].state is not SyncState.UNKNOWN]
        return f"{len(names)} ({','.join(names)})" if names else "0"

    columns: tuple[Column[ProxyStatus], ...] = (
        Column(header="NAME", value=lambda row: row.proxy),
        Column(header="CLUSTER", value=lambda row: row.cluster_id),
        Column(header="ISTIOD", value=lambda row: row.istiod),
        Column(header="VERSION", value=lambda row: row.version),
        Column(header="SUBSCRIBED TYPES", value=subscribed),
    )
    return Table(columns=columns, rows=report.proxies, padding=_PADDING)


def by_type(report: ProxyStatusReport, types: Sequence[str], *, short_names: Mapping[str, str]) -> Table[ProxyStatus]:
    """Lay out one row per proxy and one column per type."""
    absent = TypeStatus(state=SyncState.UNKNOWN)

    def column(url: str) -> Column[ProxyStatus]:
        return Column(header=short_names.get(url, url), value=lambda row: row.types.get(url, absent).text)

    columns: tuple[Column[ProxyStatus], ...] = (
        Column(header="NAME", value=lambda row: row.proxy),
        Column(header="CLUSTER", value=lambda row: row.cluster_id),
        *(column(url) for url in types),
        Column(header="ISTIOD", value=lambda row: row.istiod),
        Column(header="VERSION", value=lambda row: row.version),
    )
    return Table(columns=columns, rows=report.proxies, padding=_PADDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One type of configuration that one proxy refused, and what it said."""

    proxy: str
    type: str
    text: str


def rejections(report: ProxyStatusReport, *, short_names: Mapping[str, str]) -> Table[Rejection] | None:
    """Lay out what proxies refused; None when they refused nothing."""
    rows = tuple(
        Rejection(proxy=row.proxy, type=short_names.get(url, url), text=" ".join(status.rejection.split()))
        for row in report.proxies
        for url, status in row.types.items()
        if status.rejection
    )
    columns: tuple[Column[Rejection], ...] = (
        Column(header="REJECTED BY", value=lambda row: row.proxy),
        Column(header="TYPE", value=lambda row: row.type),
        Column(header="REASON", value=lambda row: row.text),
    )
    return Table(columns=columns, rows=rows, padding=_PADDING) if rows else None


def disconnected(report: ProxyStatusReport) -> Table[Disconnected]:
    """Lay out the pods whose proxy no istiod knows."""
    columns: tuple[Column[Disconnected], ...] = (
        Column(header="NOT CONNECTED", value=lambda row: row.pod),
        Column(header="REASON", value=lambda row: row.because),
    )
    return Table(columns=columns, rows=report.disconnected, padding=_PADDING)


def held_configuration(rows: Sequence[HeldConfiguration]) -> Table[HeldConfiguration]:
    """Lay out which proxies hold what was made of an object."""
    columns: tuple[Column[HeldConfiguration], ...] = (
        Column(header="NAME", value=lambda row: row.proxy),
        Column(header="CONFIG", value=lambda row: str(row.state)),
        Column(header="WHERE", value=lambda row: row.because or ", ".join(row.parts[:_SHOWN]) + _more(row.parts)),
    )
    return Table(columns=columns, rows=tuple(rows), padding=_PADDING)


def _more(parts: Sequence[str]) -> str:
    return f" + {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""

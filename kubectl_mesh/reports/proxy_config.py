"""What a proxy holds, as rows of istioctl's tables: columns, texts and paddings are those of istioctl 1.30.

istioctl: pkg/writer/envoy/configdump, pkg/writer/envoy/clusters, pkg/writer/compare/sds.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from kubectl_mesh.reports.tables import Column, Table

Row = TypeVar("Row")
WIDE_PADDING = 5
NARROW_PADDING = 1


def _column(header: str, field: str) -> Column[Any]:
    return Column(header=header, value=lambda row: str(getattr(row, field)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRow:
    """One Envoy cluster."""

    name: str
    host: str
    port: str
    subset: str
    direction: str
    type: str
    destination_rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerRow:
    """One filter chain of a listener; without its chains, one listener."""

    name: str
    addresses: str
    port: int
    match: str = ""
    destination: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow:
    """One route of a virtual host; without its virtual hosts, one route configuration."""

    name: str
    virtual_host: str = ""
    domains: str = ""
    match: str = ""
    virtual_service: str = ""
    virtual_hosts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """One endpoint of a cluster."""

    address: str
    status: str
    cluster: str
    locality: str = ""
    outlier_check: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRow:
    """One certificate of a secret."""

    name: str
    type: str = ""
    status: str
    valid: bool = False
    serial: str = ""
    not_after: str = ""
    not_before: str = ""
    trust_domain: str = ""

    @property
    def valid_text(self) -> str:
        """`true` or `false`."""
        return str(self.valid).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionRow:
    """One extension configuration (ECDS)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One line of the bootstrap summary."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteListenerRow:
    """One way into a filter chain of a waypoint's listener."""

    listener: str
    chain: str
    match: str
    destination: str


_NAME = _column("NAME", "name")
_CLUSTER = (
    _column("SERVICE FQDN", "host"),
    _column("PORT", "port"),
    _column("SUBSET", "subset"),
    _column("DIRECTION", "direction"),
    _column("TYPE", "type"),
    _column("DESTINATION RULE", "destination_rule"),
)
_ADDRESS = (_column("ADDRESSES", "addresses"), _column("PORT", "port"))
_CHAIN = (_column("MATCH", "match"), _column("DESTINATION", "destination"))
_ROUTE = (
    _NAME,
    _column("VHOST NAME", "virtual_host"),
    _column("DOMAINS", "domains"),
    _column("MATCH", "match"),
    _column("VIRTUAL SERVICE", "virtual_service"),
)
_SECRET = (
    _column("RESOURCE NAME", "name"),
    _column("TYPE", "type"),
    _column("STATUS", "status"),
    _column("VALID CERT", "valid_text"),
    _column("SERIAL NUMBER", "serial"),
    _column("NOT AFTER", "not_after"),
    _column("NOT BEFORE", "not_before"),
)


def clusters(rows: tuple[ClusterRow, ...], *, named: bool) -> Table[ClusterRow]:
    """Lay out clusters; `named` puts `cluster/NAME` first, as `all` does."""
    return Table(columns=(_NAME, *_CLUSTER) if named else _CLUSTER, rows=rows, padding=WIDE_PADDING)


def listeners(rows: tuple[ListenerRow, ...], *, named: bool, verbose: bool) -> Table[ListenerRow]:
    """Lay out listeners, with their filter chains when `verbose`."""
    columns = (*_ADDRESS, *_CHAIN) if verbose else (*_ADDRESS, _column("TYPE", "type"))
    return Table(columns=(_NAME, *columns) if named else columns, rows=rows, padding=NARROW_PADDING)


def remote_listeners(rows: tuple[RemoteListenerRow, ...]) -> Table[RemoteListenerRow]:
    """Lay out a waypoint's listeners."""
    columns = (_column("LISTENER", "listener"), _column("CHAIN", "chain"), *_CHAIN)
    return Table(columns=columns, rows=rows, padding=NARROW_PADDING)


def routes(rows: tuple[RouteRow, ...], *, verbose: bool) -> Table[RouteRow]:
    """Lay out routes, or route configurations when not `verbose`."""
    columns = _ROUTE if verbose else (_NAME, _column("VIRTUAL HOSTS", "virtual_hosts"))
    return Table(columns=columns, rows=rows, padding=WIDE_PADDING)


def assigned_endpoints(rows: tuple[EndpointRow, ...]) -> Table[EndpointRow]:
    """Lay out endpoints as istiod sent them (EDS)."""
    columns = (
        _column("NAME", "address"),
        _column("STATUS", "status"),
        _column("LOCALITY", "locality"),
        _column("CLUSTER", "cluster"),
    )
    return Table(columns=columns, rows=rows, padding=WIDE_PADDING)


def endpoints(rows: tuple[EndpointRow, ...]) -> Table[EndpointRow]:
    """Lay out endpoints as Envoy sees them."""
    columns = (
        _column("ENDPOINT", "address"),
        _column("STATUS", "status"),
        _column("OUTLIER CHECK", "outlier_check"),
        _column("CLUSTER", "cluster"),
    )
    return Table(columns=columns, rows=rows, padding=WIDE_PADDING)


def secrets(rows: tuple[SecretRow, ...]) -> Table[SecretRow]:
    """Lay out secrets; trust domains are shown when every certificate has one."""
    federated = all(row.trust_domain for row in rows)
    columns = (*_SECRET, _column("TRUST DOMAIN", "trust_domain")) if federated else _SECRET
    return Table(columns=columns, rows=rows, padding=WIDE_PADDING)


def extensions(rows: tuple[ExtensionRow, ...]) -> Table[ExtensionRow]:
    """Lay out extension configurations."""
    return Table(columns=(_column("ECDS NAME", "name"), _column("TYPE", "type")), rows=rows, padding=WIDE_PADDING)


def versions(rows: tuple[VersionRow, ...]) -> Table[VersionRow]:
    """Lay out the bootstrap summary, which has no headers."""
    columns = (_column("", "label"), _column("", "value"))
    return Table(columns=columns, rows=rows, padding=NARROW_PADDING, headers=False)

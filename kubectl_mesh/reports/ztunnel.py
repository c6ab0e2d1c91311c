"""What a ztunnel holds, as rows of istioctl's tables, and its documents in the fields that istioctl knows.

istioctl: pkg/writer/ztunnel/configdump (api.go for the fields).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubectl_mesh.reports.tables import Column, Table

_NARROW = 1
_WIDE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadRow:
    """One workload."""

    namespace: str
    name: str
    address: str
    node: str
    waypoint: str
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """One service."""

    namespace: str
    name: str
    addresses: str
    waypoint: str
    endpoints: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One authorization policy."""

    namespace: str
    name: str
    action: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRow:
    """One certificate."""

    name: str
    type: str
    status: str
    valid: bool
    serial: str = "NA"
    not_after: str = "NA"
    not_before: str = "NA"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRow:
    """One open connection."""

    workload: str
    direction: str
    local: str
    remote: str
    target: str
    protocol: str


def _columns(**headers: str) -> tuple[Column[Any], ...]:
    def value(field: str) -> Callable[[Any], str]:
        return lambda row: str(getattr(row, field))

    return tuple(Column(header=header, value=value(field)) for field, header in headers.items())


def workloads(rows: tuple[WorkloadRow, ...]) -> Table[WorkloadRow]:
    """Lay out workloads."""
    columns = _columns(
        namespace="NAMESPACE", name="POD NAME", address="ADDRESS", node="NODE", waypoint="WAYPOINT", protocol="PROTOCOL"
    )
    return Table(columns=columns, rows=rows, padding=_NARROW)


def services(rows: tuple[ServiceRow, ...]) -> Table[ServiceRow]:
    """Lay out services."""
    columns = _columns(
        namespace="NAMESPACE", name="SERVICE NAME", addresses="SERVICE VIP", waypoint="WAYPOINT", endpoints="ENDPOINTS"
    )
    return Table(columns=columns, rows=rows, padding=_NARROW)


def policies(rows: tuple[PolicyRow, ...]) -> Table[PolicyRow]:
    """Lay out policies."""
    columns = _columns(namespace="NAMESPACE", name="POLICY NAME", action="ACTION", scope="SCOPE")
    return Table(columns=columns, rows=rows, padding=_NARROW)


def certificates(rows: tuple[CertificateRow, ...]) -> Table[CertificateRow]:
    """Lay out certificates."""
    before = _columns(name="CERTIFICATE NAME", type="TYPE", status="STATUS")
    valid: Column[CertificateRow] = Column(header="VALID CERT", value=lambda row: str(row.valid).lower())
    after = _columns(serial="SERIAL NUMBER", not_after="NOT AFTER", not_before="NOT BEFORE")
    return Table(columns=(*before, valid, *after), rows=rows, padding=_WIDE)


def connections(rows: tuple[ConnectionRow, ...]) -> Table[ConnectionRow]:
    """Lay out connections."""
    columns = _columns(
        workload="WORKLOAD",
        direction="DIRECTION",
        local="LOCAL",
        remote="REMOTE",
        target="REMOTE TARGET",
        protocol="PROTOCOL",
    )
    return Table(columns=columns, rows=rows, padding=_NARROW)


Printer = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a document that istioctl prints: some always, with a zero value, some only when they are not empty.

    `pointers` are printed when they are there, however empty; `inner` says how the values of a field are printed.
    """

    always: dict[str, Any]
    when_set: tuple[str, ...] = ()
    pointers: tuple[str, ...] = ()
    inner: tuple[tuple[str, Printer], ...] = ()

    def document(self, given: Any) -> Any:
        """Return a document, or the documents of a list, as istioctl prints them."""
        if isinstance(given, list):
            return [self.document(item) for item in given]
        if not isinstance(given, dict):
            return given
        inner = dict(self.inner)
        found = {name: given[name] if given.get(name) is not None else zero for name, zero in self.always.items()}
        found |= {name: given[name] for name in self.when_set if given.get(name)}
        found |= {name: given[name] for name in self.pointers if given.get(name) is not None}
        return {name: inner[name](value) if name in inner else value for name, value in found.items()}


def _texts(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), "")


def _endpoints(given: Any) -> Any:
    return {key: _ENDPOINT.document(item) for key, item in given.items()} if isinstance(given, dict) else given


def _blocks(given: Any) -> Any:
    """Write blocks of addresses as `NETWORK/CIDR`; older ztunnels write objects."""
    return [
        f"{each.get('network', '')}/{each.get('cidr', '')}" if isinstance(each, dict) else each for each in given or ()
    ]


_ENDPOINT = Fields(_texts("workloadUid service") | {"port": None}, ("address",))
_ADDRESS = Fields(_texts("destination")).document
WORKLOAD = Fields(
    _texts("uid")
    | {"workloadIps": None}
    | _texts(
        "protocol name namespace serviceAccount workloadName workloadType canonicalName canonicalRevision clusterId"
    )
    | {"locality": {}, "node": "", "status": "", "hostname": "", "capacity": 0, "applicationTunnel": {}},
    ("trustDomain", "network", "authorizationPolicies"),
    ("waypoint", "networkGateway"),
    (
        ("waypoint", _ADDRESS),
        ("networkGateway", _ADDRESS),
        ("locality", Fields({}, ("region", "zone", "subzone")).document),
        ("applicationTunnel", Fields(_texts("protocol"), (), ("port",)).document),
    ),
)
SERVICE = Fields(
    _texts("name namespace hostname") | {"vips": None, "ports": None, "endpoints": None} | _texts("ipFamilies"),
    ("cidrVips", "subjectAltNames", "canonical"),
    ("loadBalancer", "waypoint"),
    (
        ("cidrVips", _blocks),
        ("endpoints", _endpoints),
        ("waypoint", _ADDRESS),
        ("loadBalancer", Fields({"mode": "", "routingPreferences": None, "healthPolicy": ""}).document),
    ),
)
_TEXT_MATCH = Fields({}, ("Exact", "Suffix", "Prefix"), ("Presence",)).document
_ACCOUNT_MATCH = Fields(_texts("namespace serviceAccount")).document
_TEXT_MATCHES = ("namespaces", "notNamespaces", "principals", "notPrincipals")
_ADDRESS_MATCHES = ("sourceIps", "notSourceIps", "destinationIps", "notDestinationIps")
_PORT_MATCHES = ("destinationPorts", "notDestinationPorts")
_ACCOUNT_MATCHES = ("serviceAccounts", "notServiceAccounts")
_MATCH = Fields(
    {},
    (*_TEXT_MATCHES, *_ADDRESS_MATCHES, *_PORT_MATCHES, *_ACCOUNT_MATCHES),
    (),
    (*((name, _TEXT_MATCH) for name in _TEXT_MATCHES), *((name, _ACCOUNT_MATCH) for name in _ACCOUNT_MATCHES)),
)
POLICY = Fields(_texts("name namespace scope action") | {"rules": None}, (), (), (("rules", _MATCH.document),))
_CERTIFICATE = Fields(_texts("pem serialNumber validFrom expirationTime")).document
CERTIFICATE = Fields(
    _texts("identity state") | {"certChain": None, "rootCerts": None},
    (),
    (),
    (("certChain", _CERTIFICATE), ("rootCerts", _CERTIFICATE)),
)
_CONNECTION = Fields(_texts("src originalDst actualDst protocol")).document
_CONNECTIONS = Fields(
    {"inbound": None, "outbound": None}, (), (), (("inbound", _CONNECTION), ("outbound", _CONNECTION))
)
STATE = Fields(
    {"connections": {}, "info": {}},
    ("state",),
    (),
    (
        ("connections", _CONNECTIONS.document),
        ("info", Fields(_texts("name namespace trustDomain serviceAccount")).document),
    ),
)

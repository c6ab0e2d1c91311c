"""Which waypoints exist, and are they ready?

istioctl: pkg/waypoint/waypoint.go.
"""

from dataclasses import dataclass

from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, spec
from kubectl_mesh.errors import UsageError
from kubectl_mesh.reports.tables import Column, Table
from simulator.model.own_ports import HBONE_PORT
from simulator.model.wire import Json

CLASS = "istio-waypoint"
GATEWAY = "KubernetesGateway"
"""The Gateway API's kind, for sources that distinguish it from Istio's."""
TRAFFIC = ("all", "none", "service", "workload")
_FOR = "istio.io/waypoint-for"
_REVISION = "istio.io/rev"
_PROGRAMMED = "Programmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaypointRow:
    """One waypoint."""

    namespace: str
    name: str
    revision: str
    traffic: str
    programmed: str
    type: str
    reason: str
    message: str


def find(lookup: Lookup, *, namespace: str | None) -> tuple[WaypointRow, ...]:
    """Return the waypoints of a namespace, or of all, by namespace and name."""
    found = (*lookup.all("Gateway", namespace), *lookup.all(GATEWAY, namespace))
    gateways = {(namespace_of(each), name_of(each)): each for each in found if is_waypoint(each)}
    return tuple(_row(gateways[key]) for key in sorted(gateways))


def is_waypoint(gateway: Json) -> bool:
    """Tell whether a Gateway defines a waypoint."""
    return spec(gateway).get("gatewayClassName") == CLASS


def _row(gateway: Json) -> WaypointRow:
    conditions = listed((gateway.get("status") or {}).get("conditions"))
    programmed = [each for each in conditions if each.get("type") == _PROGRAMMED]
    shown: Json = (programmed or conditions or [{}])[-1]
    return WaypointRow(
        namespace=namespace_of(gateway),
        name=name_of(gateway),
        revision=labels(gateway).get(_REVISION) or "default",
        traffic=labels(gateway).get(_FOR) or "none",
        programmed=str(programmed[-1].get("status", "")) if programmed else "False",
        type=str(shown.get("type") or ""),
        reason=str(shown.get("reason") or ""),
        message=str(shown.get("message") or ""),
    )


def listing(rows: tuple[WaypointRow, ...], *, namespaced: bool) -> Table[WaypointRow]:
    """Return the table of waypoints; `namespaced` shows the namespace."""
    columns: tuple[Column[WaypointRow], ...] = (
        Column(header="NAME", value=lambda row: row.name),
        Column(header="REVISION", value=lambda row: row.revision),
        Column(header="TRAFFIC TYPE", value=lambda row: row.traffic),
        Column(header="PROGRAMMED", value=lambda row: row.programmed),
    )
    return _table(columns, rows, namespaced=namespaced)


def status(rows: tuple[WaypointRow, ...], *, namespaced: bool) -> Table[WaypointRow]:
    """Return the table of the states of waypoints."""
    columns: tuple[Column[WaypointRow], ...] = (
        Column(header="NAME", value=lambda row: row.name),
        Column(header="STATUS", value=lambda row: row.programmed if row.type else ""),
        Column(header="TYPE", value=lambda row: row.type),
        Column(header="REASON", value=lambda row: row.reason),
        Column(header="MESSAGE", value=lambda row: row.message),
    )
    return _table(columns, rows, namespaced=namespaced)


def _table(
    columns: tuple[Column[WaypointRow], ...], rows: tuple[WaypointRow, ...], *, namespaced: bool
) -> Table[WaypointRow]:
    namespace: Column[WaypointRow] = Column(header="NAMESPACE", value=lambda row: row.namespace)
    return Table(columns=(namespace, *columns) if namespaced else columns, rows=rows, padding=5)


def generate(*, name: str, namespace: str, traffic: str, revision: str) -> Json:
    """Return the Gateway that defines a waypoint."""
    if name == "none":
        raise UsageError("invalid name provided for waypoint, 'none' is a reserved value")
    if traffic and traffic not in TRAFFIC:
        raise UsageError(f"invalid traffic type: {traffic}. Valid options are: {', '.join(TRAFFIC)}")
    wanted = {_FOR: traffic, _REVISION: revision}
    chosen = {key: value for key, value in wanted.items() if value}
    metadata: Json = {"name": name or "waypoint"}
    metadata |= {"labels": chosen} if chosen else {}
    metadata |= {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": metadata,
        "spec": {"gatewayClassName": CLASS, "listeners": [{"name": "mesh", "port": HBONE_PORT, "protocol": "HBONE"}]},
    }

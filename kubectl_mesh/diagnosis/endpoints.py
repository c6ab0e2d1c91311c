"""Which endpoints does a proxy hold: as Envoy sees them (`/clusters`), and as istiod sent them (EDS)?

istioctl: pkg/writer/envoy/clusters/clusters.go, pkg/writer/envoy/configdump/endpoint.go.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubectl_mesh.diagnosis.clusters import sort_key
from kubectl_mesh.diagnosis.config_dump import ConfigDump, decode, listed, messages
from kubectl_mesh.diagnosis.proto_json import camel_case
from kubectl_mesh.diagnosis.unstable_sort import sort_unstable_by
from kubectl_mesh.errors import InputError
from kubectl_mesh.reports import proxy_config as report
from kubectl_mesh.reports.tables import Table
from simulator.model.wire import Json

_LISTS = {"dynamicEndpointConfigs": "endpointConfig", "staticEndpointConfigs": "endpointConfig"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFilter:
    """Properties of the endpoints to keep; empty keeps all. Comparisons ignore case."""

    address: str = ""
    port: int = 0
    cluster: str = ""
    status: str = ""

    def keeps(self, *, addresses: list[str], port: int, cluster: str, status: str) -> bool:
        """Tell whether an endpoint is wanted."""
        if self.address and self.address.casefold() not in (text.casefold() for text in addresses):
            return False
        if self.port and self.port != port:
            return False
        if self.cluster and self.cluster.casefold() != cluster.casefold():
            return False
        return not self.status or self.status.casefold() == status.casefold()


def parse_clusters(data: bytes, *, subject: str = "clusters") -> list[Json]:
    """Read the JSON that `/clusters?format=json` prints: one object per cluster."""
    document = decode(data, subject=subject)
    printed = camel_case(document, kind="envoy.admin.v3.Clusters")
    statuses = printed.get("clusterStatuses", []) if isinstance(printed, dict) else None
    if not isinstance(statuses, list):
        raise InputError(
            f"{subject}: not Envoy's list of clusters", hint="save one with: curl localhost:15000/clusters?format=json"
        )
    return [status for status in statuses if isinstance(status, dict)]


def table(statuses: list[Json], wanted: EndpointFilter) -> Table[report.EndpointRow]:
    """Return the table of endpoints as Envoy sees them."""
    rows: list[tuple[tuple[str, int, str], report.EndpointRow]] = []
    for status in statuses:
        for host in _hosts(status, wanted):
            (address, port), name = _place(host), str(status.get("name", ""))
            row = report.EndpointRow(
                address=f"{address}:{port}" if port else address,
                status=_health(host),
                outlier_check="FAILED" if _checks(host).get("failedOutlierCheck") else "OK",
                cluster=name,
            )
            rows.append(((address, port, name), row))
    ordered = sort_unstable_by(rows, key=lambda row: row[0])
    return report.endpoints(tuple(row for _, row in ordered))


def documents(statuses: list[Json], wanted: EndpointFilter) -> list[Json]:
    """Return the clusters that have a wanted endpoint, with all of their endpoints."""
    return [status for status in statuses if next(_hosts(status, wanted), None) is not None]


def assigned_table(dump: ConfigDump, wanted: EndpointFilter, *, named: bool = False) -> Table[report.EndpointRow]:
    """Return the table of endpoints as istiod sent them; `named` writes `endpoint/ADDRESS`, as `all` does."""
    rows = []
    for assignment in assigned_documents(dump, wanted):
        for group in listed(assignment.get("endpoints")):
            for endpoint in listed(group.get("lbEndpoints")):
                address = ",".join(assigned_addresses(endpoint))
                rows.append(
                    report.EndpointRow(
                        address=f"endpoint/{address}" if named else address,
                        status=assigned_health(endpoint),
                        locality=_locality(group.get("locality")),
                        cluster=str(assignment.get("clusterName", "")),
                    )
                )
    return report.assigned_endpoints(tuple(rows))


def assigned_documents(dump: ConfigDump, wanted: EndpointFilter) -> list[Json]:
    """Return the load assignments that hold a wanted endpoint, reduced to those; none without the section."""
    sections = dump.sections("EndpointsConfigDump")
    kept = []
    for assignment in messages(sections[-1], _LISTS) if sections else []:
        groups = [_kept(group, assignment, wanted) for group in listed(assignment.get("endpoints"))]
        if any(group.get("lbEndpoints") for group in groups):
            kept.append(assignment | {"endpoints": groups})
    return sort_unstable_by(kept, key=_name_key)


def _name_key(assignment: Json) -> tuple[str, str, int, str]:
    return sort_key(str(assignment.get("clusterName", "")))


def _kept(group: Json, assignment: Json, wanted: EndpointFilter) -> Json:
    endpoints = [
        endpoint
        for endpoint in listed(group.get("lbEndpoints"))
        if wanted.keeps(
            addresses=assigned_addresses(endpoint),
            port=_socket_port((endpoint.get("endpoint") or {}).get("address") or {}),
            cluster=str(assignment.get("clusterName", "")),
            status=assigned_health(endpoint),
        )
    ]
    rest = {key: value for key, value in group.items() if key != "lbEndpoints"}
    return rest | {"lbEndpoints": endpoints} if endpoints else rest


def assigned_health(endpoint: Json) -> str:
    """Return the health istiod sent for an endpoint."""
    return str(endpoint.get("healthStatus") or "UNKNOWN")


def assigned_addresses(endpoint: Json) -> list[str]:
    """Return every address of an assigned endpoint as `ip:port`, a path, or `envoy://listener/id`."""
    inner = endpoint.get("endpoint") or {}
    found = [inner.get("address") or {}]
    found += [(extra.get("address") or {}) for extra in listed(inner.get("additionalAddresses"))]
    return [_written(address) for address in found]


def _written(address: Json) -> str:
    if "socketAddress" in address:
        return f"{address['socketAddress'].get('address', '')}:{_socket_port(address)}"
    if "pipe" in address:
        return str(address["pipe"].get("path", ""))
    return _internal(address) or "unknown"


def _internal(address: Json) -> str:
    internal = address.get("envoyInternalAddress") or {}
    name = internal.get("serverListenerName")
    return "" if name is None else f"envoy://{name}/{internal.get('endpointId', '')}"


def _socket_port(address: Json) -> int:
    return int((address.get("socketAddress") or {}).get("portValue") or 0)


def _locality(locality: Any) -> str:
    """Return a locality as text, up to its first empty part."""
    parts: list[str] = []
    for key in ("region", "zone", "subZone"):
        part = (locality or {}).get(key, "")
        if parts and not part:
            break
        parts.append(part)
    return "/".join(parts)


def _place(host: Json) -> tuple[str, int]:
    address = host.get("address") or {}
    if "socketAddress" in address:
        return str(address["socketAddress"].get("address", "")), _socket_port(address)
    if "pipe" in address:
        return f"unix://{address['pipe'].get('path', '')}", 0
    return _internal(address) or "unknown", 0


def _hosts(status: Json, wanted: EndpointFilter) -> Iterator[Json]:
    name = str(status.get("name", ""))
    for host in listed(status.get("hostStatuses")):
        address, port = _place(host)
        if wanted.keeps(addresses=[address], port=port, cluster=name, status=_health(host)):
            yield host


def _checks(host: Json) -> Json:
    return host.get("healthStatus") or {}


def _health(host: Json) -> str:
    return str(_checks(host).get("edsHealthStatus") or "UNKNOWN")

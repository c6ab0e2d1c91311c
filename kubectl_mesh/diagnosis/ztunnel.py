"""What does a ztunnel hold: workloads, services, policies, certificates, connections?

istioctl: pkg/writer/ztunnel/configdump. Sections of a ztunnel's config dump are lists or, in older versions, maps.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubectl_mesh.diagnosis.config_dump import decode, listed
from kubectl_mesh.diagnosis.unstable_sort import sort_unstable_by
from kubectl_mesh.errors import InputError
from kubectl_mesh.reports import ztunnel as report
from kubectl_mesh.reports.tables import Table
from simulator.model.wire import Json

_HEALTHY = "Healthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZtunnelDump:
    """A ztunnel's config dump, every section a list."""

    workloads: list[Json]
    services: list[Json]
    policies: list[Json]
    certificates: list[Json]
    states: list[Json]

    @classmethod
    def parse(cls, data: bytes, *, subject: str = "config dump") -> "ZtunnelDump":
        """Read the JSON that a ztunnel's `/config_dump` prints."""
        document = decode(data, subject=subject)
        if not isinstance(document, dict):
            raise InputError(f"{subject}: not a ztunnel's config dump", hint="curl localhost:15000/config_dump")
        states = document.get("workloadState", document.get("workloadstate"))
        return cls(
            workloads=_section(document.get("workloads")),
            services=_section(document.get("services")),
            policies=_section(document.get("policies")),
            certificates=_section(document.get("certificates")),
            states=_section(states),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFilter:
    """Properties of the workloads to keep; empty keeps all. Comparisons ignore case."""

    address: str = ""
    node: str = ""
    namespace: str = ""
    name: str = ""

    def keeps(self, workload: Json) -> bool:
        """Tell whether the workload is wanted."""
        addresses = [str(address).casefold() for address in listed(workload.get("workloadIps"))]
        return (
            _equal(self.name, workload.get("name"))
            and _equal(self.namespace, workload.get("namespace"))
            and _equal(self.node, workload.get("node"))
            and (not self.address or self.address.casefold() in addresses)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFilter:
    """Which connections to keep; `raw` leaves addresses as they are."""

    namespace: str = ""
    workload: str = ""
    direction: str = ""
    raw: bool = False

    def keeps(self, state: Json) -> bool:
        """Tell whether the connections of a workload are wanted."""
        info = state.get("info") or {}
        namespace, workload = self.namespace, self.workload
        if workload and not namespace and "." in workload:
            workload, _, namespace = workload.partition(".")
        return namespace in ("", info.get("namespace", "")) and _equal(workload, info.get("name"))


def workloads(dump: ZtunnelDump, wanted: WorkloadFilter) -> Table[report.WorkloadRow]:
    """Return the table of workloads."""
    found = [workload for workload in dump.workloads if wanted.keeps(workload)]
    ordered = sort_unstable_by(
        found, key=lambda each: (f"{_of(each, 'namespace')}.{_of(each, 'name')}", _of(each, "node"))
    )
    return report.workloads(
        tuple(
            report.WorkloadRow(
                namespace=_of(each, "namespace"),
                name=_of(each, "name"),
                address=",".join(listed(each.get("workloadIps"))) or _of(each, "hostname"),
                node=_of(each, "node"),
                waypoint=_waypoint(each, dump.services),
                protocol=_of(each, "protocol"),
            )
            for each in ordered
        )
    )


def workload_documents(dump: ZtunnelDump, wanted: WorkloadFilter) -> list[Json]:
    """Return the workloads that are wanted, in the order of the dump."""
    return [report.WORKLOAD.document(each) for each in dump.workloads if wanted.keeps(each)]


def services(dump: ZtunnelDump, *, namespace: str = "") -> Table[report.ServiceRow]:
    """Return the table of services."""
    status = {each.get("uid"): each.get("status") for each in dump.workloads}
    rows = []
    for service in _services(dump, namespace):
        endpoints = list((service.get("endpoints") or {}).values())
        ready = sum(1 for endpoint in endpoints if status.get((endpoint or {}).get("workloadUid")) == _HEALTHY)
        rows.append(
            report.ServiceRow(
                namespace=_of(service, "namespace"),
                name=_of(service, "name"),
                addresses=",".join(str(vip).partition("/")[2] for vip in listed(service.get("vips"))),
                waypoint=_waypoint(service, dump.services),
                endpoints=f"{ready}/{len(endpoints)}",
            )
        )
    return report.services(tuple(rows))


def service_documents(dump: ZtunnelDump, *, namespace: str = "") -> list[Json]:
    """Return the services that are wanted, sorted."""
    return [report.SERVICE.document(service) for service in _services(dump, namespace)]


def _services(dump: ZtunnelDump, namespace: str) -> list[Json]:
    found = [each for each in dump.services if _equal(namespace, each.get("namespace"))]
    return sort_unstable_by(found, key=lambda each: (_of(each, "namespace"), _of(each, "name"), _of(each, "hostname")))


def policies(dump: ZtunnelDump, *, namespace: str = "") -> Table[report.PolicyRow]:
    """Return the table of authorization policies."""
    return report.policies(
        tuple(
            report.PolicyRow(
                namespace=_of(each, "namespace"),
                name=_of(each, "name"),
                action=_of(each, "action"),
                scope=_of(each, "scope"),
            )
            for each in _policies(dump, namespace)
        )
    )


def policy_documents(dump: ZtunnelDump, *, namespace: str = "") -> list[Json]:
    """Return the policies that are wanted, sorted."""
    return [report.POLICY.document(policy) for policy in _policies(dump, namespace)]


def _policies(dump: ZtunnelDump, namespace: str) -> list[Json]:
    found = [each for each in dump.policies if _equal(namespace, each.get("namespace"))]
    return sort_unstable_by(found, key=lambda each: (_of(each, "namespace"), _of(each, "name")))


def certificates(dump: ZtunnelDump, *, now: datetime) -> Table[report.CertificateRow]:
    """Return the table of certificates as they are valid at `now`."""
    return report.certificates(tuple(row for each in dump.certificates for row in _certificate_rows(each, now)))


def certificate_documents(dump: ZtunnelDump) -> list[Json]:
    """Return the certificates."""
    return [report.CERTIFICATE.document(each) for each in dump.certificates]


def missing_certificates(dump: ZtunnelDump) -> str:
    """Return a note where identities have no certificates, as in a mesh made of manifests; empty where they have."""
    if not dump.certificates or any(listed(each.get("certChain")) for each in dump.certificates):
        return ""
    return "only the identities are known: manifests have no certificates (a mesh served by simulate serve has)"


def _certificate_rows(entry: Json, now: datetime) -> Iterator[report.CertificateRow]:
    state = "Unavailable" if "Unavailable" in _of(entry, "state") else _of(entry, "state")
    chain, roots = listed(entry.get("certChain")), listed(entry.get("rootCerts"))
    if not chain:
        yield report.CertificateRow(name=_of(entry, "identity"), type="NA", status=state, valid=False)
        return
    kinds = ["Leaf", *(["Intermediate"] * (len(chain) - 1))]
    if not roots and len(chain) > 1:  # older versions put the root at the end of the chain
        kinds[-1] = "Root"
    for kind, certificate in [*zip(kinds, chain, strict=True), *(("Root", root) for root in roots)]:
        yield report.CertificateRow(
            name=_of(entry, "identity"),
            type=kind,
            status=state,
            valid=_is_valid(certificate, now),
            serial=_hexadecimal(_of(certificate, "serialNumber")),
            not_after=_of(certificate, "expirationTime") or "NA",
            not_before=_of(certificate, "validFrom") or "NA",
        )


def _is_valid(certificate: Json, now: datetime) -> bool:
    try:
        start = datetime.fromisoformat(_of(certificate, "validFrom"))
        return start < now < datetime.fromisoformat(_of(certificate, "expirationTime"))
    except (ValueError, TypeError):
        return False


def _hexadecimal(serial: str) -> str:
    return f"{int(serial):x}" if serial.isascii() and serial.isdigit() else "<nil>"


def connections(dump: ZtunnelDump, wanted: ConnectionFilter) -> Table[report.ConnectionRow]:
    """Return the table of open connections; addresses are replaced by the names of services and workloads."""
    named = (lambda address: address) if wanted.raw else _naming(dump)
    rows: list[report.ConnectionRow] = []
    for state in _states(dump, wanted):
        info, held = state.get("info") or {}, state.get("connections") or {}
        name = f"{info.get('name', '')}.{info.get('namespace', '')}"
        if wanted.direction != "outbound":
            for each in listed(held.get("inbound")):
                ends = named(_of(each, "actualDst")), named(_of(each, "src")), _of(each, "originalDst")
                rows.append(_connection(name, "Inbound", ends, each))
        if wanted.direction != "inbound":
            for each in listed(held.get("outbound")):
                ends = named(_of(each, "src")), named(_of(each, "actualDst")), named(_of(each, "originalDst"))
                rows.append(_connection(name, "Outbound", ends, each))
    return report.connections(tuple(rows))


def connection_documents(dump: ZtunnelDump, wanted: ConnectionFilter) -> list[Json]:
    """Return the state of each workload that is wanted."""
    return [report.STATE.document(state) for state in _states(dump, wanted)]


def missing_connections(dump: ZtunnelDump, wanted: ConnectionFilter) -> str:
    """Return a note where none of the wanted workloads has an open connection; empty where one has."""
    states = _states(dump, wanted)
    if any(listed(each) for state in states for each in (state.get("connections") or {}).values()):
        return ""
    if not states:
        return "no connections: this ztunnel serves no such workload"
    who = "the workload has none open" if len(states) == 1 else f"none of {len(states)} workloads has one open"
    return f"no connections: {who}; a simulated mesh carries no traffic"


def _connection(name: str, direction: str, ends: tuple[str, str, str], entry: Json) -> report.ConnectionRow:
    local, remote, target = ends
    return report.ConnectionRow(
        workload=name,
        direction=direction,
        local=local,
        remote=remote,
        target=target,
        protocol=_of(entry, "protocol"),
    )


def _states(dump: ZtunnelDump, wanted: ConnectionFilter) -> list[Json]:
    found = [state for state in dump.states if wanted.keeps(state)]
    return sort_unstable_by(found, key=lambda each: (_of(each.get("info"), "namespace"), _of(each.get("info"), "name")))


def _naming(dump: ZtunnelDump) -> Callable[[str], str]:
    names: dict[str, str] = {}
    for workload in dump.workloads:
        addresses = listed(workload.get("workloadIps"))
        names[addresses[0] if addresses else "None"] = f"{_of(workload, 'name')}.{_of(workload, 'namespace')}"
    for service in dump.services:
        vips = listed(service.get("vips"))
        names[str(vips[0]).partition("/")[2] if vips else "None"] = _of(service, "hostname")

    def named(address: str) -> str:
        host, colon, port = address.rpartition(":")
        name = names.get(host.strip("[]")) if colon else None
        return f"{name}:{port}" if name is not None else address

    return named


def _waypoint(holder: Json, known: list[Json]) -> str:
    waypoint = holder.get("waypoint")
    if waypoint is None:
        return "None"
    destination = waypoint.get("destination", "")
    for service in known:
        if destination == f"{_of(service, 'namespace')}/{_of(service, 'hostname')}":
            return _of(service, "name")
        if destination in listed(service.get("vips")):
            return _of(service, "name")
    return "NA"


def _section(value: Any) -> list[Json]:
    items = value.values() if isinstance(value, Mapping) else listed(value)
    return [item for item in items if isinstance(item, dict)]


def _of(document: Any, field: str) -> str:
    return str((document or {}).get(field) or "")


def _equal(wanted: str, value: Any) -> bool:
    return not wanted or wanted.casefold() == str(value or "").casefold()

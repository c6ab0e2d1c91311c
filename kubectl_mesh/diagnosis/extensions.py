"""Which extension configurations (ECDS) does a proxy hold?

istioctl: pkg/writer/envoy/configdump/ecds.go.
"""

from kubectl_mesh.diagnosis.config_dump import ConfigDump, listed
from kubectl_mesh.diagnosis.unstable_sort import sort_unstable
from kubectl_mesh.errors import NothingFound
from kubectl_mesh.reports import proxy_config as report
from kubectl_mesh.reports.tables import Table
from simulator.model.wire import Json

_PREFIX = "type.googleapis.com/"


def table(dump: ConfigDump) -> Table[report.ExtensionRow]:
    """Return the table of extension configurations, by type and name."""
    keys = []
    for entry in listed(document(dump).get("ecdsFilters")):
        extension = entry.get("ecdsFilter") or {}
        keys.append((str((extension.get("typedConfig") or {}).get("@type", "")), str(extension.get("name", ""))))
    ordered = sort_unstable(keys, less=lambda one, other: one < other)
    return report.extensions(
        tuple(report.ExtensionRow(name=name, type=type_.removeprefix(_PREFIX)) for type_, name in ordered)
    )


def document(dump: ConfigDump) -> Json:
    """Return all sections of extension configurations as one."""
    sections = dump.sections("EcdsConfigDump")
    if not sections:
        raise NothingFound("config dump has no configuration type type.googleapis.com/envoy.admin.v3.EcdsConfigDump")
    found = [entry for section in sections for entry in listed(section.get("ecdsFilters"))]
    return {"ecdsFilters": found} if found else {}

"""Which clusters does a proxy hold?

istioctl: pkg/writer/envoy/configdump/cluster.go.
"""

import re
from dataclasses import dataclass

from kubectl_mesh.diagnosis.config_dump import ConfigDump, described, messages
from kubectl_mesh.diagnosis.unstable_sort import sort_unstable_by
from kubectl_mesh.errors import NothingFound
from kubectl_mesh.reports import proxy_config as report
from kubectl_mesh.reports.tables import Table
from simulator.model.wire import Json

_LISTS = {"dynamicActiveClusters": "cluster", "staticClusters": "cluster"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFilter:
    """Parts of a cluster's name to keep; empty keeps all."""

    host: str = ""
    port: int = 0
    subset: str = ""
    direction: str = ""

    def keeps(self, cluster: Json) -> bool:
        """Tell whether the cluster's name contains every part asked for."""
        name = _name(cluster)
        port = f"|{self.port}|" if self.port else ""
        return all(part in name for part in (self.host, self.subset, self.direction, port))


def table(dump: ConfigDump, wanted: ClusterFilter, *, named: bool = False) -> Table[report.ClusterRow]:
    """Return the table of clusters that are wanted."""
    return report.clusters(tuple(_row(cluster, named=named) for cluster in documents(dump, wanted)), named=named)


def documents(dump: ConfigDump, wanted: ClusterFilter) -> list[Json]:
    """Return the clusters that are wanted, sorted."""
    found = messages(dump.section("ClustersConfigDump"), _LISTS)
    if not found:
        raise NothingFound("no clusters found")
    ordered = sort_unstable_by(found, key=lambda cluster: sort_key(_name(cluster)))
    return [cluster for cluster in ordered if wanted.keeps(cluster)]


def sort_key(name: str) -> tuple[str, str, int, str]:
    """Return the sort key of a cluster: host, subset, port, direction."""
    if name.count("|") < 3:
        return name, "", 0, ""
    direction, port, subset, host = split_name(name)
    return host, subset, port, direction


def split_name(name: str) -> tuple[str, int, str, str]:
    """Split `direction|port|subset|host`, or the spelling with `_.`; a host with a bar in it is not shown.

    istiod: pilot/pkg/model/service.go (ParseSubsetKey).
    """
    bar = "_." if name.startswith(("outbound_.", "inbound_.")) else "|"
    direction, _, rest = name.partition(bar)
    port, _, rest = rest.partition(bar)
    subset, _, host = rest.partition(bar)
    number = int(port) if re.fullmatch(r"[+-]?[0-9]+", port, re.ASCII) else 0
    return direction, number, subset, "" if bar in host else host


def _row(cluster: Json, *, named: bool) -> report.ClusterRow:
    name, kind = _name(cluster), str(cluster.get("type") or "STATIC")
    rule = described(cluster.get("metadata"))
    typed = f"cluster/{name}" if name else ""
    if name.count("|") >= 3:
        direction, port, subset, host = split_name(name)
        return report.ClusterRow(
            name=typed,
            host=host,
            port=str(port),
            subset=subset or "-",
            direction=direction,
            type=kind,
            destination_rule=rule,
        )
    host = typed if named else name
    return report.ClusterRow(
        name=typed, host=host, port="-", subset="-", direction="-", type=kind, destination_rule=rule
    )


def _name(cluster: Json) -> str:
    return str(cluster.get("name") or "")

"""The Kubernetes clusters that each istiod reads, in the columns of `istioctl remote-clusters`."""

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_mesh.reports.tables import Column, Table

_PADDING = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCluster:
    """One cluster as one istiod sees it; the secret is `namespace/name`, empty for istiod's own cluster."""

    name: str
    secret: str
    status: str
    istiod: str

    @property
    def in_sync(self) -> bool:
        """Tell whether istiod has read everything there."""
        return self.status == "synced"


def table(rows: Sequence[RemoteCluster]) -> Table[RemoteCluster]:
    """Lay out one row for each cluster of each istiod."""
    columns: tuple[Column[RemoteCluster], ...] = (
        Column(header="NAME", value=lambda row: row.name),
        Column(header="SECRET", value=lambda row: row.secret),
        Column(header="STATUS", value=lambda row: row.status),
        Column(header="ISTIOD", value=lambda row: row.istiod),
    )
    return Table(columns=columns, rows=tuple(rows), padding=_PADDING)

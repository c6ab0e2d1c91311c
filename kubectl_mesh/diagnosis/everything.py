"""All of a proxy's configuration, kind by kind.

istioctl: pkg/writer/envoy/configdump/configdump.go (PrintFullSummary).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubectl_mesh.diagnosis import bootstrap, clusters, endpoints, listeners, routes, secrets
from kubectl_mesh.diagnosis.config_dump import ConfigDump
from kubectl_mesh.reports.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The filter of each kind."""

    clusters: clusters.ClusterFilter
    listeners: listeners.ListenerFilter
    routes: routes.RouteFilter
    endpoints: endpoints.EndpointFilter


def tables(
    dump: ConfigDump, wanted: Filters, *, verbose: bool, now: datetime
) -> Iterator[tuple[str, Callable[[], Table[Any] | None]]]:
    """Yield the title of each kind with a function that makes its table; None where there are no secrets."""
    yield "BOOTSTRAP", lambda: bootstrap.table(dump)
    yield "CLUSTER", lambda: clusters.table(dump, wanted.clusters, named=True)
    yield "LISTENER", lambda: listeners.table(dump, wanted.listeners, verbose=verbose, named=True)
    yield "ROUTE", lambda: routes.table(dump, wanted.routes, verbose=verbose, named=True)
    yield "SECRET", lambda: secrets.table(dump, now=now, named=True)
    yield "ENDPOINTS", lambda: endpoints.assigned_table(dump, wanted.endpoints, named=True)

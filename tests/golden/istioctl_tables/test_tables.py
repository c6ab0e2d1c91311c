"""istioctl 1.30.3's own output for every recorded proxy, byte for byte."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_mesh.diagnosis import authorization, clusters, endpoints, listeners, routes
from kubectl_mesh.diagnosis.config_dump import ConfigDump
from kubectl_mesh.errors import MeshError
from kubectl_mesh.render.table import render
from kubectl_mesh.reports.tables import Table

HERE = Path(__file__).parent
PROXIES = HERE.parents[1] / "conformance" / "scenarios"
ADMIN = "type.googleapis.com/envoy.admin.v3."
CONFIG = "type.googleapis.com/envoy.config."
ALL_CLUSTERS = clusters.ClusterFilter()
ALL_LISTENERS = listeners.ListenerFilter()
ALL_ROUTES = routes.RouteFilter()
ALL_ENDPOINTS = endpoints.EndpointFilter()
TABLES: dict[str, Callable[[ConfigDump], Table[Any] | None]] = {
    "cluster": lambda dump: clusters.table(dump, ALL_CLUSTERS),
    "cluster-inbound": lambda dump: clusters.table(dump, clusters.ClusterFilter(direction="inbound")),
    "listener": lambda dump: listeners.table(dump, ALL_LISTENERS),
    "listener-15006": lambda dump: listeners.table(dump, listeners.ListenerFilter(port=15006)),
    "listener-brief": lambda dump: listeners.table(dump, ALL_LISTENERS, verbose=False),
    "route": lambda dump: routes.table(dump, ALL_ROUTES),
    "route-brief": lambda dump: routes.table(dump, ALL_ROUTES, verbose=False),
    "eds": lambda dump: endpoints.assigned_table(dump, ALL_ENDPOINTS),
    "authz": authorization.table,
}
DOCUMENTS: dict[str, Callable[[ConfigDump], Any]] = {
    "cluster": lambda dump: clusters.documents(dump, ALL_CLUSTERS),
    "listener": lambda dump: listeners.documents(dump, ALL_LISTENERS),
    "route": lambda dump: routes.documents(dump, ALL_ROUTES),
    "eds": lambda dump: endpoints.assigned_documents(dump, ALL_ENDPOINTS),
}


def dump_of(lists: dict[str, list[dict[str, Any]] | None]) -> ConfigDump:
    """Put the four lists of a recorded proxy into the sections of a config dump, as the recording did."""

    def typed(name: str, message: dict[str, Any]) -> dict[str, Any]:
        return {"@type": CONFIG + name, **message}

    found = {
        "ClustersConfigDump": {
            "dynamicActiveClusters": [{"cluster": typed("cluster.v3.Cluster", c)} for c in lists["clusters"] or ()]
        },
        "ListenersConfigDump": {
            "dynamicListeners": [
                {"name": each["name"], "activeState": {"listener": typed("listener.v3.Listener", each)}}
                for each in lists["listeners"] or ()
            ]
        },
        "RoutesConfigDump": {
            "dynamicRouteConfigs": [
                {"routeConfig": typed("route.v3.RouteConfiguration", each)} for each in lists["routes"] or ()
            ]
        },
        "EndpointsConfigDump": {
            "dynamicEndpointConfigs": [
                {"endpointConfig": typed("endpoint.v3.ClusterLoadAssignment", each)}
                for each in lists["endpoints"] or ()
            ]
        },
    }
    return ConfigDump([{"@type": ADMIN + kind, **section} for kind, section in found.items()])


def answer(name: str, dump: ConfigDump) -> str:
    """Return what we print for one of the recorded commands."""
    try:
        table = TABLES[name](dump)
        return render(table) if table else ""
    except MeshError as error:
        return f"exit 1\nError: {error}\n"


def same(name: str, dump: ConfigDump, expected: str) -> bool:
    """Compare text byte for byte, documents after parsing."""
    command, _, form = name.rpartition("-")
    if form not in ("json", "yaml") or expected.startswith("exit "):
        return answer(command if form in ("json", "yaml") else name, dump) == expected
    parsed = json.loads(expected) if form == "json" else yaml.safe_load(expected)
    return bool(DOCUMENTS[command](dump) == parsed)


@pytest.mark.parametrize("scenario", sorted(HERE.glob("scenarios/*.json.gz")), ids=lambda path: path.name.split(".")[0])
def test_tables_equal_istioctls(scenario: Path) -> None:
    """Every table and document of every proxy of a scenario is what istioctl printed."""
    name = scenario.name.split(".")[0]
    for proxy, recorded in json.loads(gzip.decompress(scenario.read_bytes())).items():
        lists = json.loads(gzip.decompress((PROXIES / name / "proxies" / f"{proxy}.json.gz").read_bytes()))
        dump = dump_of(lists)
        differing = [command for command, expected in recorded.items() if not same(command, dump, expected)]
        assert not differing, proxy

"""The expected outputs of Istio's own tests of its commands, where they lie beside the project."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_mesh.cli.ztunnel_config import summary
from kubectl_mesh.diagnosis import (
    authorization,
    bootstrap,
    clusters,
    endpoints,
    everything,
    extensions,
    listeners,
    proxy_status,
    routes,
    secrets,
    waypoints,
    ztunnel,
)
from kubectl_mesh.diagnosis.config_dump import ConfigDump
from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.render.table import render
from kubectl_mesh.reports import proxy_status as status_tables
from simulator.model.proxies import ProxyId

UPSTREAM = Path(__file__).resolve().parents[4] / "shared" / "goldens" / "istioctl" / "upstream"
ENVOY = UPSTREAM / "writer" / "envoy" / "configdump" / "testdata"
NOW = datetime(2024, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="Istio's test data does not lie beside the project")


def dump(path: Path) -> ConfigDump:
    """Read a recorded config dump."""
    return ConfigDump.parse(path.read_bytes())


@pytest.mark.parametrize(
    "case", ["k8s-gateway-http-route-path-prefix", "istio-gateway-http-route-prefix", "empty-gateway"]
)
def test_routes(case: str) -> None:
    """Tables of routes are istioctl's."""
    folder = ENVOY / "routes" / case
    table = routes.table(dump(folder / "configdump.json"), routes.RouteFilter())
    assert render(table) == (folder / "output.txt").read_text()


@pytest.mark.parametrize("case", ["emptyfilter", "portfilter"])
def test_assigned_endpoints(case: str) -> None:
    """Endpoints from EDS are istioctl's as text, JSON and YAML, filtered or not."""
    folder = ENVOY / "endpoint"
    wanted = endpoints.EndpointFilter(port=8080 if case == "portfilter" else 0)
    source = dump(folder / "configdump.json")
    assert render(endpoints.assigned_table(source, wanted)) == (folder / f"{case}_output.txt").read_text()
    documents = endpoints.assigned_documents(source, wanted)
    assert documents == json.loads((folder / f"{case}_output.json").read_text())
    assert documents == yaml.safe_load((folder / f"{case}_output.yaml").read_text())


def test_extensions() -> None:
    """Extension configurations are istioctl's as text, JSON and YAML."""
    folder = ENVOY / "ecds"
    source = dump(folder / "configdump.json")
    assert render(extensions.table(source)) == (folder / "output.txt").read_text()
    assert extensions.document(source) == json.loads((folder / "output.json").read_text())
    assert extensions.document(source) == yaml.safe_load((folder / "output.yaml").read_text())


@pytest.mark.parametrize("case", ["istio", "spire"])
def test_secrets(case: str) -> None:
    """Tables of secrets are istioctl's, trust domains included; validity is that of the day of the recording."""
    folder = ENVOY / "secret" / case
    table = secrets.table(dump(folder / "config_dump.json"), now=datetime.now(UTC))
    assert table is not None
    assert render(table) == (folder / "output").read_text()


def test_versions() -> None:
    """The bootstrap summary is istioctl's."""
    section = json.loads((ENVOY / "bootstrapdump.json").read_text())
    section.setdefault("@type", "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump")
    assert render(bootstrap.table(ConfigDump([section]))) == (ENVOY / "versionsummary.txt").read_text()


def test_policies() -> None:
    """A config dump saved as YAML is read by the table of authorization policies."""
    document = yaml.safe_load((UPSTREAM / "authz" / "testdata" / "configdump.yaml").read_text())
    table = authorization.table(ConfigDump(document["configs"]))
    assert table is not None
    assert [row.action for row in table.rows] == sorted(
        (row.action for row in table.rows), key="DENY ALLOW LOG CUSTOM".index
    )


def _summary(*, titles: bool) -> str:
    wanted = everything.Filters(
        clusters=clusters.ClusterFilter(),
        listeners=listeners.ListenerFilter(),
        routes=routes.RouteFilter(),
        endpoints=endpoints.EndpointFilter(),
    )
    source = dump(UPSTREAM / "proxyconfig" / "testdata" / "config_dump.json")
    found = everything.tables(source, wanted, verbose=True, now=datetime.now(UTC))
    tables = [(title, work_out()) for title, work_out in found]
    blocks = ((f"------ {title} INFO ------\n\n" if titles else "") + render(table) for title, table in tables if table)
    return "\n".join(blocks)


@pytest.mark.parametrize(
    ("file", "titles"), [("config_dump_summary.txt", False), ("config_dump_summary_withheaders.txt", True)]
)
def test_everything(file: str, titles: bool) -> None:
    """The whole summary is istioctl's, with titles and without."""
    assert _summary(titles=titles) == (UPSTREAM / "proxyconfig" / "testdata" / file).read_text()


def test_sync_state() -> None:
    """The tables of sync states are istioctl's."""
    folder = UPSTREAM / "writer" / "pilot" / "testdata"
    answer: dict[str, Any] = json.loads((folder / "multiXdsStatusSinglePilot.json").read_text())
    found = proxy_status.read({"istiod1": answer}, now=NOW)
    table = status_tables.by_type(found, proxy_status.every_type(found), short_names=proxy_status.SHORT_NAMES)
    assert render(table) == (folder / "multiXdsStatusMultiPilot_verbose.txt").read_text()


ZTUNNEL = UPSTREAM / "writer" / "ztunnel" / "configdump" / "testdata"


def ztunnel_dump(name: str) -> ztunnel.ZtunnelDump:
    """Read one of the two recorded dumps."""
    return ztunnel.ZtunnelDump.parse((ZTUNNEL / f"{name}.json").read_bytes())


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("workloadsummary", ztunnel.WorkloadFilter()),
        ("workloadsummary_default", ztunnel.WorkloadFilter(namespace="default")),
        (
            "workloadsummary_workload",
            ztunnel.WorkloadFilter(name="productpage-v1-675fc69cf-jscn2", namespace="bookinfo"),
        ),
    ],
)
def test_ztunnel_workloads(file: str, wanted: ztunnel.WorkloadFilter) -> None:
    """Tables of a ztunnel's workloads are istioctl's."""
    assert render(ztunnel.workloads(ztunnel_dump("dump"), wanted)) == (ZTUNNEL / f"{file}.txt").read_text()


def test_ztunnel_policies_and_certificates() -> None:
    """Tables of a ztunnel's policies and certificates are istioctl's."""
    source = ztunnel_dump("dump")
    assert render(ztunnel.policies(source)) == (ZTUNNEL / "policies.txt").read_text()
    table = ztunnel.certificates(source, now=datetime.now(UTC))
    assert render(table) == (ZTUNNEL / "secretsummary.txt").read_text()


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("connectionsummary", ztunnel.ConnectionFilter(namespace="bookinfo")),
        (
            "connectionsummary_workload",
            ztunnel.ConnectionFilter(workload="productpage-v1-796f87b58-97bjk.bookinfo"),
        ),
    ],
)
def test_ztunnel_connections(file: str, wanted: ztunnel.ConnectionFilter) -> None:
    """Tables of a ztunnel's connections are istioctl's."""
    assert render(ztunnel.connections(ztunnel_dump("dump"), wanted)) == (ZTUNNEL / f"{file}.txt").read_text()


def test_ztunnel_connection_documents() -> None:
    """Connections as JSON are istioctl's."""
    wanted = ztunnel.ConnectionFilter(namespace="bookinfo")
    expected = json.loads((ZTUNNEL / "connectionsdump.json").read_text())
    assert ztunnel.connection_documents(ztunnel_dump("dump"), wanted) == expected


@pytest.mark.parametrize(("file", "titles"), [("allsummary", False), ("allsummary_withheaders", True)])
def test_ztunnel_everything(file: str, titles: bool) -> None:
    """The whole summary of a ztunnel is istioctl's."""
    assert summary(ztunnel_dump("dump"), titles=titles, now=datetime.now(UTC)) == (ZTUNNEL / f"{file}.txt").read_text()


def waypoint_gateway(
    name: str, namespace: str, *, ready: bool = True, kind: str = "istio-waypoint", **labels: str
) -> dict[str, Any]:
    """Return a Gateway as the tests of istioctl make them."""
    wanted = {"istio.io/rev": labels.get("revision"), "istio.io/waypoint-for": labels.get("traffic")}
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": {k: v for k, v in wanted.items() if v}},
        "spec": {"gatewayClassName": kind},
        "status": {"conditions": [{"type": "Programmed", "status": str(ready)}]},
    }


class Gateways:
    """A mesh of nothing but Gateways."""

    def __init__(self, *gateways: dict[str, Any]) -> None:
        self.gateways = gateways

    def resources(self, kind: str, namespace: str | None = None) -> Sequence[dict[str, Any]]:
        """Return the Gateways."""
        return self.gateways if kind == "Gateway" else ()

    def proxies(self) -> Sequence[ProxyId]:
        """Return no proxy."""
        return ()

    def envoy(self, proxy: ProxyId, path: str) -> bytes:
        """Never asked."""
        return b""

    def istiod(self, path: str) -> dict[str, bytes]:
        """Never asked."""
        return {}


def test_waypoints() -> None:
    """The lists and states of waypoints are istioctl's."""
    folder = UPSTREAM / "waypoint" / "testdata" / "waypoint"
    mixed = Gateways(
        waypoint_gateway("bookinfo", "default", ready=False),
        waypoint_gateway("bookinfo-invalid", "fake", kind="other"),
        waypoint_gateway("waypoint", "default", ready=False),
        waypoint_gateway("bookinfo-valid", "bookinfo"),
        waypoint_gateway("no-name-convention", "default"),
        waypoint_gateway("bookinfo-rev", "bookinfo", revision="rev1"),
        waypoint_gateway("bookinfo-traffic-type", "bookinfo", traffic="all"),
    )
    rows = waypoints.find(Lookup(source=mixed), namespace=None)
    assert render(waypoints.listing(rows, namespaced=True)) == (folder / "combined-gateway").read_text()
    one = Gateways(waypoint_gateway("waypoint", "default"))
    rows = waypoints.find(Lookup(source=one), namespace="default")
    assert render(waypoints.listing(rows, namespaced=False)) == (folder / "default-gateway").read_text()
    assert render(waypoints.status(rows, namespaced=False)) == (folder / "waypoint-status-ready").read_text()
    slow = Gateways(waypoint_gateway("waypoint", "default", ready=False))
    rows = waypoints.find(Lookup(source=slow), namespace="default")
    assert render(waypoints.status(rows, namespaced=False)) == (folder / "waypoint-status-notready").read_text()

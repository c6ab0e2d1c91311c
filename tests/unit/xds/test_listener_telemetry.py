"""Telemetry in listeners: metrics, access logs, traces."""

from typing import Any

from simulator.mesh import Mesh
from tests.unit.xds.listener_parts import http_filters, inbound_chains, listeners, manager
from tests.unit.xds.shop import mesh

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: client, namespace: shop}
spec: {selector: {app: client}, ports: [{name: http, port: 8080}]}
"""
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    defaultProviders: {metrics: [prometheus]}
    extensionProviders:
    - {name: zip, zipkin: {service: web.shop.svc.cluster.local, port: 80}}
    - {name: lost, zipkin: {service: nowhere.test, port: 80}}
    - {name: json, envoyFileAccessLog: {path: /logs, logFormat: {labels: {}}}}
    - {name: als, envoyTcpAls: {service: web.shop.svc.cluster.local, port: 80}}
"""


def telemetry(spec: str, *, namespace: str = "shop") -> str:
    """Return a Telemetry resource."""
    return f"""
    apiVersion: telemetry.istio.io/v1
    kind: Telemetry
    metadata: {{name: own, namespace: {namespace}}}
    spec: {spec}
    """


def outbound(made: Mesh) -> Any:
    """Return an outbound HTTP chain of the client."""
    return listeners(made)["0.0.0.0_80"]["filter_chains"][0]


def inbound(made: Mesh) -> Any:
    """Return an inbound HTTP chain of the client."""
    return inbound_chains(made, 8080)[0]


def logs(chain: Any) -> list[str]:
    """Return the names of a connection manager's loggers."""
    return [logger["name"].rpartition(".")[2] for logger in manager(chain).get("access_log", ())]


def test_metrics_are_reported_without_any_telemetry() -> None:
    """The mesh's default provider puts a stats filter on both sides; servers do not fall back to the Host header."""
    made = mesh(SERVICE, CONFIG)
    assert http_filters(outbound(made))["stats"] == {"@type": "type.googleapis.com/stats.PluginConfig"}
    assert http_filters(inbound(made))["stats"]["disable_host_header_fallback"] is True


def test_metric_overrides_count_for_the_side_they_name() -> None:
    """An override for clients changes the outbound stats filter only, under Prometheus's name of the metric."""
    match, tags = "{metric: REQUEST_COUNT, mode: CLIENT}", "{a: {value: b}, c: {operation: REMOVE}}"
    change = f"{{metrics: [{{overrides: [{{match: {match}, tagOverrides: {tags}}}]}}]}}"
    made = mesh(SERVICE, CONFIG, telemetry(change))
    assert http_filters(outbound(made))["stats"]["metrics"] == [
        {"dimensions": {"a": "b"}, "name": "requests_total", "tags_to_remove": ["c"]}
    ]
    assert "metrics" not in http_filters(inbound(made))["stats"]


def test_all_metrics_can_be_off() -> None:
    """Disabling every metric removes the filter."""
    made = mesh(SERVICE, CONFIG, telemetry("{metrics: [{overrides: [{disabled: true}]}]}"))
    assert "stats" not in http_filters(outbound(made))


def test_nothing_is_logged_by_default() -> None:
    """Without access logging in mesh or Telemetry there are no loggers."""
    assert logs(outbound(mesh(SERVICE, CONFIG))) == []


def test_logging_of_one_side_leaves_the_other_silent() -> None:
    """A Telemetry for servers logs inbound only, connections without a filter chain included."""
    made = mesh(SERVICE, CONFIG, telemetry("{accessLogging: [{providers: [{name: json}], match: {mode: SERVER}}]}"))
    assert logs(outbound(made)) == []
    assert logs(inbound(made)) == ["file"]
    [own] = listeners(made)["virtualInbound"]["access_log"]
    assert own["filter"] == {"response_flag_filter": {"flags": ["NR"]}}


def test_nearer_telemetry_replaces_providers() -> None:
    """Providers that a namespace names replace those of the mesh, and an expression filters them."""
    near = telemetry('{accessLogging: [{providers: [{name: als}], filter: {expression: "x > 1"}}]}')
    far = telemetry("{accessLogging: [{providers: [{name: json}]}]}", namespace="istio-system")
    [logger] = manager(outbound(mesh(SERVICE, CONFIG, near, far)))["access_log"]
    assert logger["name"] == "envoy.tcp_grpc_access_log"
    assert logger["filter"]["extension_filter"]["typed_config"]["expression"] == "x > 1"


def test_traces_are_sampled_without_a_provider() -> None:
    """Tracing is on by default at one percent, with the workload's identity in its tags."""
    tracing = manager(outbound(mesh(SERVICE, CONFIG)))["tracing"]
    assert tracing["random_sampling"] == {"value": 1.0}
    tags = {tag["tag"]: tag.get("literal", {}).get("value") for tag in tracing["custom_tags"]}
    assert tags["istio.namespace"] == "shop"
    assert tags["istio.canonical_service"] == "client"


def test_trace_provider_is_reached_through_its_cluster() -> None:
    """A tracing provider is configured with the cluster of its service; one whose service is unknown traces nothing."""
    choose = "{{tracing: [{{providers: [{{name: {name}}}], randomSamplingPercentage: 20}}]}}"
    found = manager(outbound(mesh(SERVICE, CONFIG, telemetry(choose.format(name="zip")))))["tracing"]
    assert found["random_sampling"] == {"value": 20.0}
    collector = found["provider"]["typed_config"]["collector_service"]["http_uri"]
    assert collector["cluster"] == "outbound|80||web.shop.svc.cluster.local"
    lost = mesh(SERVICE, CONFIG, telemetry(choose.format(name="lost")))
    assert "tracing" not in manager(outbound(lost))

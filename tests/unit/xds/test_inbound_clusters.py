from typing import Any

import pytest

from tests.unit.xds.mesh import clusters, generator, pod, service
from tests.unit.xds.test_clusters import rule

WEB = pod("web", "10.0.0.1")
SIDECAR = """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {{name: side, namespace: shop}}
spec: {spec}
"""


def inbound(*objects: Any, **arguments: Any) -> dict[str, Any]:
    """Return the inbound clusters of the web pod."""
    built = clusters(generator(WEB, *objects, **arguments), "web")
    return {name: cluster for name, cluster in built.items() if name.startswith("inbound|")}


def ingress(entry: str, more: str = "") -> str:
    """Return a Sidecar with one ingress listener."""
    return SIDECAR.format(spec=f"{{ingress: [{{port: {{number: 9080, protocol: HTTP, name: http}}, {entry}}}]{more}}}")


def test_each_target_port_has_one_cluster() -> None:
    """Services that share a port of the workload share its cluster, which names those of the same service port."""
    built = inbound(service(), service("also", selector={"app": "web"}, ip="10.96.0.2"))
    assert list(built) == ["inbound|8080||"]
    services = built["inbound|8080||"]["metadata"]["filter_metadata"]["istio"]["services"]
    assert sorted(one["name"] for one in services) == ["also", "web"]


def test_traffic_is_passed_to_where_it_was_going() -> None:
    """By default an inbound connection keeps its destination and gets a source that is not captured again."""
    built = inbound(service())["inbound|8080||"]
    assert (built["type"], built["lb_policy"]) == ("ORIGINAL_DST", "CLUSTER_PROVIDED")
    assert built["upstream_bind_config"] == {"source_address": {"address": "127.0.0.6", "port_value": 0}}


def test_localhost_policy_sends_to_loopback() -> None:
    """The mesh may ask for the older way, to 127.0.0.1."""
    built = inbound(service(), mesh="inboundTrafficPolicy: {mode: LOCALHOST}")["inbound|8080||"]
    assert built["type"] == "STATIC"
    assert "upstream_bind_config" not in built


def test_only_the_connection_pool_of_a_rule_holds_inbound() -> None:
    """Balancing and TLS of the service's rule are the client's business."""
    config = rule("{connectionPool: {tcp: {maxConnections: 5}}, loadBalancer: {simple: RANDOM}, outlierDetection: {}}")
    built = inbound(service(), config=config)["inbound|8080||"]
    assert built["circuit_breakers"]["thresholds"][0]["max_connections"] == 5
    assert built["lb_policy"] == "CLUSTER_PROVIDED"
    assert "outlier_detection" not in built


@pytest.mark.parametrize("selector", ["{}", "{matchLabels: {app: web}}"])
def test_a_rule_for_some_workloads_holds_outbound_only(selector: str) -> None:
    """A rule with a workload selector does not affect inbound connections, even where the selector is empty."""
    config = rule("{connectionPool: {tcp: {maxConnections: 5}}}", more=f", workloadSelector: {selector}")
    built = inbound(service(), config=config)["inbound|8080||"]
    assert built["circuit_breakers"]["thresholds"][0]["max_connections"] == 4294967295
    assert "config" not in built["metadata"]["filter_metadata"]["istio"]


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("127.0.0.1:80", {"socket_address": {"address": "127.0.0.1", "port_value": 80}}),
        ("0.0.0.0:80", {"socket_address": {"address": "10.0.0.1", "port_value": 80}}),
        ("unix:///run/app", {"pipe": {"path": "/run/app"}}),
    ],
)
def test_ingress_listener_sends_to_its_default_endpoint(endpoint: str, address: Any) -> None:
    """Loopback, the pod's own address or a Unix socket."""
    built = inbound(service(), config=ingress(f"defaultEndpoint: '{endpoint}'"))
    assert list(built) == ["inbound|9080||"]
    member = built["inbound|9080||"]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]
    assert member["endpoint"]["address"] == address


def test_ingress_listener_without_endpoint_passes_through() -> None:
    """Without `defaultEndpoint` the connection keeps its destination."""
    assert inbound(service(), config=ingress("bind: 0.0.0.0"))["inbound|9080||"]["type"] == "ORIGINAL_DST"


def test_connection_pool_of_the_sidecar_wins() -> None:
    """`inboundConnectionPool` replaces the rule's, an ingress listener's replaces both."""
    pool = ", inboundConnectionPool: {tcp: {maxConnections: 3}}"
    general = inbound(service(), config=ingress("bind: 0.0.0.0", pool))["inbound|9080||"]
    special = inbound(service(), config=ingress("connectionPool: {tcp: {maxConnections: 4}}", pool))["inbound|9080||"]
    limits = [built["circuit_breakers"]["thresholds"][0]["max_connections"] for built in (general, special)]
    assert limits == [3, 4]


def test_uncaptured_pod_has_no_inbound_clusters() -> None:
    """With interception NONE only a Sidecar says what is inbound."""
    alone = pod("web", "10.0.0.1", env={"ISTIO_META_INTERCEPTION_MODE": "NONE"})
    built = clusters(generator(alone, service()), "web")
    assert not [name for name in built if name.startswith("inbound|")]

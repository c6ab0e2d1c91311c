from typing import Any

import pytest

from tests.unit.xds.mesh import clusters, generator, pod, service

WEB = "outbound|80||web.shop.svc.cluster.local"
CLIENT = pod("client", "10.0.0.9", app="client")
SHOP = (CLIENT, pod("web-1", "10.0.0.1"), service())
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def rule(policy: str, *, host: str = "web", more: str = "") -> str:
    """Return a DestinationRule for a host with a traffic policy in flow style."""
    return f"""
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: rule, namespace: shop}}
spec: {{host: {host}, trafficPolicy: {policy}{more}}}
"""


def entry(resolution: str, *, hosts: str = "[api.example.test]", more: str = "") -> str:
    """Return a ServiceEntry outside of the mesh with one HTTP port."""
    return f"""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: api, namespace: shop}}
spec:
  hosts: {hosts}
  ports: [{{number: 80, name: http, protocol: HTTP}}]
  resolution: {resolution}
{more}
"""


def web(policy: str, **arguments: Any) -> Any:
    """Return the cluster of the web service under a traffic policy."""
    return clusters(generator(*SHOP, config=rule(policy), **arguments))[WEB]


def options(cluster: Any) -> Any:
    """Return a cluster's HTTP protocol options."""
    return cluster["typed_extension_protocol_options"][HTTP_OPTIONS]


def test_sidecar_has_the_static_clusters() -> None:
    """A sidecar can drop, pass through in both directions, and reach its services."""
    built = clusters(generator(*SHOP))
    assert {"BlackHoleCluster", "PassthroughCluster", "InboundPassthroughCluster", WEB} <= built.keys()


def test_gateway_has_neither_passthrough_nor_inbound() -> None:
    """A gateway has no original destinations, so no clusters for them."""
    built = clusters(generator(*SHOP, pod("gw", "10.0.0.8", app="gw", proxy="router")), "gw")
    assert "BlackHoleCluster" in built
    assert not {"PassthroughCluster", "InboundPassthroughCluster"} & built.keys()


def test_outbound_order_follows_services_then_subsets() -> None:
    """The subsets of a service come right after it, in the order of the rule."""
    config = rule(
        "{loadBalancer: {simple: RANDOM}}",
        more=", subsets: [{name: b, labels: {version: v2}}, {name: a, labels: {version: v1}}]",
    )
    names = [name for name in clusters(generator(*SHOP, config=config)) if name.endswith("web.shop.svc.cluster.local")]
    assert names == [WEB, WEB.replace("||", "|b|"), WEB.replace("||", "|a|")]


def test_udp_port_has_no_cluster() -> None:
    """Envoy has no clusters for UDP ports."""
    dns = service("dns")
    dns["spec"]["ports"][0]["protocol"] = "UDP"
    assert not [name for name in clusters(generator(CLIENT, dns)) if "dns" in name]


def test_http2_port_speaks_http2() -> None:
    """Requests to a gRPC port use HTTP/2, which mTLS announces by ALPN."""
    built = clusters(generator(*SHOP[:2], service(ports=(("grpc", 80, 8080),))))[WEB]
    assert options(built)["explicit_http_config"] == {"http2_protocol_options": {}}
    context = built["transport_socket_matches"][0]["transport_socket"]["typed_config"]["common_tls_context"]
    assert context["alpn_protocols"][-1] == "h2"


def test_sniffed_port_speaks_what_the_client_spoke() -> None:
    """A sidecar repeats the protocol that it detected; a gateway does not detect any."""
    mesh = generator(*SHOP[:2], service(ports=(("", 80, 8080),)), pod("gw", "10.0.0.8", app="gw", proxy="router"))
    assert "use_downstream_protocol_config" in options(clusters(mesh)[WEB])
    assert "typed_extension_protocol_options" not in clusters(mesh, "gw")[WEB]


@pytest.mark.parametrize(
    ("resolution", "more", "kind"),
    [
        ("DNS", "", "STRICT_DNS"),
        ("DNS_ROUND_ROBIN", "", "LOGICAL_DNS"),
        ("STATIC", "  endpoints: [{address: 192.0.2.1}]", "EDS"),
        ("NONE", "", "ORIGINAL_DST"),
    ],
)
def test_resolution_decides_the_type(resolution: str, more: str, kind: str) -> None:
    """How a ServiceEntry is resolved is how Envoy discovers its endpoints."""
    built = clusters(generator(CLIENT, config=entry(resolution, more=more)))
    assert built["outbound|80||api.example.test"]["type"] == kind


def test_gateway_cannot_use_original_destinations() -> None:
    """A gateway gets endpoints where a sidecar goes to the original destination."""
    mesh = generator(pod("gw", "10.0.0.8", app="gw", proxy="router"), config=entry("NONE"))
    assert clusters(mesh, "gw")["outbound|80||api.example.test"]["type"] == "EDS"


def test_external_service_is_marked_and_not_given_mtls() -> None:
    """A service outside of the mesh is called in plaintext unless a rule says otherwise."""
    built = clusters(generator(CLIENT, config=entry("DNS")))["outbound|80||api.example.test"]
    assert built["metadata"]["filter_metadata"]["istio"]["external"] is True
    assert not {"transport_socket", "transport_socket_matches"} & built.keys()


def test_dns_cluster_without_endpoints_is_left_out() -> None:
    """A DNS cluster holds its endpoints, so without any there is nothing to send."""
    more = "  workloadSelector: {labels: {app: nothing}}\n  location: MESH_INTERNAL"
    assert "outbound|80||api.example.test" not in clusters(generator(CLIENT, config=entry("DNS", more=more)))


def test_passthrough_balancer_goes_to_the_original_destination() -> None:
    """PASSTHROUGH changes the type, and mTLS is all or nothing there."""
    built = web("{loadBalancer: {simple: PASSTHROUGH}}")
    assert (built["type"], built["lb_policy"]) == ("ORIGINAL_DST", "CLUSTER_PROVIDED")
    assert "eds_cluster_config" not in built
    assert "transport_socket" in built


def test_connection_pool_bounds_the_cluster() -> None:
    """Limits of the rule are the cluster's thresholds; the rest stay unlimited."""
    pool = "{tcp: {maxConnections: 7, connectTimeout: 1500ms}, http: {http1MaxPendingRequests: 3, idleTimeout: 1m}}"
    built = web(f"{{connectionPool: {pool}}}")
    threshold = built["circuit_breakers"]["thresholds"][0]
    assert (threshold["max_connections"], threshold["max_pending_requests"]) == (7, 3)
    assert threshold["max_retries"] == 4294967295
    assert built["connect_timeout"] == "1.500s"
    assert options(built)["common_http_protocol_options"] == {"idle_timeout": "60s"}


def test_mesh_wide_upgrade_is_for_http_ports_and_can_be_declined() -> None:
    """`h2UpgradePolicy` of the mesh upgrades HTTP ports, unless the rule refuses or follows the client."""
    upgrade = "h2UpgradePolicy: UPGRADE"
    assert "http2_protocol_options" in options(web("{}", mesh=upgrade))["explicit_http_config"]
    refused = web("{connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}}", mesh=upgrade)
    assert "typed_extension_protocol_options" not in refused
    follows = web("{connectionPool: {http: {useClientProtocol: true}}}", mesh=upgrade)
    assert "use_downstream_protocol_config" in options(follows)


def test_keepalive_of_the_rule_lies_over_the_mesh() -> None:
    """The mesh's keepalive holds where the rule does not set a field."""
    built = web("{connectionPool: {tcp: {tcpKeepalive: {probes: 5}}}}", mesh="tcpKeepalive: {time: 10s, probes: 3}")
    assert built["upstream_connection_options"]["tcp_keepalive"] == {"keepalive_time": 10, "keepalive_probes": 5}


def test_outlier_detection_turns_panic_off() -> None:
    """With ejection on, a threshold of 0 percent is explicit, since Envoy's default is 50."""
    built = web("{outlierDetection: {consecutive5xxErrors: 0, consecutiveGatewayErrors: 2, interval: 1s}}")
    assert built["common_lb_config"]["healthy_panic_threshold"] == {}
    detection = built["outlier_detection"]
    assert (detection["consecutive_5xx"], detection["enforcing_consecutive_5xx"]) == (0, 0)
    assert (detection["consecutive_gateway_failure"], detection["enforcing_consecutive_gateway_failure"]) == (2, 100)


@pytest.mark.parametrize(
    ("balancer", "policy", "config"),
    [
        ("{simple: RANDOM}", "RANDOM", None),
        ("{simple: ROUND_ROBIN}", None, None),
        ("{simple: LEAST_CONN}", "LEAST_REQUEST", None),
        ("{consistentHash: {}}", "RING_HASH", {"ring_hash_lb_config": {"minimum_ring_size": 1024}}),
        ("{consistentHash: {useSourceIp: true}}", "RING_HASH", {"ring_hash_lb_config": {"minimum_ring_size": 1024}}),
        (
            "{consistentHash: {httpHeaderName: x, ringHash: {minimumRingSize: 9}}}",
            "RING_HASH",
            {"ring_hash_lb_config": {"minimum_ring_size": 9}},
        ),
        (
            "{consistentHash: {httpHeaderName: x, maglev: {tableSize: 11}}}",
            "MAGLEV",
            {"maglev_lb_config": {"table_size": 11}},
        ),
    ],
)
def test_balancer_decides_the_policy(balancer: str, policy: str | None, config: Any) -> None:
    """Each way to balance is one of Envoy's policies; ROUND_ROBIN is the default and left out."""
    built = web(f"{{loadBalancer: {balancer}}}")
    assert built.get("lb_policy") == policy
    assert (config or {}).items() <= built.items()


@pytest.mark.parametrize(("resolution", "expected"), [("NONE", {"upstream_port_override": 8080}), ("DNS", None)])
def test_only_entries_without_resolution_override_the_port(resolution: str, expected: Any) -> None:
    """PASSTHROUGH of a resolved host goes where the request was going, whatever port the entry has its servers at."""
    config = entry(resolution).replace("protocol: HTTP", "protocol: HTTP, targetPort: 8080")
    config += "---" + rule("{loadBalancer: {simple: PASSTHROUGH}}", host="api.example.test")
    built = clusters(generator(CLIENT, config=config))["outbound|80||api.example.test"]
    assert built["type"] == "ORIGINAL_DST"
    assert built.get("original_dst_lb_config") == expected


def test_port_level_policy_stands_alone() -> None:
    """Nothing of the rule's policy is inherited by a port that has its own."""
    own = "portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]"
    built = web(f"{{connectionPool: {{tcp: {{maxConnections: 7}}}}, {own}}}")
    assert built["lb_policy"] == "RANDOM"
    assert built["circuit_breakers"]["thresholds"][0]["max_connections"] == 4294967295


def test_subset_policy_overrides_by_component() -> None:
    """A subset keeps what it does not set; the rule's other components hold for it too."""
    subsets = ", subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {loadBalancer: {simple: RANDOM}}}]"
    config = rule("{connectionPool: {tcp: {maxConnections: 7}}, loadBalancer: {simple: ROUND_ROBIN}}", more=subsets)
    built = clusters(generator(*SHOP, config=config))[WEB.replace("||", "|v1|")]
    assert built["lb_policy"] == "RANDOM"
    assert built["circuit_breakers"]["thresholds"][0]["max_connections"] == 7
    assert built["metadata"]["filter_metadata"]["istio"]["subset"] == "v1"


def test_stat_name_patterns_are_filled_in() -> None:
    """The mesh's pattern names outbound clusters in statistics."""
    mesh = "outboundClusterStatName: '%SERVICE%_%SERVICE_PORT_NAME%_%SERVICE_PORT%'"
    assert clusters(generator(*SHOP, mesh=mesh))[WEB]["alt_stat_name"] == "web.shop_http_80;"


def test_retry_budget_has_defaults() -> None:
    """A budget without numbers is 20 percent and three retries."""
    budget = web("{retryBudget: {}}")["circuit_breakers"]["thresholds"][0]["retry_budget"]
    assert budget == {"budget_percent": {"value": 20.0}, "min_retry_concurrency": 3}


def test_filtered_gateway_gets_what_its_routes_send_to() -> None:
    """With PILOT_FILTER_GATEWAY_CLUSTER_CONFIG a gateway has clusters of its VirtualServices' destinations only."""
    config = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: shop}
spec:
  selector: {app: gw}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: ["*"]
  gateways: [gw]
  http: [{route: [{destination: {host: web}}]}]
"""
    gateway = pod("gw", "10.0.0.8", app="gw", proxy="router")
    mesh = generator(
        *SHOP, service("other"), gateway, config=config, env={"PILOT_FILTER_GATEWAY_CLUSTER_CONFIG": "true"}
    )
    assert set(clusters(mesh, "gw")) == {WEB, "BlackHoleCluster"}

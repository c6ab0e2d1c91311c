from typing import Any

from tests.unit.xds.mesh import clusters, endpoints, generator, pod, proxy_of, service
from tests.unit.xds.test_clusters import WEB, rule

AMBIENT = {"PILOT_ENABLE_AMBIENT": "true"}
CLIENT = pod("client", "10.0.0.9", app="client")
CAPTURED = {"ambient.istio.io/redirection": "enabled"}
WORKLOAD = pod("web-1", "10.0.0.1", proxy="", annotations=CAPTURED)
INSTANCE = {"gateway.networking.k8s.io/gateway-name": "way", "gateway.istio.io/managed": "istio.io-mesh-controller"}
WAYPOINT = pod("way", "10.0.0.7", app="way", proxy="waypoint", labels=INSTANCE)
WAYPOINT_SERVICE = service("way", ports=(("mesh", 15008, 15008),), ip="10.96.0.7", selector=INSTANCE)
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: way, namespace: shop}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: Same}}}]
status: {addresses: [{type: Hostname, value: way.shop.svc.cluster.local}]}
"""
REMOVED = """
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {{name: closed, namespace: shop}}
spec:
  configPatches:
  - applyTo: LISTENER
    match: {{context: {context}, listener: {{name: connect_terminate}}}}
    patch: {{operation: REMOVE}}
"""
UNROUTED = """
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: unrouted, namespace: shop}
spec:
  configPatches:
  - applyTo: HTTP_ROUTE
    match: {context: SIDECAR_INBOUND}
    patch: {operation: REMOVE}
"""
SERVED = service(labels={"istio.io/use-waypoint": "way"})


def ambient(*objects: Any, config: str = "") -> Any:
    """Return the generator of a mesh in ambient mode."""
    return generator(CLIENT, *objects, config=config, env=AMBIENT)


def waypoint(more: str = "", *objects: Any, served: Any = SERVED) -> dict[str, Any]:
    """Return the clusters of a waypoint that serves the web service."""
    made = ambient(WORKLOAD, WAYPOINT, WAYPOINT_SERVICE, served, *objects, config=GATEWAY + "---" + more)
    return clusters(made, "way")


def test_captured_workload_is_reached_through_a_tunnel() -> None:
    """An endpoint behind ztunnel is an internal address, and says where the tunnel leads."""
    member = endpoints(ambient(WORKLOAD, service()))[WEB][0]["lb_endpoints"][0]
    inner = member["endpoint"]["address"]["envoy_internal_address"]
    assert inner == {"server_listener_name": "connect_originate", "endpoint_id": "10.0.0.1:8080"}
    metadata = member["metadata"]["filter_metadata"]
    assert metadata["envoy.transport_socket_match"] == {"tunnel": "http"}
    assert metadata["envoy.filters.listener.original_dst"] == {"local": "10.0.0.1:8080"}


def test_sidecar_is_preferred_to_a_tunnel() -> None:
    """A workload with both is called with mTLS as before."""
    both = pod("web-1", "10.0.0.1", labels={"networking.istio.io/tunnel": "http"})
    member = endpoints(ambient(both, service()))[WEB][0]["lb_endpoints"][0]
    assert "socket_address" in member["endpoint"]["address"]


def test_cluster_offers_the_tunnel_first() -> None:
    """The choice is tunnel, mTLS, plaintext, and metadata of peers is not exchanged where all have tunnels."""
    built = clusters(ambient(WORKLOAD, service()))[WEB]
    assert [match["name"] for match in built["transport_socket_matches"]] == [
        "hbone",
        "tlsMode-istio",
        "tlsMode-disabled",
    ]
    assert built["metadata"]["filter_metadata"]["istio"]["disable_mx"] is True


def test_tls_of_a_rule_goes_inside_the_tunnel() -> None:
    """The encryption of a user's rule is kept inside the tunnel, which replaces Istio's own mTLS."""
    simple = clusters(ambient(WORKLOAD, service(), config=rule("{tls: {mode: SIMPLE}}")))[WEB]
    names = [match["name"] for match in simple["transport_socket_matches"]]
    inner = simple["transport_socket_matches"][0]["transport_socket"]["typed_config"]["transport_socket"]
    assert (names, inner["name"]) == (["hbone", "user"], "envoy.transport_sockets.tls")
    istio = clusters(ambient(WORKLOAD, service(), config=rule("{tls: {mode: ISTIO_MUTUAL}}")))[WEB]
    inner = istio["transport_socket_matches"][0]["transport_socket"]["typed_config"]["transport_socket"]
    assert inner["name"] == "envoy.transport_sockets.raw_buffer"


def test_proxy_can_decline_to_open_tunnels() -> None:
    """A node that disables sending has neither the cluster nor tunnelled endpoints."""
    plain = pod("plain", "10.0.0.8", app="plain", env={"ISTIO_META_DISABLE_HBONE_SEND": "true"})
    made = ambient(plain, WORKLOAD, service())
    assert "connect_originate" in clusters(made)
    assert "connect_originate" not in clusters(made, "plain")
    member = endpoints(made, "plain")[WEB][0]["lb_endpoints"][0]
    assert "socket_address" in member["endpoint"]["address"]


def test_without_ambient_mode_there_are_no_tunnels() -> None:
    """The same workloads without PILOT_ENABLE_AMBIENT are plain endpoints."""
    made = generator(CLIENT, WORKLOAD, service())
    assert "connect_originate" not in clusters(made)
    member = endpoints(made)[WEB][0]["lb_endpoints"][0]
    assert "socket_address" in member["endpoint"]["address"]


def test_waypoint_has_a_cluster_for_each_port_it_serves() -> None:
    """A waypoint sends to the services attached to it, and has no others."""
    built = waypoint()
    assert list(built) == [
        "main_internal",
        "encap",
        "inbound-vip|80|http|web.shop.svc.cluster.local",
        "connect_originate",
        "inner_connect_originate",
        "outer_connect_originate",
    ]


def test_waypoint_serves_sniffed_ports_as_tcp_and_http() -> None:
    """Where the protocol is unknown, both are possible."""
    built = waypoint(served=service(labels={"istio.io/use-waypoint": "way"}, ports=(("", 80, 8080),)))
    names = [name for name in built if name.startswith("inbound-vip")]
    assert names == [f"inbound-vip|80|{protocol}|web.shop.svc.cluster.local" for protocol in ("tcp", "http")]


def test_waypoint_applies_the_rule_of_the_service() -> None:
    """Policy and subsets of the service's DestinationRule hold where the waypoint sends on."""
    policy = "{connectionPool: {tcp: {maxConnections: 7}}, loadBalancer: {simple: RANDOM}}"
    built = waypoint(rule(policy, more=", subsets: [{name: v1, labels: {version: v1}}]"))
    for name in ("http", "http/v1"):
        cluster = built[f"inbound-vip|80|{name}|web.shop.svc.cluster.local"]
        assert cluster["lb_policy"] == "RANDOM"
        assert cluster["circuit_breakers"]["thresholds"][0]["max_connections"] == 7
        assert cluster["metadata"]["filter_metadata"]["istio"]["subset"] == name


def test_waypoint_expects_workloads_of_its_namespace() -> None:
    """At the other end of a waypoint's tunnels is an identity of its own namespace."""
    names = waypoint()["connect_originate"]["transport_socket"]["typed_config"]["common_tls_context"][
        "combined_validation_context"
    ]["default_validation_context"]["match_typed_subject_alt_names"]
    assert names[-1]["matcher"] == {"prefix": "spiffe://cluster.local/ns/shop/sa/"}


def test_waypoint_reaches_other_services_that_its_routes_name() -> None:
    """A route from a served service to another one needs an outbound cluster."""
    route = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: other}}]}]}
"""
    built = waypoint(route, service("other", ip="10.96.0.8"))
    assert "outbound|80||other.shop.svc.cluster.local" in built


def test_waypoint_sends_through_tunnels_only() -> None:
    """The endpoints of a served service need no match, since the cluster has one socket."""
    made = ambient(WORKLOAD, WAYPOINT, WAYPOINT_SERVICE, SERVED, config=GATEWAY)
    groups = endpoints(made, "way")["inbound-vip|80|http|web.shop.svc.cluster.local"]
    metadata = groups[0]["lb_endpoints"][0]["metadata"]["filter_metadata"]
    assert "envoy.transport_socket_match" not in metadata
    assert metadata["envoy.filters.listener.original_dst"] == {"local": "10.0.0.1:8080"}


def test_gateway_sends_through_the_waypoint_where_the_service_asks() -> None:
    """With `ingress-use-waypoint` the waypoint's instances replace the endpoints."""
    labels = {"istio.io/use-waypoint": "way", "istio.io/ingress-use-waypoint": "true"}
    gateway = pod("gw", "10.0.0.8", app="gw", proxy="router")
    made = ambient(WORKLOAD, WAYPOINT, WAYPOINT_SERVICE, service(labels=labels), gateway, config=GATEWAY)
    metadata = endpoints(made, "gw")[WEB][0]["lb_endpoints"][0]["metadata"]["filter_metadata"]
    expected = {"local": "10.96.0.1:80", "waypoint": "10.0.0.7:15008"}
    assert metadata["envoy.filters.listener.original_dst"] == expected


def test_sidecar_that_takes_tunnels_has_a_way_in() -> None:
    """The content of a tunnel goes to an internal listener."""
    open_for = pod("open", "10.0.0.8", app="open", env={"ISTIO_META_ENABLE_HBONE": "true"})
    built = clusters(ambient(open_for), "open")
    assert "main_internal" in built
    assert proxy_of(ambient(open_for), "open").metadata["ENABLE_HBONE"]


def test_routes_of_tunnels_are_not_patched() -> None:
    """Routes for inbound requests are patched where they lead to the workload, not where a tunnel ends."""
    open_for = pod("open", "10.0.0.8", app="open", env={"ISTIO_META_ENABLE_HBONE": "true"})
    made = ambient(open_for, service("open", selector={"app": "open"}, ip="10.96.0.3"), config=UNROUTED)
    listeners = {one["name"]: one for one in made.listeners(made.view(proxy_of(made, "open")))}
    assert [len(hosts["routes"]) for hosts in _virtual_hosts(listeners["connect_terminate"])] == [1]
    assert all(not hosts.get("routes") for hosts in _virtual_hosts(listeners["virtualInbound"]))


def _virtual_hosts(listener: Any) -> list[Any]:
    filters = [one for chain in listener["filter_chains"] for one in chain["filters"]]
    routes = [one["typed_config"].get("route_config", {}) for one in filters]
    return [host for one in routes for host in one.get("virtual_hosts", ())]


def test_the_way_in_is_patched_as_inbound() -> None:
    """EnvoyFilters for inbound listeners change the listener that ends tunnels, which itself names no direction."""
    open_for = pod("open", "10.0.0.8", app="open", env={"ISTIO_META_ENABLE_HBONE": "true"})
    found = []
    for context in ("SIDECAR_INBOUND", "SIDECAR_OUTBOUND"):
        made = ambient(open_for, config=REMOVED.format(context=context))
        found.append({one["name"] for one in made.listeners(made.view(proxy_of(made, "open")))})
    assert ["connect_terminate" in names for names in found] == [False, True]

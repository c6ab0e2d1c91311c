from tests.unit.xds.mesh import Json, addresses, clusters, endpoints, generator, pod, service
from tests.unit.xds.test_clusters import WEB
from tests.unit.xds.test_tunnels import GATEWAY as WAYPOINT_GATEWAY

ONE, REMOTE = {"topology.istio.io/network": "one"}, {"topology.istio.io/network": "two"}
CLIENT = pod(
    "client", "10.0.0.9", app="client", labels={"topology.istio.io/network": "one"}, env={"ISTIO_META_NETWORK": "one"}
)
LOCAL = pod("web-1", "10.0.0.1", labels={"topology.istio.io/network": "one"})
AWAY = pod("web-2", "10.0.0.2", labels=REMOTE)
GATEWAY = service(
    "eastwest", namespace="istio-system", ports=(("tls", 15443, 15443),), labels=REMOTE, type="LoadBalancer"
)
GATEWAY["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}


def test_endpoints_of_another_network_are_reached_by_its_gateway() -> None:
    """The gateway stands in for the endpoints behind it, and is called with mTLS."""
    groups = endpoints(generator(CLIENT, LOCAL, AWAY, GATEWAY, service()))[WEB]
    assert addresses(groups) == [["10.0.0.1", "203.0.113.1"]]
    gateway = next(
        member
        for member in groups[0]["lb_endpoints"]
        if member["endpoint"]["address"]["socket_address"]["port_value"] == 15443
    )
    assert gateway["metadata"]["filter_metadata"]["envoy.transport_socket_match"] == {"tlsMode": "istio"}


def test_plaintext_endpoints_cannot_cross_networks() -> None:
    """A gateway routes by the SNI of mTLS, so endpoints without it are unreachable."""
    bare = pod("web-2", "10.0.0.2", labels=REMOTE, proxy="")
    assert addresses(endpoints(generator(CLIENT, LOCAL, bare, GATEWAY, service()))[WEB]) == [["10.0.0.1"]]


def test_without_gateways_networks_are_flat() -> None:
    """Endpoints of another network are assumed to be reachable where no gateway is known."""
    assert addresses(endpoints(generator(CLIENT, LOCAL, AWAY, service()))[WEB]) == [["10.0.0.1", "10.0.0.2"]]


def test_proxy_sees_the_networks_it_asked_for() -> None:
    """REQUESTED_NETWORK_VIEW hides the endpoints of all other networks."""
    env = {"ISTIO_META_NETWORK": "one", "ISTIO_META_REQUESTED_NETWORK_VIEW": "one"}
    client = pod("client", "10.0.0.9", app="client", env=env)
    assert addresses(endpoints(generator(client, LOCAL, AWAY, service()))[WEB]) == [["10.0.0.1"]]


def test_weight_is_divided_among_gateways() -> None:
    """Weights are scaled so that each gateway of a network gets its even share."""
    two = service(
        "second", namespace="istio-system", ports=(("tls", 15443, 15443),), labels=REMOTE, type="LoadBalancer"
    )
    two["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.2"}]}}
    groups = endpoints(generator(CLIENT, LOCAL, AWAY, GATEWAY, two, service()))[WEB]
    weights = {
        member["endpoint"]["address"]["socket_address"]["address"]: member["load_balancing_weight"]
        for member in groups[0]["lb_endpoints"]
    }
    assert weights == {"10.0.0.1": 2, "203.0.113.1": 1, "203.0.113.2": 1}


ENTRY = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: mixed, namespace: shop}
spec:
  hosts: [mixed.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints:
  - {address: "unix:///run/app.sock"}
  - {address: 10.0.0.3}
  - {network: NETWORK, labels: {security.istio.io/tlsMode: istio}}
"""
MIXED = "outbound|80||mixed.test"


def test_sockets_are_left_out_where_networks_have_gateways() -> None:
    """Endpoints without a gateway need an address, even in the client's own network; without gateways all stay."""
    entry = ENTRY.replace("NETWORK", "one")
    groups = endpoints(generator(CLIENT, GATEWAY, service(), config=entry))[MIXED]
    assert addresses(groups) == [["10.0.0.3"]]
    assert len(endpoints(generator(CLIENT, service(), config=entry))[MIXED][0]["lb_endpoints"]) == 3


def test_endpoint_without_address_is_reached_by_the_gateway_of_its_network() -> None:
    """A network is enough to reach a workload by: its gateway knows the rest."""
    groups = endpoints(generator(CLIENT, GATEWAY, service(), config=ENTRY.replace("NETWORK", "two")))[MIXED]
    assert addresses(groups) == [["10.0.0.3", "203.0.113.1"]]


def test_host_names_are_sent_to_a_gateway_only_when_istiod_hears_late_of_another() -> None:
    """For DNS, istiod takes over the gateways it knows of when one is a host name, and no later ones."""
    entry = ENTRY.replace("STATIC", "DNS").replace("unix:///run/app.sock", "a.test")
    entry = entry.replace("{network: NETWORK,", "{network: two, address: b.test,")

    def named(name: str) -> Json:
        ports = (("tls", 15443, 15443),)
        one = service(name, namespace="istio-system", ports=ports, labels=REMOTE, type="LoadBalancer")
        return one | {"status": {"loadBalancer": {"ingress": [{"hostname": "east.example.com"}]}}}

    def dns(*gateways: Json) -> list[list[str]]:
        return addresses(
            clusters(generator(CLIENT, service(), *gateways, config=entry))[MIXED]["load_assignment"]["endpoints"]
        )

    assert dns(GATEWAY) == [["10.0.0.3", "a.test", "b.test"]]
    assert dns(GATEWAY, named("later")) == [["10.0.0.3", "203.0.113.1", "a.test"]]
    assert dns(named("aged"), GATEWAY) == [["10.0.0.3", "a.test"]]


def test_waypoint_crosses_networks_by_a_tunnel_in_a_tunnel() -> None:
    """With AMBIENT_ENABLE_MULTI_NETWORK a gateway's tunnels lead on to the service, which is named inside."""
    instance = {"gateway.networking.k8s.io/gateway-name": "way", "gateway.istio.io/managed": "istio.io-mesh-controller"}
    env = {"ISTIO_META_NETWORK": "one"}
    waypoint = pod("way", "10.0.0.7", app="way", proxy="waypoint", env=env, labels=instance)
    gateway = service(
        "east", namespace="istio-system", ports=(("mesh", 15008, 15008),), labels=REMOTE, type="LoadBalancer"
    )
    gateway["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
    captured = {"ambient.istio.io/redirection": "enabled"}
    local = pod("web-1", "10.0.0.1", proxy="", annotations=captured)
    system = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system", "labels": ONE}}
    away = pod("web-2", "10.0.0.2", proxy="", labels=REMOTE, annotations=captured)
    mesh = generator(
        CLIENT,
        system,
        waypoint,
        gateway,
        local,
        away,
        service("way", ports=(("mesh", 15008, 15008),), ip="10.96.0.7", selector=instance),
        service(labels={"istio.io/use-waypoint": "way"}),
        config=WAYPOINT_GATEWAY,
        env={"PILOT_ENABLE_AMBIENT": "true", "AMBIENT_ENABLE_MULTI_NETWORK": "true"},
    )
    groups = endpoints(mesh, "way")["inbound-vip|80|http|web.shop.svc.cluster.local"]
    found = {
        member["endpoint"]["address"]["envoy_internal_address"]["endpoint_id"]: member
        for member in groups[0]["lb_endpoints"]
    }
    assert set(found) == {"10.0.0.1:8080", "203.0.113.1:15008"}
    metadata = found["203.0.113.1:15008"]["metadata"]["filter_metadata"]
    assert metadata["istio"]["double_hbone"] == {"hbone_target_address": "web.shop.svc.cluster.local:80"}

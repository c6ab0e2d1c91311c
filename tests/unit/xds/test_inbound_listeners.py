"""Inbound listeners of sidecars."""

import pytest

from tests.unit.xds.listener_parts import filter_names, inbound_chains, listeners, manager, tcp_proxy
from tests.unit.xds.shop import mesh

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: client, namespace: shop}
spec:
  selector: {app: client}
  ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 9000}, {name: stuff, port: 7000}]
"""
MTLS = ["istio-http/1.0", "istio-http/1.1", "istio-h2"]


def peer_authentication(spec: str) -> str:
    """Return a PeerAuthentication in `shop`."""
    return f"""
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {{name: peer, namespace: shop}}
    spec: {spec}
    """


@pytest.mark.parametrize(
    ("mode", "transports"),
    [
        ("PERMISSIVE", ["tls", "raw_buffer", "tls", "raw_buffer", "tls"]),
        ("STRICT", ["tls", "tls"]),
        ("DISABLE", ["raw_buffer", "raw_buffer"]),
    ],
)
def test_sniffed_port_has_chains_by_mode(mode: str, transports: list[str]) -> None:
    """A port of unknown protocol distinguishes mTLS, plain HTTP and the rest as far as its mode admits them."""
    chains = inbound_chains(mesh(SERVICE, peer_authentication(f"{{mtls: {{mode: {mode}}}}}")), 7000)
    assert [chain["filter_chain_match"]["transport_protocol"] for chain in chains] == transports
    assert [filter_names(chain)[-1] for chain in chains[:2]] in (
        ["http_connection_manager", "http_connection_manager"],
        ["http_connection_manager", "tcp_proxy"],
    )


def test_only_chains_with_istio_alpn_terminate_tls_when_permissive() -> None:
    """A permissive TCP port terminates mTLS of the mesh and passes the application's own TLS through."""
    mesh_tls, own_tls, plain = inbound_chains(mesh(SERVICE), 9000)
    assert mesh_tls["transport_socket"]["typed_config"]["require_client_certificate"] is True
    assert "transport_socket" not in own_tls
    assert "transport_socket" not in plain
    assert tcp_proxy(plain)["cluster"] == "inbound|9000||"


def test_route_of_an_inbound_port_stands_in_place() -> None:
    """An inbound HTTP chain holds its one route, called after service and service port."""
    config = manager(inbound_chains(mesh(SERVICE), 8080)[0])
    [host] = config["route_config"]["virtual_hosts"]
    assert host["name"] == "inbound|http|80"
    assert host["routes"][0]["decorator"] == {"operation": "client.shop.svc.cluster.local:80/*"}
    assert config["stat_prefix"] == "inbound_0.0.0.0_8080;"


def test_inspectors_are_off_where_nothing_is_sniffed() -> None:
    """The HTTP inspector is off on ports of declared protocol, the TLS inspector only on the listener's own port."""
    filters = listeners(mesh(SERVICE))["virtualInbound"]["listener_filters"]
    assert [item["name"].rpartition(".")[2] for item in filters] == ["original_dst", "tls_inspector", "http_inspector"]
    own = {"destination_port_range": {"start": 15006, "end": 15007}}
    assert filters[1]["filter_disabled"] == own
    starts = [rule["destination_port_range"]["start"] for rule in filters[2]["filter_disabled"]["or_match"]["rules"]]
    assert starts == [8080, 9000, 15006]


def test_mode_of_a_port_without_service_has_its_own_passthrough_chains() -> None:
    """A port-level mode counts on ports that no service names, beside the chains for every port."""
    spec = "{selector: {matchLabels: {app: client}}, mtls: {mode: STRICT}, portLevelMtls: {4444: {mode: DISABLE}}}"
    made = mesh(SERVICE, peer_authentication(spec))
    assert [chain["name"] for chain in inbound_chains(made, 4444)] == ["virtualInbound-catchall-http", "virtualInbound"]
    assert all("transport_socket" not in chain for chain in inbound_chains(made, 4444))
    assert all("transport_socket" in chain for chain in inbound_chains(made, None))
    tls = listeners(made)["virtualInbound"]["listener_filters"][1]
    assert [rule["destination_port_range"]["start"] for rule in tls["filter_disabled"]["or_match"]["rules"]] == [
        4444,
        15006,
    ]


def test_oldest_service_decides_a_shared_port() -> None:
    """Of two services on one target port the first has the chains."""
    second = """
    apiVersion: v1
    kind: Service
    metadata: {name: zz, namespace: shop}
    spec: {selector: {app: client}, ports: [{name: tcp, port: 1234, targetPort: 8080}]}
    """
    chains = inbound_chains(mesh(SERVICE, second), 8080)
    assert {filter_names(chain)[-1] for chain in chains} == {"http_connection_manager"}


def test_sidecar_ingress_takes_the_place_of_services() -> None:
    """With ingress listeners in its Sidecar, a proxy has chains for those ports only, on its own address."""
    sidecar = """
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata: {name: default, namespace: shop}
    spec: {ingress: [{port: {number: 6000, protocol: HTTP, name: http}, defaultEndpoint: "127.0.0.1:6001"}]}
    """
    made = mesh(SERVICE, sidecar)
    assert inbound_chains(made, 8080) == []
    [first, _] = inbound_chains(made, 6000)
    assert first["metadata"]["filter_metadata"]["istio"]["config"].endswith("/namespaces/shop/sidecar/default")
    assert not first["name"].startswith("0.0.0.0")


def test_ports_of_the_proxy_itself_are_left_out() -> None:
    """A service on a port where the proxy itself listens has no chain."""
    taken = """
    apiVersion: v1
    kind: Service
    metadata: {name: probe, namespace: shop}
    spec: {selector: {app: client}, ports: [{name: http, port: 15021}]}
    """
    assert inbound_chains(mesh(taken), 15021) == []


def test_transparent_interception_keeps_the_source_address() -> None:
    """With TPROXY the captured listeners are transparent and the original source is kept."""
    pod = """
    apiVersion: v1
    kind: Pod
    metadata:
      {name: t, namespace: shop, labels: {app: t}, annotations: {sidecar.istio.io/interceptionMode: TPROXY}}
    spec: {containers: [{name: app, image: example.test/t}]}
    """
    from simulator.model.proxies import ProxyId

    found = listeners(mesh(pod), ProxyId("t", "shop"))
    assert found["virtualInbound"]["transparent"] is True
    assert found["virtualOutbound"]["transparent"] is True
    names = [item["name"].rpartition(".")[2] for item in found["virtualInbound"]["listener_filters"]]
    assert names[:2] == ["original_dst", "original_src"]

"""Outbound listeners of sidecars."""

import pytest

from simulator.model.proxies import ProxyId
from tests.unit.xds.listener_parts import filter_names, listeners, manager, tcp_proxy
from tests.unit.xds.shop import CLIENT, mesh

SNIFFED = {"application_protocols": ["http/1.1", "h2c"], "transport_protocol": "raw_buffer"}


def service(name: str, ports: str, *, cluster_ip: str = "10.96.8.1") -> str:
    """Return a Service in `shop`."""
    return f"""
    apiVersion: v1
    kind: Service
    metadata: {{name: {name}, namespace: shop}}
    spec: {{clusterIP: {cluster_ip}, selector: {{app: {name}}}, ports: {ports}}}
    """


def entry(name: str, ports: str, *, more: str = "resolution: STATIC") -> str:
    """Return a ServiceEntry for `NAME.test`."""
    return f"""
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata: {{name: {name}, namespace: shop}}
    spec: {{hosts: [{name}.test], location: MESH_EXTERNAL, ports: {ports}, {more}}}
    """


def virtual_service(routes: str, host: str) -> str:
    """Return a VirtualService with routes below HTTP."""
    return f"""
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {{name: layer4, namespace: shop}}
    spec: {{hosts: [{host}], {routes}}}
    """


def test_http_services_share_one_listener_per_port() -> None:
    """Services of declared HTTP on one port have one wildcard listener whose routes come by RDS."""
    found = listeners(mesh())
    listener = found["0.0.0.0_80"]
    assert listener["filter_chains"][0]["filter_chain_match"] == SNIFFED
    assert manager(listener["filter_chains"][0])["rds"]["route_config_name"] == "80"
    assert listener["default_filter_chain"]["name"] == "PassthroughFilterChain"
    assert not [name for name in found if name.startswith("10.96.7.")]


def test_undeclared_protocol_is_sniffed_on_the_service_address() -> None:
    """A port of unknown protocol has a listener on its service's address that detects HTTP."""
    listener = listeners(mesh(service("any", "[{name: stuff, port: 7000}]")))["10.96.8.1_7000"]
    http, tcp = listener["filter_chains"][0], listener["default_filter_chain"]
    assert manager(http)["rds"]["route_config_name"] == "any.shop.svc.cluster.local:7000"
    assert tcp_proxy(tcp)["cluster"] == "outbound|7000||any.shop.svc.cluster.local"


def test_tcp_service_has_one_chain_for_everything() -> None:
    """A TCP port has a listener with a single chain and no inspectors."""
    listener = listeners(mesh(service("db", "[{name: tcp, port: 5432}]")))["10.96.8.1_5432"]
    assert [filter_names(chain) for chain in listener["filter_chains"]] == [["stats", "tcp_proxy"]]
    assert "default_filter_chain" not in listener
    assert "listener_filters" not in listener


def test_udp_is_not_listened_on() -> None:
    """UDP ports have no outbound listener."""
    assert "10.96.8.1_53" not in listeners(mesh(service("dns", "[{name: dns, port: 53, protocol: UDP}]")))


def test_tcp_and_http_on_one_wildcard_address_are_merged() -> None:
    """HTTP joins an older TCP service without address, which keeps what is not HTTP."""
    made = mesh(
        entry("a", "[{number: 9, name: tcp, protocol: TCP}]"), entry("b", "[{number: 9, name: http, protocol: HTTP}]")
    )
    listener = listeners(made)["0.0.0.0_9"]
    assert listener["filter_chains"][0]["filter_chain_match"] == SNIFFED
    assert tcp_proxy(listener["default_filter_chain"])["cluster"] == "outbound|9||a.test"


def test_second_tcp_service_on_one_address_is_unreachable() -> None:
    """Of two TCP services on one address and port only the first has a chain."""
    ports = "[{number: 9, name: tcp, protocol: TCP}]"
    listener = listeners(mesh(entry("a", ports), entry("b", ports)))["0.0.0.0_9"]
    assert [tcp_proxy(chain)["cluster"] for chain in listener["filter_chains"]] == ["outbound|9||a.test"]


def test_tls_services_without_address_are_told_apart_by_name() -> None:
    """TLS services on the wildcard address have a chain each by SNI, and unknown names pass through."""
    ports = "[{number: 443, name: tls, protocol: TLS}]"
    listener = listeners(mesh(entry("a", ports), entry("b", ports)))["0.0.0.0_443"]
    names = [chain["filter_chain_match"]["server_names"] for chain in listener["filter_chains"]]
    assert names == [["a.test"], ["b.test"]]
    assert tcp_proxy(listener["default_filter_chain"])["cluster"] == "PassthroughCluster"
    assert [item["name"] for item in listener["listener_filters"]] == ["envoy.filters.listener.tls_inspector"]


def test_cidr_service_is_matched_by_destination() -> None:
    """A service of a whole network listens on the wildcard address and matches the network."""
    more = "resolution: STATIC, addresses: [192.0.2.0/24], endpoints: [{address: 192.0.2.1}]"
    made = mesh(entry("net", "[{number: 5000, name: tcp, protocol: TCP}]", more=more))
    chain = listeners(made)["0.0.0.0_5000"]["filter_chains"][0]
    assert chain["filter_chain_match"] == {"prefix_ranges": [{"address_prefix": "192.0.2.0", "prefix_len": 24}]}


SAME_HOST = """
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata: {name: same, namespace: shop}
    spec:
      hosts: [db.shop.svc.cluster.local]
      workloadSelector: {labels: {app: db}}
      ports: [{number: 6000, name: tcp, protocol: TCP}]
    """


@pytest.mark.parametrize("other", [False, True])
def test_headless_tcp_service_listens_on_each_endpoint_but_its_own(*, other: bool) -> None:
    """A headless TCP service has a listener on every pod's address; its own pod does not listen for itself.

    It may be a ServiceEntry for the host of a Service, which comes first wherever one of both is chosen.
    """
    pods = "\n---\n".join(
        f"""
        apiVersion: v1
        kind: Pod
        metadata: {{name: db-{i}, namespace: shop, labels: {{app: db}}}}
        spec: {{containers: [{{name: app, image: example.test/db}}]}}
        """
        for i in range(2)
    )
    headless = service("db", "[{name: tcp, port: 6000}]", cluster_ip="None")
    visible = service("db", "[{name: http, port: 80}]")
    made = mesh(pods, *((SAME_HOST, visible) if other else (headless,)))
    assert len([name for name in listeners(made) if name.endswith("_6000")]) == 2
    assert len([name for name in listeners(made, ProxyId("db-0", "shop")) if name.endswith("_6000")]) == 1


def test_tcp_route_by_weight_names_its_virtual_service() -> None:
    """A TCP route to several destinations is one proxy with weighted clusters, called after its VirtualService."""
    route = """tcp: [{route: [
      {destination: {host: db, subset: v1}, weight: 75}, {destination: {host: db, subset: v2}, weight: 25},
      {destination: {host: db, subset: v3}, weight: 0}]}]"""
    made = mesh(service("db", "[{name: tcp, port: 5432}]"), virtual_service(route, "db"))
    chain = listeners(made)["10.96.8.1_5432"]["filter_chains"][0]
    proxy = tcp_proxy(chain)
    assert proxy["stat_prefix"] == "layer4.shop"
    assert [cluster["weight"] for cluster in proxy["weighted_clusters"]["clusters"]] == [75, 25]
    config = "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/layer4"
    assert chain["metadata"] == {"filter_metadata": {"istio": {"config": config}}}


@pytest.mark.parametrize(("tier", "cluster"), [("front", "outbound|80||web"), ("back", "outbound|5432||db")])
def test_tcp_route_holds_only_for_the_labels_it_names(tier: str, cluster: str) -> None:
    """A TCP match on source labels applies to proxies that have them and to no others."""
    match, target = f"[{{sourceLabels: {{tier: {tier}}}}}]", "{destination: {host: web, port: {number: 80}}}"
    match = f"tcp: [{{match: {match}, route: [{target}]}}]"
    made = mesh(service("db", "[{name: tcp, port: 5432}]"), virtual_service(match, "db"))
    chain = listeners(made)["10.96.8.1_5432"]["filter_chains"][0]
    assert tcp_proxy(chain)["cluster"] == f"{cluster}.shop.svc.cluster.local"


def test_registry_only_closes_unknown_connections() -> None:
    """Under REGISTRY_ONLY, traffic that no service takes ends in the black hole, on every listener."""
    sidecar = """
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata: {name: default, namespace: shop}
    spec: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}
    """
    found = listeners(mesh(sidecar))
    assert tcp_proxy(found["virtualOutbound"]["filter_chains"][1])["cluster"] == "BlackHoleCluster"
    assert tcp_proxy(found["0.0.0.0_80"]["default_filter_chain"])["cluster"] == "BlackHoleCluster"


def test_sidecar_listener_with_a_port_is_not_changed_by_later_entries() -> None:
    """An egress entry with a port and bind has its own listener, which the catch-all entry leaves alone."""
    sidecar = """
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata: {name: default, namespace: shop}
    spec:
      egress:
      - port: {number: 5432, protocol: TCP, name: db}
        bind: 127.0.0.9
        captureMode: NONE
        hosts: [./db.shop.svc.cluster.local]
      - {hosts: ["./*"]}
    """
    listener = listeners(mesh(service("db", "[{name: tcp, port: 5432}]"), sidecar))["127.0.0.9_5432"]
    assert "bind_to_port" not in listener
    assert tcp_proxy(listener["filter_chains"][0])["cluster"] == "outbound|5432||db.shop.svc.cluster.local"


def test_proxies_of_one_kind_hold_the_same_listeners() -> None:
    """Listeners without HTTP are one object for proxies of different workloads and namespaces."""
    other = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: bank, labels: {istio-injection: enabled}}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: other, namespace: bank, labels: {app: other}}
    spec: {containers: [{name: app, image: example.test/other}]}
    """
    made = mesh(other, service("db", "[{name: tcp, port: 5432}]"))
    mine, theirs = listeners(made, CLIENT), listeners(made, ProxyId("other", "bank"))
    assert mine["10.96.8.1_5432"] is theirs["10.96.8.1_5432"]

from simulator.registry.policies import MergedGateway
from simulator.registry.snapshot import Snapshot
from tests.unit.registry import pod, proxy, service, snapshot

EDGE = pod("edge", ip="10.1.0.9", role="router")
PORTS = "{name: http, port: 80, targetPort: 8080}, {name: https, port: 443, targetPort: 8443}"


def _gateway(name: str, servers: str, *, more: str = "") -> str:
    return f"""
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata: {{name: {name}, namespace: shop}}
    spec: {{selector: {{app: edge}}, servers: {servers}{more}}}
    """


def _merged(view: Snapshot) -> MergedGateway:
    merged = view.gateway(proxy(view, "edge"))
    assert merged is not None
    return merged


def _http(hosts: str, *, port: int = 80, name: str = "http", more: str = "") -> str:
    return f"{{port: {{number: {port}, name: {name}, protocol: HTTP}}, hosts: [{hosts}]{more}}}"


def _https(hosts: str, *, name: str = "https", mode: str = "SIMPLE", protocol: str = "HTTPS") -> str:
    tls = f"{{mode: {mode}, credentialName: cert}}"
    return f"{{port: {{number: 443, name: {name}, protocol: {protocol}}}, hosts: [{hosts}], tls: {tls}}}"


def test_ports_are_translated_by_the_service_of_the_gateway() -> None:
    """A server's port is the Service's, the listener's its target; a port that no Service has is bound as it is."""
    servers = f"[{_http('a.test')}, {_http('b.test', port=81, name='more')}, {_https('c.test')}]"
    view = snapshot(EDGE, service("edge", ports=PORTS), _gateway("gw", servers))
    merged = _merged(view)
    assert set(merged.servers_by_port) == {8080, 81, 8443}
    names = {server.route_name for found in merged.servers_by_port.values() for server in found}
    assert names == {"http.8080", "http.81", "https.443.https.gw.shop"}


def test_http_servers_of_one_port_share_a_route_configuration() -> None:
    """Two Gateways with plain HTTP on one port merge, the older first; hosts lose `*/` and `./`."""
    any_namespace = _http("'*/a.test'")
    view = snapshot(EDGE, _gateway("b", f"[{_http('./b.test')}]"), _gateway("a", f"[{any_namespace}]"))
    servers = _merged(view).servers_by_port[80]
    assert [(one.gateway.name, one.server["hosts"]) for one in servers] == [("a", ["a.test"]), ("b", ["shop/b.test"])]


def test_what_conflicts_with_an_earlier_server_is_left_out() -> None:
    """TCP does not join HTTP on a port, and a host already served with TLS refuses the whole server."""
    tcp = "{port: {number: 80, name: tcp, protocol: TCP}, hosts: ['*']}"
    first = f"[{_http('a.test')}, {_https('a.test, b.test')}]"
    view = snapshot(EDGE, _gateway("a", first), _gateway("b", f"[{tcp}, {_https('b.test, c.test')}]"))
    merged = _merged(view)
    assert {port: [one.gateway.name for one in found] for port, found in merged.servers_by_port.items()} == {
        80: ["a"],
        443: ["a"],
    }
    assert merged.servers_by_port[443][0].sni_hosts == ("a.test", "b.test")
    assert [(str(one.ref), one.kind, one.path[-1], one.message) for one in view.caveats] == [
        (
            "Gateway/shop/b",
            "order-dependent",
            0,
            "istiod leaves it out: TCP on port 80 conflicts with HTTP (http) of Gateway/shop/a",
        ),
        (
            "Gateway/shop/b",
            "order-dependent",
            1,
            "istiod leaves it out: b.test is taken on port 443 by a server of Gateway/shop/a",
        ),
    ]


def test_another_address_is_another_listener() -> None:
    """Servers with `bind` are kept apart, in the names of their route configurations too."""
    bound = _http("b.test", name="bound", more=", bind: 10.1.0.9")
    view = snapshot(EDGE, _gateway("gw", f"[{_http('a.test')}, {bound}]"))
    assert [(one.bind, one.route_name) for one in _merged(view).merged] == [
        ("", "http.80"),
        ("10.1.0.9", "http.80.10.1.0.9"),
    ]


def test_passthrough_by_sni_is_known() -> None:
    """AUTO_PASSTHROUGH servers have no route configuration, and the proxy is known to have one."""
    server = _https("'*.local'", mode="AUTO_PASSTHROUGH", protocol="TLS")
    merged = _merged(snapshot(EDGE, _gateway("gw", f"[{server}]")))
    assert merged.auto_passthrough
    assert [one.route_name for one in merged.servers_by_port[443]] == [""]


def test_tls_without_a_mode_is_passed_through() -> None:
    """PASSTHROUGH is the mode of TLS settings that name none, so such an HTTPS server routes connections."""
    server = "{port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.test], tls: {credentialName: cert}}"
    merged = _merged(snapshot(EDGE, _gateway("gw", f"[{server}]")))
    assert [one.route_name for one in merged.servers_by_port[443]] == [""]


def test_proxies_without_gateways_have_none() -> None:
    """Sidecars, and gateways that no Gateway selects, have nothing to merge."""
    view = snapshot(EDGE, pod("web", ip="10.1.0.1"), _gateway("gw", "[]").replace("app: edge", "app: nobody"))
    assert view.gateway(proxy(view, "edge")) is None
    assert view.gateway(proxy(view, "web")) is None


INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: site, namespace: shop, annotations: {kubernetes.io/ingress.class: istio}}
spec:
  tls: [{hosts: [a.test], secretName: cert}]
  rules:
  - host: a.test
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
      - {path: /cart, pathType: Exact, backend: {service: {name: web, port: {number: 81}}}}
      - {path: /ghost, pathType: Prefix, backend: {service: {name: web, port: {name: nowhere}}}}
"""


def test_ingress_becomes_gateway_and_virtual_service() -> None:
    """The longest path comes first, ports by name are looked up, and each route points at its path."""
    view = snapshot(service("web"), INGRESS)
    (gateway,) = view.gateways
    assert (gateway.namespace, gateway.name) == ("istio-system", "site-istio-autogenerated-k8s-ingress-shop")
    assert [server["port"]["name"] for server in gateway.spec["servers"]] == [
        "https-443-ingress-site-shop-0",
        "http-80-ingress-site-shop",
    ]
    (rules,) = view.virtual_services_of_gateway(f"istio-system/{gateway.name}", "istio-system")
    assert [route["match"][0]["uri"] for route in rules.spec["http"]] == [{"exact": "/cart"}, {"prefix": "/"}]
    assert rules.spec["http"][1]["route"][0]["destination"]["port"] == {"number": 80}
    assert str(rules.spec["http"][0].source) == "Ingress/shop/site spec.rules[0].http.paths[1]"
    assert rules.ingress_semantics


def test_ingress_of_another_class_is_ignored() -> None:
    """Only Ingresses of istiod's class count, unless a setting includes those without a class."""
    view = snapshot(service("web"), INGRESS.replace("ingress.class: istio", "ingress.class: nginx"))
    assert not view.gateways

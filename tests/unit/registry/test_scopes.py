import pytest

from simulator.model.caveats import CaveatKind
from simulator.model.resources import ObjectRef
from simulator.model.wire import Sourced
from simulator.registry.snapshot import Snapshot
from tests.unit.registry import hosts, pod, proxy, service, snapshot

ENTRY = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  hosts: [{host}]
  resolution: DNS
  exportTo: [{export}]
  ports: [{{number: {port}, name: http, protocol: HTTP}}]
"""
CLIENT = pod("client", ip="10.1.0.1")


def _entry(name: str, host: str, *, namespace: str = "shop", export: str = "'*'", port: int = 80) -> str:
    return ENTRY.format(name=name, namespace=namespace, host=host, export=export, port=port)


def _sidecar(egress: str, *, name: str = "scope", namespace: str = "shop", more: str = "") -> str:
    return f"""
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata: {{name: {name}, namespace: {namespace}}}
    spec: {{egress: {egress}{more}}}
    """


def _rule(name: str, host: str, *, namespace: str = "shop", body: str = "") -> str:
    return f"""
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {{name: {name}, namespace: {namespace}}}
    spec: {{host: {host}{body}}}
    """


def _virtual_service(name: str, spec: str, *, namespace: str = "shop") -> str:
    return f"""
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {{name: {name}, namespace: {namespace}}}
    spec: {spec}
    """


def test_export_to_hides_services() -> None:
    """`.` keeps a service in its namespace, `~` from everybody, a name shows it there; the exported ones come first."""
    view = snapshot(
        CLIENT,
        service("web"),
        _entry("own", "own.test", export="."),
        _entry("foreign", "foreign.test", namespace="other", export="."),
        _entry("none", "none.test", export='"~"'),
        _entry("given", "given.test", namespace="other", export="shop"),
    )
    assert hosts(view, "client") == ["given.test", "own.test", "web.shop"]


def test_sidecar_imports_hosts_and_ports() -> None:
    """An egress listener with a port imports the services of that port, cut down to it."""
    ports = "{name: http, port: 80}, {name: more, port: 81}"
    egress = "[{port: {number: 80, name: http, protocol: HTTP}, hosts: ['./*']}, {hosts: ['*/far.test', 'other/*']}]"
    view = snapshot(CLIENT, service("web", ports=ports), service("tail", namespace="other"), _sidecar(egress))
    scope = view.scope(proxy(view, "client"))
    assert hosts(view, "client") == ["web.shop", "tail.other"]
    assert [port.number for port in scope.services[0].ports] == [80]
    assert scope.egress_listener(80) is scope.egress[0]
    assert scope.egress_listener(9999) is scope.egress[1]


def test_egress_listener_takes_the_first_port_of_its_number() -> None:
    """Even one of UDP, which hides a port of TCP with the same number."""
    ports = "{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}"
    egress = "[{port: {number: 53, name: dns, protocol: TCP}, hosts: ['./*']}]"
    view = snapshot(CLIENT, service("web", ports=ports), _sidecar(egress))
    (only,) = view.scope(proxy(view, "client")).services
    assert [port.name for port in only.ports] == ["dns"]


def test_sidecars_are_chosen_by_selector_then_namespace_then_root() -> None:
    """A Sidecar that selects the workload wins; the root namespace's stands for namespaces without one."""
    view = snapshot(
        CLIENT,
        pod("other", ip="10.1.0.2"),
        pod("away", ip="10.1.0.3", namespace="away"),
        _sidecar("[{hosts: ['./*']}]", name="a-wide"),
        _sidecar("[{hosts: ['./*']}]", name="b-narrow", more=", workloadSelector: {labels: {app: client}}"),
        _sidecar("[{hosts: ['./*']}]", name="root", namespace="istio-system"),
    )
    chosen = {name: view.scope(proxy(view, name, ns)).resource for name, ns in (("client", "shop"), ("other", "shop"))}
    assert {name: one.name for name, one in chosen.items() if one} == {"client": "b-narrow", "other": "a-wide"}
    away = view.scope(proxy(view, "away", "away"))
    assert (away.resource.name if away.resource else "", away.namespace) == ("root", "away")


def test_one_host_comes_from_one_namespace() -> None:
    """Of entries for one host the client's own namespace wins, else the oldest; ports of one namespace unite."""
    view = snapshot(
        CLIENT,
        _entry("a", "dup.test", namespace="away"),
        _entry("b", "dup.test", port=81),
        _entry("c", "dup.test", port=82),
    )
    scope = view.scope(proxy(view, "client"))
    assert [(one.namespace, [port.number for port in one.ports]) for one in scope.services] == [("shop", [81, 82])]


def test_destinations_of_imported_virtual_services_are_imported() -> None:
    """A Sidecar need not list what a VirtualService sends to; ports that it does not name are left out."""
    ports = "{name: http, port: 80}, {name: more, port: 81}"
    spec = "{hosts: [web], http: [{route: [{destination: {host: far.other.svc.cluster.local, port: {number: 81}}}]}]}"
    view = snapshot(
        CLIENT,
        service("web"),
        service("far", namespace="other", ports=ports),
        _virtual_service("route", spec),
        _sidecar("[{hosts: ['./*']}]"),
    )
    scope = view.scope(proxy(view, "client"))
    assert hosts(view, "client") == ["web.shop", "far.other"]
    assert [port.number for port in scope.services[1].ports] == [81]


def test_names_are_spelt_in_full_and_routes_know_their_place() -> None:
    """Short hosts and gateways are expanded by the namespace of the VirtualService."""
    spec = "{hosts: [web], gateways: [edge, mesh, other/gw], http: [{route: [{destination: {host: pay}}]}]}"
    view = snapshot(CLIENT, service("web"), _virtual_service("route", spec))
    (one,) = view.scope(proxy(view, "client")).egress[0].virtual_services
    assert one.hosts == ("web.shop.svc.cluster.local",)
    assert one.gateways == ("shop/edge", "mesh", "other/gw")
    route = one.spec["http"][0]
    assert route["route"][0]["destination"]["host"] == "pay.shop.svc.cluster.local"
    assert isinstance(route, Sourced)
    assert str(route.source) == "VirtualService/shop/route spec.http[0]"
    assert list(view.virtual_services_of_gateway("other/gw", "anywhere")) == [one]


def test_closest_virtual_service_owns_a_host() -> None:
    """An exact host beats a wildcard, a longer wildcard a shorter one."""
    body = ", http: [{route: [{destination: {host: web}}]}]}"
    view = snapshot(
        CLIENT,
        service("web"),
        service("pay"),
        _virtual_service("a", "{hosts: ['*.cluster.local']" + body),
        _virtual_service("b", "{hosts: ['*.shop.svc.cluster.local']" + body),
        _virtual_service("c", "{hosts: [web]" + body),
    )
    found = view.scope(proxy(view, "client")).egress[0].most_specific
    names = {host.split(".")[0]: one.resource.name for host, one in found.items()}
    assert names == {"web": "c", "pay": "b"}


ROOT = """{hosts: [a.test], http: [
  {name: r, match: [{uri: {prefix: /api}, headers: {x: {exact: "1"}}}], timeout: 3s, delegate: {name: child}}]}"""


def _delegated(child: str, *, namespace: str = "shop") -> Snapshot:
    root = ROOT if namespace == "shop" else ROOT.replace("name: child", f"name: child, namespace: {namespace}")
    return snapshot(CLIENT, _virtual_service("root", root), _virtual_service("child", child, namespace=namespace))


def _routes(view: Snapshot) -> list[Sourced]:
    (one,) = view.virtual_services_of_gateway("mesh", "shop")
    routes: list[Sourced] = one.spec["http"]
    return routes


def test_delegate_routes_merge_with_their_root() -> None:
    """Compatible matches unite, what the delegate leaves open the root fills, and the source is the delegate's rule."""
    child = """{http: [
      {name: d, match: [{uri: {prefix: /api/v1}, headers: {z: {exact: "2"}}}], route: [{destination: {host: web}}]},
      {match: [{uri: {prefix: /other}}], route: [{destination: {host: web}}]}]}"""
    (route,) = _routes(_delegated(child))
    match = {"uri": {"prefix": "/api/v1"}, "headers": {"x": {"exact": "1"}, "z": {"exact": "2"}}}
    assert (route["name"], route["timeout"], route["match"]) == ("r-d", "3s", [match])
    assert route.source.ref == ObjectRef(kind="VirtualService", namespace="shop", name="child")


@pytest.mark.parametrize("uri", ["{regex: /api/.*}", "{prefix: /other}"])
def test_a_delegate_route_that_contradicts_its_root_is_named(uri: str) -> None:
    """istiod drops a delegate's route that its root does not cover, and cannot tell whether it covers a regex."""
    view = _delegated(f"{{http: [{{match: [{{uri: {uri}}}], route: [{{destination: {{host: web}}}}]}}]}}")
    assert _routes(view) == []
    [caveat] = view.caveats
    assert (caveat.kind, caveat.ref.name, caveat.path) == (CaveatKind.INVALID, "child", ("spec", "http", 0))
    assert "VirtualService/shop/root" in caveat.message


def test_delegate_that_may_not_be_seen_takes_its_route_away() -> None:
    """A delegate not exported to the root's namespace, or not there at all, leaves no route and a caveat."""
    hidden = _delegated("{exportTo: ['.'], http: [{route: [{destination: {host: web}}]}]}", namespace="other")
    missing = snapshot(CLIENT, _virtual_service("root", ROOT))
    for view in (hidden, missing):
        assert _routes(view) == []
        assert any("vanishes" in one.message for one in view.caveats)


def test_destination_rules_are_found_from_client_service_and_root() -> None:
    """The first of client's, service's and root namespace that knows the host decides, even by a wildcard."""
    view = snapshot(
        CLIENT,
        pod("away", ip="10.1.0.2", namespace="away"),
        service("web"),
        _rule("wide", "'*.local'", namespace="away"),
        _rule("own", "web"),
        _rule("root", "'*.local'", namespace="istio-system"),
        service("pay", namespace="bank"),
    )

    def chosen(name: str, namespace: str, host: str) -> str:
        one = proxy(view, name, namespace)
        rule = view.scope(one).destination_rule(f"{host}.svc.cluster.local", one.labels)
        return rule.name if rule else ""

    assert chosen("client", "shop", "web.shop") == "own"
    assert chosen("away", "away", "web.shop") == "wide"
    assert chosen("client", "shop", "pay.bank") == "root"


def test_destination_rules_of_one_host_merge() -> None:
    """Subsets unite, the first policy and the first subset of a name stay; other `exportTo` stays apart."""
    view = snapshot(
        CLIENT,
        service("web"),
        _rule("a", "web", body=", subsets: [{name: v1, labels: {v: a}}]"),
        _rule("b", "web", body=", trafficPolicy: {tls: {mode: DISABLE}}, subsets: [{name: v1}, {name: v2}]"),
    )
    one = proxy(view, "client")
    rule = view.scope(one).destination_rule("web.shop.svc.cluster.local", one.labels)
    assert rule is not None
    assert [subset["name"] for subset in rule.spec["subsets"]] == ["v1", "v2"]
    assert rule.spec["subsets"][0]["labels"] == {"v": "a"}
    assert rule.spec["trafficPolicy"] == {"tls": {"mode": "DISABLE"}}
    assert [source.name for source in rule.sources] == ["a", "b"]


def test_selective_rules_count_for_the_workloads_they_select() -> None:
    """A rule with a workload selector comes before others, outbound only, for clients of its own namespace."""
    view = snapshot(
        CLIENT,
        pod("plain", ip="10.1.0.2"),
        service("web"),
        _rule("all", "web"),
        _rule("some", "web", body=", workloadSelector: {matchLabels: {app: client}}"),
    )
    scope, host = view.scope(proxy(view, "client")), "web.shop.svc.cluster.local"
    client, plain = proxy(view, "client").labels, proxy(view, "plain").labels
    found = [scope.destination_rule(host, client), scope.destination_rule(host, plain)]
    found.append(scope.destination_rule(host, client, inbound=True))
    assert [rule.name for rule in found if rule] == ["some", "all", "all"]


def test_discovery_selectors_and_revisions_hide_resources() -> None:
    """istiod sees the namespaces that its selectors admit, and configuration of its own revision."""
    mesh = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: istio, namespace: istio-system}
    data: {mesh: "discoverySelectors: [{matchLabels: {seen: yes-please}}]"}
    """
    names = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {seen: yes-please}}
    """
    foreign = _entry("foreign", "foreign.test").replace("{name: foreign,", "{name: foreign, labels: {istio.io/rev: x},")
    view = snapshot(CLIENT, mesh, names, service("web"), service("hidden", namespace="other"), foreign)
    assert hosts(view, "client") == ["web.shop"]


def test_ambiguous_order_is_said() -> None:
    """Two VirtualServices of one age for one host raise a caveat; with different ages there is none."""
    spec = "{hosts: [web], http: [{route: [{destination: {host: web}}]}]}"
    pair = [_virtual_service("a", spec), _virtual_service("b", spec)]
    [caveat] = snapshot(*pair).caveats
    assert caveat.kind.value == "order-dependent"
    outcomes = (
        "here it is VirtualService/shop/a by its name, in a cluster VirtualService/shop/b if it was created earlier"
    )
    assert caveat.message.endswith(outcomes)
    dated = pair[0].replace("{name: a,", '{name: a, creationTimestamp: "2024-01-01T00:00:00Z",')
    assert not snapshot(dated, pair[1]).caveats


@pytest.mark.parametrize(
    ("second", "ambiguous"),
    [
        (_entry("b", "x.test", port=443), False),  # ports unite
        (_entry("b", "x.test").replace("resolution: DNS", "resolution: NONE"), True),
        (_entry("b", "x.test").replace("protocol: HTTP", "protocol: TCP"), True),
        (_entry("b", "x.test", namespace="bank"), False),  # the same to everybody
        (_entry("b", "x.test", namespace="bank", port=443), True),
        (_entry("b", "x.test", namespace="bank", port=443, export="."), False),
        (_entry("b", "x.test", namespace="bank", port=443, export="ops"), False),  # for ops before what all see
        (_entry("b", "y.test", port=443), False),
    ],
)
def test_entries_of_one_host_that_differ_are_ambiguous(second: str, *, ambiguous: bool) -> None:
    """Of ServiceEntries of one age that give a host another shape, a caveat says that the oldest counts."""
    caveats = snapshot(_entry("a", "x.test"), second).caveats
    assert [one.kind for one in caveats] == [CaveatKind.ORDER_DEPENDENT] * ambiguous

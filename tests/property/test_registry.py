"""Laws of the registry that hold for any mesh."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.model.proxies import Proxy
from simulator.model.resources import Origin, Resource
from simulator.registry.build import build_snapshot
from simulator.registry.snapshot import Snapshot

LAW = settings(max_examples=max(50, settings().max_examples // 10))
"""Of what the profile asks for: a sample in `make test`, many in `make truth`."""
_NAMESPACES = ("shop", "bank")
_NAMES = ("a", "b", "c")
_NETWORKING, _SECURITY = "networking.istio.io/v1", "security.istio.io/v1"
_HOSTS = st.sampled_from(["a", "b", "c.bank.svc.cluster.local", "x.test", "*.test", "*.local"])
_EXPORTS = st.lists(st.sampled_from(["*", ".", "~", *_NAMESPACES]), max_size=2, unique=True)


def _resource(kind: str, api: str, namespace: str, name: str, body: dict[str, Any]) -> Resource:
    document = {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **body}
    if labels := body.get("labels"):
        document["metadata"]["labels"] = labels
    origin = Origin(source="mesh.yaml")
    return Resource(kind=kind, api_version=api, namespace=namespace, name=name, document=document, origin=origin)


@st.composite
def _services(draw: st.DrawFn, namespace: str, name: str) -> Resource:
    ports = draw(st.lists(st.sampled_from([80, 81, 82]), min_size=1, unique=True))
    spec = {
        "clusterIP": draw(st.sampled_from(["None", "10.96.0.1"])),
        "selector": {"app": draw(st.sampled_from(_NAMES))},
        "ports": [{"name": f"http-{port}", "port": port} for port in ports],
    }
    return _resource("Service", "v1", namespace, name, {"spec": spec})


@st.composite
def _entries(draw: st.DrawFn, namespace: str, name: str) -> Resource:
    ports = draw(st.lists(st.sampled_from([80, 81]), min_size=1, unique=True))
    spec = {
        "hosts": draw(st.lists(_HOSTS.filter(lambda host: "." in host), min_size=1, max_size=2, unique=True)),
        "resolution": draw(st.sampled_from(["NONE", "STATIC", "DNS"])),
        "exportTo": draw(_EXPORTS),
        "ports": [{"name": f"http-{port}", "number": port, "protocol": "HTTP"} for port in ports],
    }
    return _resource("ServiceEntry", _NETWORKING, namespace, name, {"spec": spec})


@st.composite
def _virtual_services(draw: st.DrawFn, namespace: str, name: str) -> Resource:
    destination = {"host": draw(_HOSTS), "port": {"number": draw(st.sampled_from([80, 81]))}}
    spec = {
        "hosts": draw(st.lists(_HOSTS, max_size=2, unique=True)),
        "exportTo": draw(_EXPORTS),
        "http": [{"route": [{"destination": destination}]}],
    }
    return _resource("VirtualService", _NETWORKING, namespace, name, {"spec": spec})


@st.composite
def _rules(draw: st.DrawFn, namespace: str, name: str) -> Resource:
    spec: dict[str, Any] = {
        "host": draw(_HOSTS),
        "exportTo": draw(_EXPORTS),
        "subsets": [{"name": draw(st.sampled_from(_NAMES))}],
    }
    if draw(st.booleans()):
        spec["trafficPolicy"] = {"tls": {"mode": draw(st.sampled_from(["DISABLE", "ISTIO_MUTUAL"]))}}
    return _resource("DestinationRule", _NETWORKING, namespace, name, {"spec": spec})


@st.composite
def _sidecars(draw: st.DrawFn, namespace: str, name: str) -> Resource:
    imports = st.lists(st.sampled_from(["./*", "*/*", "bank/*", "*/x.test", "~/*"]), min_size=1, max_size=2)
    spec: dict[str, Any] = {"egress": [{"hosts": draw(imports)}]}
    if draw(st.booleans()):
        spec["workloadSelector"] = {"labels": {"app": draw(st.sampled_from(_NAMES))}}
    return _resource("Sidecar", _NETWORKING, namespace, name, {"spec": spec})


@st.composite
def _peers(draw: st.DrawFn, namespace: str, name: str) -> Resource:
    spec: dict[str, Any] = {"mtls": {"mode": draw(st.sampled_from(["STRICT", "DISABLE", "UNSET"]))}}
    if draw(st.booleans()):
        spec["selector"] = {"matchLabels": {"app": draw(st.sampled_from(_NAMES))}}
    return _resource("PeerAuthentication", _SECURITY, namespace, name, {"spec": spec})


def _pod(namespace: str, name: str, number: int) -> Resource:
    body = {
        "labels": {"app": name},
        "spec": {"containers": [{"name": "istio-proxy", "args": ["proxy", "sidecar"]}]},
        "status": {"phase": "Running", "podIP": f"10.1.0.{number}"},
    }
    return _resource("Pod", "v1", namespace, name, body)


@st.composite
def meshes(draw: st.DrawFn) -> list[Resource]:
    """Draw a mesh of two namespaces: pods, and any of the resources that decide what they see."""
    kinds = [_services, _entries, _virtual_services, _rules, _sidecars, _peers]
    places = [(kind, namespace, name) for kind in kinds for namespace in _NAMESPACES for name in _NAMES]
    chosen = draw(st.lists(st.sampled_from(places), max_size=12, unique=True))
    pods = [_pod(ns, name, 1 + 10 * i + j) for i, ns in enumerate(_NAMESPACES) for j, name in enumerate(_NAMES)]
    return [*pods, *(draw(kind(namespace, name)) for kind, namespace, name in chosen)]


def _seen(view: Snapshot, proxy: Proxy) -> object:
    """Return all that a proxy sees, as plain values."""
    scope = view.scope(proxy)
    rules = {host: scope.destination_rule(host, proxy.labels) for host in scope.services_by_host}
    return (
        [(one.host, one.namespace, [port.number for port in one.ports]) for one in scope.services],
        [[one.resource.ref for one in egress.virtual_services] for egress in scope.egress],
        [{host: one.resource.ref for host, one in egress.most_specific.items()} for egress in scope.egress],
        {host: (rule.sources, rule.spec) for host, rule in rules.items() if rule is not None},
        view.peer_authentication(proxy.namespace, proxy.labels),
        [(one.service.host, one.port.number, one.target_port) for one in view.service_targets(proxy)],
    )


@LAW
@given(meshes(), st.randoms(use_true_random=False))
def test_order_of_manifests_changes_nothing(mesh: list[Resource], random: Any) -> None:
    """A snapshot depends on the resources and not on the order in which they were read."""
    shuffled = list(mesh)
    random.shuffle(shuffled)
    one, other = build_snapshot(mesh), build_snapshot(shuffled)
    assert [_seen(one, proxy) for proxy in one.proxies] == [_seen(other, proxy) for proxy in other.proxies]
    assert set(one.caveats) == set(other.caveats)


@LAW
@given(meshes())
def test_private_services_of_a_new_namespace_change_nothing(mesh: list[Resource]) -> None:
    """A namespace that exports nothing is not seen by anybody else."""
    spec = {"hosts": ["hidden.test"], "exportTo": ["."], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}]}
    added = _resource("ServiceEntry", _NETWORKING, "attic", "hidden", {"spec": spec})
    one, other = build_snapshot(mesh), build_snapshot([*mesh, added])
    assert [_seen(one, proxy) for proxy in one.proxies] == [_seen(other, proxy) for proxy in other.proxies]


@LAW
@given(meshes())
def test_scopes_hold_each_host_once_and_only_visible_services(mesh: list[Resource]) -> None:
    """Every service of a scope is of its namespace or visible in it, and no host is there twice."""
    view = build_snapshot(mesh)
    for proxy in view.proxies:
        scope = view.scope(proxy)
        found = [one.host for one in scope.services]
        assert len(found) == len(set(found))
        visible = {(one.host, one.namespace) for one in view.services_visible_to(proxy.namespace)}
        foreign = [one for one in scope.services if one.namespace != proxy.namespace]
        assert {(one.host, one.namespace) for one in foreign} <= visible


@LAW
@given(meshes())
def test_proxies_that_cannot_differ_share_a_scope(mesh: list[Resource]) -> None:
    """Two proxies of one namespace for which the same Sidecar counts have one scope, the same object."""
    view = build_snapshot(mesh)
    scopes = {}
    for proxy in view.proxies:
        scope = view.scope(proxy)
        assert scopes.setdefault((proxy.namespace, scope.resource), scope) is scope

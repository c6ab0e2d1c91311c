"""Laws of generated routes that hold for any mesh."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from simulator.xds.routes import route_names

_HOSTS = ("web", "items", "pay.bank.svc.cluster.local", "x.test", "*.test", "*.shop.svc.cluster.local", "WEB.shop")
_LAWS = settings(max_examples=max(20, settings().max_examples // 20), derandomize=True)
_BASE = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"istio-injection": "enabled"}}},
    *(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": name, "tier": tier}},
            "spec": {"containers": [{"name": "app", "image": "example.test/app"}]},
        }
        for name, tier in (("client", "front"), ("other", "back"))
    ),
    *(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"clusterIP": ip, "ports": [{"name": "http", "port": 80}, {"name": kind, "port": 90}]},
        }
        for name, namespace, ip, kind in (
            ("web", "shop", "10.96.7.1", "grpc"),
            ("items", "shop", "None", "auto"),
            ("pay", "bank", "10.96.7.2", "tcp"),
        )
    ),
    {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "edge", "namespace": "shop"},
        "spec": {
            "selector": {"istio": "ingressgateway"},
            "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
        },
    },
]
_MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "uri": st.sampled_from([{"prefix": "/"}, {"prefix": "/a"}, {"exact": "/b"}, {"regex": ".*"}]),
        "sourceLabels": st.sampled_from([{"tier": "front"}, {"tier": "none"}]),
        "gateways": st.sampled_from([["mesh"], ["edge"]]),
        "headers": st.sampled_from([{"x": {"exact": "1"}}, {"y": {}}]),
        "port": st.sampled_from([80, 90]),
    },
)
_DESTINATIONS = st.fixed_dictionaries(
    {"destination": st.fixed_dictionaries({"host": st.sampled_from(_HOSTS[:4])}), "weight": st.integers(0, 3)}
)
_RULES = st.fixed_dictionaries(
    {"route": st.lists(_DESTINATIONS, min_size=1, max_size=2)},
    optional={"match": st.lists(_MATCHES, max_size=2), "rewrite": st.just({"uri": "/"})},
)
_SPECS = st.fixed_dictionaries(
    {
        "hosts": st.lists(st.sampled_from(_HOSTS), min_size=1, max_size=3, unique=True),
        "http": st.lists(_RULES, min_size=1, max_size=3),
        "gateways": st.sampled_from([["mesh"], ["edge"], ["mesh", "edge"]]),
    }
)
_ENTRIES = st.fixed_dictionaries(
    {
        "hosts": st.lists(st.sampled_from(["x.test", "*.test", "y.test"]), min_size=1, max_size=2, unique=True),
        "ports": st.just([{"number": 80, "name": "http", "protocol": "HTTP"}]),
        "resolution": st.sampled_from(["NONE", "DNS"]),
    }
)


def _resource(kind: str, name: str, spec: Any) -> Any:
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _mesh(documents: list[Any]) -> Mesh:
    return Mesh.from_resources(parse_manifests("\n---\n".join(json.dumps(document) for document in documents)))


@st.composite
def _manifests(draw: st.DrawFn) -> list[Any]:
    rules = [_resource("VirtualService", f"r{i}", spec) for i, spec in enumerate(draw(st.lists(_SPECS, max_size=3)))]
    entries = [_resource("ServiceEntry", f"e{i}", spec) for i, spec in enumerate(draw(st.lists(_ENTRIES, max_size=2)))]
    return [*_BASE, *rules, *entries]


@_LAWS
@given(_manifests(), st.randoms(use_true_random=False))
def test_order_of_manifests_means_nothing(documents: list[Any], shuffler: random.Random) -> None:
    """The same manifests in another order give the same dumps."""
    one = _mesh(documents)
    shuffled = documents.copy()
    shuffler.shuffle(shuffled)
    two = _mesh(shuffled)
    assert one.proxies() == two.proxies()
    for proxy in one.proxies():
        assert json.dumps(one.config_dump(proxy)) == json.dumps(two.config_dump(proxy))


@_LAWS
@given(_manifests())
def test_route_configurations_are_what_envoy_takes(documents: list[Any]) -> None:
    """Listeners get what they ask for; no domain is there twice; what takes everything stands last."""
    made = _mesh(documents)
    for proxy in made.proxies():
        configuration = made.generated(proxy)
        assert tuple(one["name"] for one in configuration.routes) == route_names(configuration.listeners)
        for routes in configuration.routes:
            hosts = routes.get("virtual_hosts", [])
            domains = [domain.lower() for host in hosts for domain in host["domains"]]
            assert len(domains) == len(set(domains))
            assert len({host["name"] for host in hosts}) == len(hosts)


@_LAWS
@given(_manifests())
def test_default_routes_lead_to_clusters(documents: list[Any]) -> None:
    """A route that no rule wrote leads to a cluster that the proxy has."""
    made = _mesh(documents)
    for proxy in made.proxies():
        configuration = made.generated(proxy)
        clusters = {cluster["name"] for cluster in configuration.clusters}
        for routes in configuration.routes:
            for host in routes.get("virtual_hosts", []):
                for route in host.get("routes", []):
                    if route.get("name") == "default":
                        assert route["route"]["cluster"] in clusters


def _types(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_types, value))
    if not isinstance(value, dict):
        return set()
    own = {value["@type"].rpartition("/")[2]} if "@type" in value else set()
    return own.union(*map(_types, value.values()))


@settings(max_examples=max(8, settings().max_examples // 50), derandomize=True)
@given(_manifests())
def test_resources_are_printed_as_envoy_prints(documents: list[Any]) -> None:
    """A resource that is read by Envoy's schema and printed again is the same: no misspelt field, no default."""
    json_format = pytest.importorskip("google.protobuf.json_format")
    pytest.importorskip("envoy")
    from google.protobuf.message_factory import GetMessageClass

    from tests.conformance.schemas import RESOURCE_TYPES, descriptor

    made = _mesh(documents)
    for proxy in made.proxies():
        for kind, resources in made.configuration(proxy).items():
            make = GetMessageClass(descriptor(RESOURCE_TYPES[kind]))
            for resource in resources:
                for name in _types(resource):
                    descriptor(name)
                message = json_format.ParseDict(resource, make())
                printed = json_format.MessageToDict(message, preserving_proto_field_name=True)
                assert _comparable(printed) == _comparable(resource)


def _comparable(value: Any) -> Any:
    """Make numbers alike: 64 bits are text in proto-JSON, whole floats have a point."""
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, str) and not value.isdigit():
        return value
    return value if isinstance(value, bool) else float(value)

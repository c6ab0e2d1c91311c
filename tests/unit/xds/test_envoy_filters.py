import json
from typing import Any

import pytest

from simulator.mesh import Mesh
from simulator.model.proxies import ProxyId
from simulator.model.resources import ObjectRef, Provenance
from tests.unit.xds.shop import CLIENT, gateway, gateway_proxy, hosts, mesh, route_configuration, virtual_service

HCM = "envoy.filters.network.http_connection_manager"
LUA = {"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"}
WEB = "web.shop.svc.cluster.local:80"


def envoy_filter(*patches: dict[str, Any], name: str = "patch", **spec: Any) -> str:
    """Return an EnvoyFilter in `shop` with these patches (JSON is YAML)."""
    document = {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {**spec, "configPatches": list(patches)},
    }
    return json.dumps(document)


def http_filter(operation: str, *, beside: str = "", name: str = "mine", **match: Any) -> dict[str, Any]:
    """Return a patch on the HTTP filters of outbound listeners."""
    chosen: dict[str, Any] = {"name": HCM}
    if beside:
        chosen["subFilter"] = {"name": beside}
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": "SIDECAR_OUTBOUND", "listener": {"filterChain": {"filter": chosen}}, **match},
        "patch": {"operation": operation, "value": {"name": name, "typed_config": LUA}},
    }


def filters(made: Mesh, listener: str = "0.0.0.0_80", proxy: ProxyId = CLIENT) -> list[str]:
    """Return the names of the HTTP filters of a listener's first chain."""
    found: Any = next(one for one in made.generated(proxy).listeners if one["name"] == listener)
    manager = next(one for one in found["filter_chains"][0]["filters"] if one["name"] == HCM)
    return [one["name"] for one in manager["typed_config"]["http_filters"]]


def route_patch(kind: str, operation: str, value: Any = None, **match: Any) -> dict[str, Any]:
    """Return a patch on outbound routes."""
    return {
        "applyTo": kind,
        "match": {"context": "SIDECAR_OUTBOUND", "routeConfiguration": match},
        "patch": {"operation": operation, "value": value},
    }


@pytest.mark.parametrize(
    ("patch", "position"),
    [
        (http_filter("INSERT_FIRST"), 0),
        (http_filter("INSERT_BEFORE"), 0),
        (http_filter("ADD"), -1),
        (http_filter("INSERT_AFTER"), -1),
        (http_filter("INSERT_BEFORE", beside="envoy.filters.http.router"), -2),
        (http_filter("INSERT_AFTER", beside="envoy.filters.http.router"), -1),
    ],
)
def test_places_of_an_inserted_filter(patch: dict[str, Any], position: int) -> None:
    """An inserted filter stands beside the one named; without a name it comes first or last."""
    assert filters(mesh(envoy_filter(patch)))[position] == "mine"


def test_beside_a_filter_that_is_not_there() -> None:
    """Nothing is inserted where the neighbour is missing."""
    assert "mine" not in filters(mesh(envoy_filter(http_filter("INSERT_AFTER", beside="absent"))))


def test_replace_and_remove() -> None:
    """A filter that is named can be replaced or removed."""
    before = filters(mesh())
    replaced = filters(mesh(envoy_filter(http_filter("REPLACE", beside="envoy.filters.http.fault"))))
    assert replaced == ["mine" if name == "envoy.filters.http.fault" else name for name in before]
    removed = filters(mesh(envoy_filter(http_filter("REMOVE", beside="envoy.filters.http.fault"))))
    assert removed == [name for name in before if name != "envoy.filters.http.fault"]


def test_patches_see_what_earlier_ones_did() -> None:
    """A patch can stand beside a filter that the one before it inserted; lower priority goes first."""
    made = mesh(
        envoy_filter(http_filter("INSERT_AFTER", beside="first", name="second"), name="a"),
        envoy_filter(http_filter("INSERT_FIRST", name="first"), name="b", priority=-1),
    )
    assert filters(made)[:2] == ["first", "second"]


@pytest.mark.parametrize(
    ("proxy", "chosen"),
    [
        ({"proxyVersion": r"^1\.30.*"}, True),
        ({"proxyVersion": r"^1\.2\d.*"}, False),
        ({"metadata": {"CLUSTER_ID": "Kubernetes"}}, True),
        ({"metadata": {"CLUSTER_ID": "other"}}, False),
    ],
)
def test_version_and_metadata_choose_proxies(proxy: dict[str, Any], chosen: bool) -> None:
    """A patch can be meant for some versions, or for proxies with certain metadata."""
    made = mesh(envoy_filter(http_filter("INSERT_FIRST", proxy=proxy)))
    assert ("mine" in filters(made)) is chosen


def test_a_listener_that_nothing_touches_stays_the_same_object() -> None:
    """Resources that no patch matches are not copied, so proxies still share them."""
    replicas = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: twins, namespace: shop}
    spec:
      replicas: 2
      selector: {matchLabels: {app: twins}}
      template:
        metadata: {labels: {app: twins}}
        spec: {containers: [{name: app, image: example.test/twins}]}
    """
    patch = http_filter("INSERT_FIRST")
    patch["match"]["listener"]["name"] = "0.0.0.0_80"
    made = mesh(replicas, envoy_filter(patch))
    twins = [proxy for proxy in made.proxies() if proxy.name.startswith("twins")]
    mine, theirs = ({one["name"]: one for one in made.generated(proxy).listeners} for proxy in twins)
    assert mine["0.0.0.0_9000"] is theirs["0.0.0.0_9000"]
    assert mine["0.0.0.0_80"] is theirs["0.0.0.0_80"]


def test_merge_into_the_connection_manager() -> None:
    """Merging appends to lists and sets fields of the typed configuration."""
    value = {
        "typed_config": {
            "@type": f"type.googleapis.com/{HCM.replace('envoy', 'envoy.extensions', 1)}.v3.HttpConnectionManager",
            "xffNumTrustedHops": 3,
        }
    }
    patch = http_filter("MERGE") | {"applyTo": "NETWORK_FILTER", "patch": {"operation": "MERGE", "value": value}}
    found: Any = next(
        one for one in mesh(envoy_filter(patch)).generated(CLIENT).listeners if one["name"] == "0.0.0.0_80"
    )
    manager = next(one for one in found["filter_chains"][0]["filters"] if one["name"] == HCM)
    assert manager["typed_config"]["xff_num_trusted_hops"] == 3
    assert manager["typed_config"]["http_filters"]


def test_what_is_merged_before_types_clash_stays() -> None:
    """A filter merged into all others ends the patching of a listener: its HTTP filters stay, its other merges too."""
    value = {
        "typed_config": {
            "@type": f"type.googleapis.com/{HCM.replace('envoy', 'envoy.extensions', 1)}.v3.HttpConnectionManager",
            "xffNumTrustedHops": 3,
        }
    }
    hops = http_filter("MERGE") | {"applyTo": "NETWORK_FILTER", "patch": {"operation": "MERGE", "value": value}}
    made = mesh(envoy_filter(hops, http_filter("INSERT_FIRST"), http_filter("MERGE", name="")))
    found: Any = next(one for one in made.generated(CLIENT).listeners if one["name"] == "0.0.0.0_80")
    manager = next(one for one in found["filter_chains"][0]["filters"] if one["name"] == HCM)
    assert manager["typed_config"]["xff_num_trusted_hops"] == 3
    assert filters(made) == filters(mesh())


def test_listeners_come_and_go() -> None:
    """Listeners can be removed, and added to the outbound ones when no context is given; each has to have a name."""
    added = {"name": "extra", "address": {"socketAddress": {"address": "127.0.0.1", "portValue": 7}}}
    made = mesh(
        envoy_filter(
            {"applyTo": "LISTENER", "patch": {"operation": "ADD", "value": added}},
            {"applyTo": "LISTENER", "patch": {"operation": "ADD", "value": {"address": added["address"]}}},
            {
                "applyTo": "LISTENER",
                "match": {"context": "SIDECAR_OUTBOUND", "listener": {"name": "0.0.0.0_9000"}},
                "patch": {"operation": "REMOVE"},
            },
        )
    )
    names = [one["name"] for one in made.generated(CLIENT).listeners]
    assert names.count("extra") == 1
    assert len(names) == len(mesh().generated(CLIENT).listeners)
    assert "0.0.0.0_9000" not in names
    assert "9000" not in [one["name"] for one in made.generated(CLIENT).routes]


def test_clusters_are_patched_by_service_and_port() -> None:
    """A cluster is chosen by service, port and subset; one without a match is added."""
    match = {"context": "SIDECAR_OUTBOUND", "cluster": {"service": "web.shop.svc.cluster.local", "portNumber": 80}}
    made = mesh(
        envoy_filter(
            {"applyTo": "CLUSTER", "match": match, "patch": {"operation": "MERGE", "value": {"connect_timeout": "3s"}}},
            {"applyTo": "CLUSTER", "patch": {"operation": "ADD", "value": {"name": "own", "type": "STATIC"}}},
        )
    )
    found = {one["name"]: one for one in made.generated(CLIENT).clusters}
    assert found["outbound|80||web.shop.svc.cluster.local"]["connect_timeout"] == "3s"
    assert found["outbound|80||items.shop.svc.cluster.local"]["connect_timeout"] != "3s"
    assert found["own"] == {"name": "own", "type": "STATIC"}


def test_routes_by_name_and_action() -> None:
    """Routes are chosen by virtual host, name and action; an inserted one comes first and knows its patch."""
    made = mesh(
        virtual_service(
            "[{match: [{uri: {prefix: /r}}], redirect: {uri: /x}}, {name: last, route: [{destination: {host: web}}]}]"
        ),
        envoy_filter(
            route_patch(
                "HTTP_ROUTE", "MERGE", {"route": {"timeout": "9s"}}, vhost={"name": WEB, "route": {"action": "ROUTE"}}
            ),
            route_patch(
                "HTTP_ROUTE",
                "INSERT_FIRST",
                {"name": "new", "match": {"path": "/n"}, "directResponse": {"status": 204}},
                vhost={"name": WEB, "route": {"name": "last"}},
            ),
        ),
    )
    found = hosts(made, "80")[WEB]["routes"]
    assert [route.get("name") for route in found] == ["new", None, "last"]
    assert found[2]["route"]["timeout"] == "9s"
    assert "route" not in found[1]
    ref = ObjectRef(kind="EnvoyFilter", namespace="shop", name="patch")
    assert found[0].source == Provenance(ref=ref, path=("spec", "configPatches", 1))
    assert found[2].source.ref.kind == "VirtualService"


def test_virtual_hosts_come_and_go() -> None:
    """Virtual hosts can be removed, replaced and added, and found by a domain."""
    other = {"name": "other", "domains": ["other"]}
    made = mesh(
        envoy_filter(
            route_patch("VIRTUAL_HOST", "REMOVE", name="80", vhost={"domainName": "items"}),
            route_patch("VIRTUAL_HOST", "ADD", other, name="80"),
            route_patch("ROUTE_CONFIGURATION", "MERGE", {"internal_only_headers": ["x-a"]}, portNumber=80),
        )
    )
    found = hosts(made, "80")
    assert "items.shop.svc.cluster.local:80" not in found
    assert found["other"] == other
    assert route_configuration(made, "80")["internal_only_headers"] == ["x-a"]
    assert "internal_only_headers" not in route_configuration(made, "9000")


def test_gateways_match_server_and_port() -> None:
    """At a gateway the port of the server is meant, not the one that the listener binds."""
    patch = {
        "applyTo": "VIRTUAL_HOST",
        "match": {"context": "GATEWAY", "routeConfiguration": {"portNumber": 80}},
        "patch": {"operation": "MERGE", "value": {"include_attempt_count_in_response": True}},
    }
    everywhere = envoy_filter(patch).replace('"namespace": "shop"', '"namespace": "istio-system"')
    made = mesh(
        gateway("[{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]"),
        virtual_service("[{route: [{destination: {host: web}}]}]", hosts="[a.org]", gateways="[edge]"),
        everywhere,
    )
    found = hosts(made, "http.8080", gateway_proxy(made))
    assert found["a.org:80"]["include_attempt_count_in_response"] is True


def test_a_patch_that_does_not_fit_is_dropped() -> None:
    """A value that Envoy could not read makes istiod refuse its EnvoyFilter; the others apply."""
    bad = {"applyTo": "CLUSTER", "patch": {"operation": "ADD", "value": {"name": "bad", "type": "NONE"}}}
    good = {"applyTo": "CLUSTER", "patch": {"operation": "ADD", "value": {"name": "good"}}}
    made = mesh(envoy_filter(bad).replace('"patch"', '"refused"', 1), envoy_filter(good))
    names = [one["name"] for one in made.generated(CLIENT).clusters]
    assert "good" in names
    assert "bad" not in names


def test_bootstrap_is_merged() -> None:
    """A BOOTSTRAP patch changes what the agent writes."""
    value = {"layered_runtime": {"layers": [{"name": "own", "static_layer": {"a": 1}}]}}
    made = mesh(envoy_filter({"applyTo": "BOOTSTRAP", "patch": {"operation": "MERGE", "value": value}}))
    layers = made.bootstrap(CLIENT)["layered_runtime"]["layers"]
    assert [layer["name"] for layer in layers] == ["global config", "admin", "own"]


def listener_filter_merge(name: str) -> dict[str, Any]:
    """Return a patch that merges into the listener filters of the inbound listener."""
    config = {
        "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        "enable_ja3_fingerprinting": True,
    }
    return {
        "applyTo": "LISTENER_FILTER",
        "match": {"context": "SIDECAR_INBOUND", "listener": {"listenerFilter": name}},
        "patch": {"operation": "MERGE", "value": {"typed_config": config}},
    }


def test_patching_stops_where_types_do_not_fit() -> None:
    """A merge of different types ends all patching of the listener; earlier changes stay."""
    first = {
        "applyTo": "LISTENER",
        "match": {"context": "SIDECAR_INBOUND"},
        "patch": {"operation": "MERGE", "value": {"per_connection_buffer_limit_bytes": 7}},
    }
    later = http_filter("INSERT_FIRST")
    later["match"]["context"] = "SIDECAR_INBOUND"
    made = mesh(envoy_filter(first, listener_filter_merge("envoy.filters.listener.tls_inspector"), later))
    found: Any = next(one for one in made.generated(CLIENT).listeners if one["name"] == "virtualInbound")
    assert found["per_connection_buffer_limit_bytes"] == 7
    assert "enable_ja3_fingerprinting" not in json.dumps(found)
    assert '"mine"' not in json.dumps(found)


def test_a_chain_without_filters_stays() -> None:
    """Removing the last filter of a chain leaves an empty chain; removing the chain leaves none."""
    patch = {
        "applyTo": "NETWORK_FILTER",
        "match": {
            "context": "SIDECAR_OUTBOUND",
            "listener": {"name": "0.0.0.0_80", "filterChain": {"filter": {"name": HCM}}},
        },
        "patch": {"operation": "REMOVE"},
    }
    chain = {**patch, "applyTo": "FILTER_CHAIN"}
    chains = []
    for one in (patch, chain):
        made = mesh(envoy_filter(one))
        found: Any = next(item for item in made.generated(CLIENT).listeners if item["name"] == "0.0.0.0_80")
        chains.append(found.get("filter_chains"))
    (emptied,) = chains[0]
    assert "filters" not in emptied
    assert chains[1] is None


def test_an_added_cluster_does_not_replace_one() -> None:
    """Of clusters with one name the first is kept, which is istiod's own."""
    value = {"name": "BlackHoleCluster", "type": "STRICT_DNS"}
    made = mesh(envoy_filter({"applyTo": "CLUSTER", "patch": {"operation": "ADD", "value": value}}))
    found = [one["type"] for one in made.generated(CLIENT).clusters if one["name"] == "BlackHoleCluster"]
    assert found == ["STATIC"]


def test_a_cluster_without_a_name_is_added_as_it_is() -> None:
    """istiod adds what a patch brings, whether or not Envoy will take it."""
    made = mesh(envoy_filter({"applyTo": "CLUSTER", "patch": {"operation": "ADD", "value": {"type": "STRICT_DNS"}}}))
    assert {"type": "STRICT_DNS"} in made.generated(CLIENT).clusters

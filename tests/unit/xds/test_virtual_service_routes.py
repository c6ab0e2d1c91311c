from typing import Any

import pytest

from simulator.model.resources import ObjectRef, Provenance
from tests.unit.xds.shop import hosts, mesh, routes, virtual_service


def action(http: str) -> Any:
    """Return the action of the only route that a rule for `web` makes."""
    (route,) = routes(mesh(virtual_service(http)))
    return route["route"]


def test_stops_at_the_first_rule_for_everything() -> None:
    """Rules behind one that takes every request vanish."""
    made = mesh(
        virtual_service(
            "[{match: [{uri: {prefix: /a}}, {}], route: [{destination: {host: web}}]},"
            " {name: never, route: [{destination: {host: items}}]}]"
        )
    )
    assert [route["match"].get("prefix") for route in routes(made)] == ["/a", "/"]


def test_a_rule_knows_where_it_was_written() -> None:
    """Each route names resource, rule and match block; a default route names its service."""
    made = mesh(
        virtual_service("[{match: [{uri: {prefix: /a}}, {uri: {prefix: /b}}], route: [{destination: {host: web}}]}]")
    )
    rule = ObjectRef(kind="VirtualService", namespace="shop", name="rule")
    assert routes(made)[1].source == Provenance(ref=rule, path=("spec", "http", 0, "match", 1))
    (default,) = routes(made, "items.shop.svc.cluster.local:80")
    assert default.source == Provenance(ref=ObjectRef(kind="Service", namespace="shop", name="items"))


HTTP_ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: rule, namespace: shop}
spec:
  parentRefs: [{kind: Service, group: "", name: web}]
  rules:
  - matches: [{path: {type: Exact, value: /b}}, {path: {type: Exact, value: /a}}]
    backendRefs: [{name: web, port: 80}]
"""


def test_a_match_of_the_gateway_api_is_named_once() -> None:
    """Each match becomes a rule of its own, so its place in the HTTPRoute is all there is to name."""
    ref = ObjectRef(kind="HTTPRoute", namespace="shop", name="rule")
    sources = {route["match"]["path"]: route.source for route in routes(mesh(HTTP_ROUTE))}
    assert sources["/a"] == Provenance(ref=ref, path=("spec", "rules", 0, "matches", 1))


def test_selects_match_blocks_for_the_client() -> None:
    """Labels, namespace, port and gateways of a match block decide whether the client has its route."""
    blocks = [
        "{name: tier, sourceLabels: {tier: front}}",
        "{name: other, sourceLabels: {tier: back}}",
        "{name: ns, sourceNamespace: shop}",
        "{name: ns2, sourceNamespace: bank}",
        "{name: port, port: 80}",
        "{name: port2, port: 81}",
        "{name: mesh, gateways: [mesh], sourceLabels: {tier: back}}",
        "{name: gw, gateways: [shop/edge]}",
    ]
    matches = ", ".join(block[:-1] + ", uri: {exact: /x}}" for block in blocks)
    made = mesh(virtual_service(f"[{{name: r, match: [{matches}], route: [{{destination: {{host: web}}}}]}}]"))
    assert [route["name"] for route in routes(made)] == ["r.tier", "r.ns", "r.port", "r.mesh"]


def test_weights_of_zero_are_left_out() -> None:
    """Among several destinations those without weight get no traffic; a single one needs no weight."""
    weighted = action(
        "[{route: [{destination: {host: web}, weight: 0}, {destination: {host: items}, weight: 30},"
        " {destination: {host: pay.bank.svc.cluster.local}, weight: 70}]}]"
    )["weighted_clusters"]["clusters"]
    assert [(one["name"], one["weight"]) for one in weighted] == [
        ("outbound|80||items.shop.svc.cluster.local", 30),
        ("outbound|80||pay.bank.svc.cluster.local", 70),
    ]
    assert action("[{route: [{destination: {host: web}, weight: 0}]}]")["cluster"].endswith(
        "|web.shop.svc.cluster.local"
    )


def test_headers_of_one_destination_join_the_route() -> None:
    """A single destination's header operations follow those of the rule; of several each keeps its own."""
    one = "{destination: {host: web}, headers: {request: {set: {b: '2'}}}}"
    (route,) = routes(mesh(virtual_service(f"[{{headers: {{request: {{set: {{a: '1'}}}}}}, route: [{one}]}}]")))
    assert [option["header"]["key"] for option in route["request_headers_to_add"]] == ["a", "b"]
    two = f"{one[:-1]}, weight: 1}}, {{destination: {{host: items}}, weight: 1}}"
    clusters = action(f"[{{route: [{two}]}}]")["weighted_clusters"]["clusters"]
    assert ["request_headers_to_add" in cluster for cluster in clusters] == [True, False]


@pytest.mark.parametrize(
    ("redirect", "expected"),
    [
        ("{uri: /x}", {"path_redirect": "/x"}),
        ("{authority: h, redirectCode: 302}", {"path_redirect": "", "host_redirect": "h", "response_code": "FOUND"}),
        ("{derivePort: FROM_REQUEST_PORT}", {"path_redirect": ""}),
        (
            "{scheme: https, derivePort: FROM_REQUEST_PORT}",
            {"path_redirect": "", "scheme_redirect": "https", "port_redirect": 80},
        ),
        ("{scheme: https, port: 443}", {"path_redirect": "", "scheme_redirect": "https"}),
        ("{port: 8443}", {"path_redirect": "", "port_redirect": 8443}),
    ],
)
def test_redirects(redirect: str, expected: dict[str, Any]) -> None:
    """A redirect leaves out the port that its scheme implies and the code that is the default."""
    (route,) = routes(mesh(virtual_service(f"[{{redirect: {redirect}}}]")))
    assert route["redirect"] == expected
    assert "route" not in route


def test_redirect_with_a_strange_code_does_nothing() -> None:
    """Envoy has five redirect codes; with another one the route has no action."""
    (route,) = routes(mesh(virtual_service("[{redirect: {uri: /, redirectCode: 399}}]")))
    assert not {"redirect", "route", "direct_response"} & route.keys()


def test_rewrites() -> None:
    """A rewrite of the path, by prefix or expression, and of the authority."""
    prefix = action("[{rewrite: {uri: /new, authority: a}, route: [{destination: {host: web}}]}]")
    assert (prefix["prefix_rewrite"], prefix["host_rewrite_literal"]) == ("/new", "a")
    regex = action(
        "[{rewrite: {uriRegexRewrite: {match: '^/(.*)', rewrite: /v1/\\1}}, route: [{destination: {host: web}}]}]"
    )
    assert regex["regex_rewrite"] == {"pattern": {"regex": "^/(.*)"}, "substitution": "/v1/\\1"}


@pytest.mark.parametrize(
    ("mirror", "share"),
    [
        ("mirror: {host: items}", {"numerator": 100}),
        ("mirror: {host: items}, mirrorPercentage: {value: 0.5}", {"numerator": 5000, "denominator": "MILLION"}),
        (
            "mirrors: [{destination: {host: items}, percentage: {value: 10}}]",
            {"numerator": 100000, "denominator": "MILLION"},
        ),
    ],
)
def test_mirrors(mirror: str, share: dict[str, Any]) -> None:
    """A mirror without percentage gets everything, with one a share in millionths."""
    (policy,) = action(f"[{{{mirror}, route: [{{destination: {{host: web}}}}]}}]")["request_mirror_policies"]
    assert policy["runtime_fraction"]["default_value"] == share


def test_mirror_of_nothing_is_no_mirror() -> None:
    """Zero percent explicitly is no mirror at all."""
    assert "request_mirror_policies" not in action(
        "[{mirror: {host: items}, mirrorPercentage: {value: 0}, route: [{destination: {host: web}}]}]"
    )


def test_fault_and_cors_are_told_to_their_filters() -> None:
    """Faults and CORS travel in the route's per-filter configuration."""
    (route,) = routes(
        mesh(
            virtual_service(
                "[{fault: {delay: {fixedDelay: 2s, percentage: {value: 1}}, abort: {grpcStatus: UNAVAILABLE}},"
                " corsPolicy: {allowOrigins: [{exact: 'https://a'}], maxAge: 1m, allowMethods: [GET, PUT]},"
                " route: [{destination: {host: web}}]}]"
            )
        )
    )
    config = route["typed_per_filter_config"]
    assert config["envoy.filters.http.fault"]["delay"]["fixed_delay"] == "2s"
    assert config["envoy.filters.http.fault"]["abort"] == {"grpc_status": 14}
    assert config["envoy.filters.http.cors"]["max_age"] == "60"
    assert config["envoy.filters.http.cors"]["allow_methods"] == "GET,PUT"


def test_hash_policies_of_all_destinations() -> None:
    """Each destination that hashes adds its policy, a subset's before the host's."""
    rule = """
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {name: web, namespace: shop}
    spec:
      host: web
      trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x-user}}}
      subsets:
      - {name: a, trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true}}}}
    """
    made = mesh(
        rule,
        virtual_service(
            "[{route: [{destination: {host: web, subset: a}, weight: 1}, {destination: {host: web}, weight: 1}]}]"
        ),
    )
    (route,) = routes(made)
    assert route["route"]["hash_policy"] == [
        {"connection_properties": {"source_ip": True}},
        {"header": {"header_name": "x-user"}},
    ]


def test_a_host_beside_a_service_has_its_routes() -> None:
    """Hosts outside the registry share the rule's routes, as they are written and nothing else."""
    made = mesh(virtual_service("[{route: [{destination: {host: web}}]}]", hosts="[web, shop.example.org]"))
    outside = hosts(made, "80")["shop.example.org:80"]
    assert outside["domains"] == ["shop.example.org"]
    assert outside["routes"] is hosts(made, "80")["web.shop.svc.cluster.local:80"]["routes"]

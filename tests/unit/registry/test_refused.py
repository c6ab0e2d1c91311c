"""Configuration that istiod refuses has no effect."""

import pytest

from simulator.manifests.reading import parse_manifests
from simulator.model.caveats import CaveatKind
from simulator.registry.build import build_snapshot

MESH = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: wild, namespace: shop}
spec: {hosts: ["*.example.com"], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: fine, namespace: shop}
spec: {hosts: [api.example.com], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: twice, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example.com]}
  - {port: {number: 81, name: http, protocol: HTTP}, hosts: [b.example.com]}
"""


def test_refused_resources_are_left_out_and_named() -> None:
    """Resources that istiod's webhook refuses have no effect, and a caveat says which resource and why."""
    snapshot = build_snapshot(parse_manifests(MESH, source="mesh.yaml"))
    assert {one.host for one in snapshot.services if "example" in one.host} == {"api.example.com"}
    assert snapshot.gateways == ()
    said = {one.ref.name: one.message for one in snapshot.caveats if one.kind is CaveatKind.INVALID}
    assert set(said) == {"wild", "twice"}
    assert said["twice"].endswith("port names in servers must be unique: duplicate name http")


def test_extensions_of_contrib_are_not_refused() -> None:
    """A type that istiod knows and the simulator has no schema for is accepted without checks."""
    filters = """
    apiVersion: networking.istio.io/v1alpha3
    kind: EnvoyFilter
    metadata: {name: NAME, namespace: shop}
    spec:
      configPatches:
      - applyTo: HTTP_FILTER
        patch:
          operation: INSERT_FIRST
          value: {name: go, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.TYPE}}
    """
    known = filters.replace("NAME", "known").replace("TYPE", "golang.v3alpha.Config")
    unknown = filters.replace("NAME", "unknown").replace("TYPE", "nonsense.v3.Config")
    snapshot = build_snapshot(parse_manifests(f"{known}\n---\n{unknown}", source="mesh.yaml"))
    assert [one.ref.name for one in snapshot.caveats if one.kind is CaveatKind.INVALID] == ["unknown"]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("VirtualService", "{hosts: [web], http: [{timeout: abc, route: [{destination: {host: web}}]}]}"),
        (
            "DestinationRule",
            "{host: web, trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: a, ttl: abc}}}}}",
        ),
        ("DestinationRule", "{host: web, trafficPolicy: {loadBalancer: {warmupDurationSecs: abc}}}"),
        ("DestinationRule", "{host: web, trafficPolicy: {connectionPool: {tcp: {idleTimeout: abc}}}}"),
        ("Telemetry", "{metrics: [{reportingInterval: abc, providers: [{name: prometheus}]}]}"),
        ("ServiceEntry", "{hosts: [a.test], ports: [{number: 70000, name: a, protocol: HTTP}], resolution: DNS}"),
    ],
)
def test_malformed_values_are_refused(kind: str, spec: str) -> None:
    """An invalid duration, or a port out of range, makes istiod refuse the resource."""
    group = "telemetry" if kind == "Telemetry" else "networking"
    text = f"apiVersion: {group}.istio.io/v1\nkind: {kind}\nmetadata: {{name: x, namespace: shop}}\nspec: {spec}\n"
    snapshot = build_snapshot(parse_manifests(text, source="mesh.yaml"))
    assert [one.ref.name for one in snapshot.caveats if one.kind is CaveatKind.INVALID] == ["x"]


def test_what_istiod_cannot_read_has_no_effect() -> None:
    """A value that its enumeration lacks keeps the whole object from istiod, as it does in a cluster."""
    text = (
        "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: typo, namespace: shop}\n"
        "spec: {mtls: {mode: STRIKT}}\n"
    )
    snapshot = build_snapshot(parse_manifests(text, source="mesh.yaml"))
    [told] = snapshot.caveats
    assert (told.kind, told.path) == (CaveatKind.INVALID, ("spec", "mtls", "mode"))
    assert 'did you mean "STRICT"?' in told.message
    assert snapshot.peer_authentication("shop", {}) == build_snapshot(()).peer_authentication("shop", {})


def test_misspelt_fields_are_told() -> None:
    """A field that the kind lacks is dropped without a word by the API server, so a warning names it."""
    text = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: slow, namespace: shop}\n"
        "spec: {hosts: [web], http: [{timout: 3s, route: [{destination: {host: web}}]}]}\n"
    )
    [told] = build_snapshot(parse_manifests(text, source="mesh.yaml")).caveats
    assert (told.kind, told.path) == (CaveatKind.INVALID, ("spec", "http", 0, "timout"))
    assert told.message.endswith("did you mean timeout?")


def test_a_kind_that_only_shares_a_name_has_no_effect() -> None:
    """A PeerAuthentication of another API group is none of Istio's, whatever stands in it."""
    text = "apiVersion: a.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, namespace: shop}\nspec: {mtls: 1}\n"
    snapshot = build_snapshot(parse_manifests(text, source="mesh.yaml"))
    assert snapshot.peer_authentication("shop", {}) == build_snapshot(()).peer_authentication("shop", {})

"""Rules of istiod's webhook, each by a resource that breaks it."""

import pytest

from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.messages import text
from kubectl_mesh.analysis.registry import analyzers
from kubectl_mesh.analysis.world import world_of
from tests.unit.validation.manifests import read

GROUPS = {
    "networking.istio.io/v1": "VirtualService DestinationRule Gateway ServiceEntry Sidecar WorkloadEntry WorkloadGroup",
    "networking.istio.io/v1alpha3": "EnvoyFilter",
    "networking.istio.io/v1beta1": "ProxyConfig",
    "security.istio.io/v1": "AuthorizationPolicy PeerAuthentication RequestAuthentication",
    "telemetry.istio.io/v1": "Telemetry",
    "extensions.istio.io/v1alpha1": "WasmPlugin TrafficExtension",
}
VERSIONS = {kind: version for version, kinds in GROUPS.items() for kind in kinds.split()}
ROUTE = "http: [{route: [{destination: {host: b}}]}]"


def findings(kind: str, spec: str) -> list[Finding]:
    """Return what the validation of a kind finds in a resource `one` of namespace `home`."""
    manifest = f"apiVersion: {VERSIONS[kind]}\nkind: {kind}\nmetadata: {{name: one, namespace: home}}\nspec: {spec}\n"
    analyzer = analyzers()[f"schema.ValidationAnalyzer.{kind}"]
    return list(analyzer.analyze(world_of(read(manifest))))


def told(kind: str, spec: str) -> list[str]:
    """Return the texts, without what all of them begin with."""
    return [text(each).partition(": ")[2] or text(each) for each in findings(kind, spec)]


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("VirtualService", f"{{hosts: [a], {ROUTE}}}", []),
        ("VirtualService", "{hosts: [a]}", ["http, tcp or tls must be provided in virtual service"]),
        (
            "VirtualService",
            f"{{hosts: ['*.a.b', x.a.b], {ROUTE}}}",
            ["duplicate hosts in virtual service: *.a.b & x.a.b"],
        ),
        ("VirtualService", f"{{hosts: ['a_b'], {ROUTE}}}", ['domain name "a_b" invalid (label "a_b" invalid)']),
        (
            "VirtualService",
            f"{{hosts: [a], exportTo: ['.', home], {ROUTE}}}",
            ["duplicate entries in exportTo for entry home"],
        ),
        (
            "VirtualService",
            "{hosts: [a], http: [{route: [{destination: {host: b}}], timeout: 0s}]}",
            ["duration must be greater than 1ms"],
        ),
        (
            "VirtualService",
            "{hosts: [a], http: [{match: [{uri: {regex: '['}}], route: [{destination: {host: b}}]}]}",
            [
                '"uri": error parsing regexp: missing closing ]: `[`; Istio uses RE2 style regex-based match '
                "(https://github.com/google/re2/wiki/Syntax)"
            ],
        ),
        (
            "VirtualService",
            "{hosts: [a], http: [{redirect: {uri: /}, route: [{destination: {host: b}}]}]}",
            ["HTTP route cannot contain both route and redirect"],
        ),
        (
            "VirtualService",
            "{hosts: [a], http: [{fault: {abort: {httpStatus: 99}}, route: [{destination: {host: b}}]}]}",
            ["HTTP status 99 is not in range 200-599"],
        ),
        (
            "VirtualService",
            "{hosts: [a], http: [{headers: {request: {set: {x: '%y'}}}, route: [{destination: {host: b}}]}]}",
            ["header value configuration: invalid header configuration. Un-terminated variable expression '%y'"],
        ),
        ("DestinationRule", "{host: a, trafficPolicy: {}}", ["traffic policy must have at least one field"]),
        ("DestinationRule", "{host: a, subsets: [{name: v}, {name: v}]}", ["duplicate subset names: v"]),
        (
            "DestinationRule",
            "{host: a, trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 4}}}}}",
            ["tableSize must be a prime number for maglev"],
        ),
        (
            "DestinationRule",
            "{host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {failover: [{from: r, to: s}]}}}}",
            ["outlier detection policy must be provided for failover"],
        ),
        (
            "DestinationRule",
            "{host: a, trafficPolicy: {tls: {mode: MUTUAL}}}",
            ["client certificate required for mutual tls", "private key required for mutual tls"],
        ),
        ("Gateway", "{servers: []}", ["gateway must have at least one server"]),
        (
            "Gateway",
            "{servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b]}]}",
            ["server must have TLS settings for HTTPS/TLS protocols"],
        ),
        (
            "Gateway",
            "{servers: [{port: {number: 80, name: s, protocol: HTTP}, hosts: [short]}]}",
            ["short names (non FQDN) are not allowed"],
        ),
        ("ServiceEntry", "{hosts: ['*'], resolution: NONE}", ["invalid host *"]),
        (
            "ServiceEntry",
            "{hosts: [a.b], resolution: STATIC, endpoints: [{address: c.d}],"
            " ports: [{number: 80, name: h, protocol: HTTP}]}",
            ['endpoint address "c.d" is not a valid IP address'],
        ),
        (
            "ServiceEntry",
            "{hosts: [a.b], addresses: [10.0.0.0/8], resolution: DNS, ports: [{number: 80, name: h, protocol: HTTP}]}",
            ["CIDR addresses are allowed only for NONE/STATIC resolution types"],
        ),
        ("Sidecar", "{egress: [{hosts: [a.b]}]}", ["host must be of form namespace/dnsName"]),
        ("Sidecar", "{egress: [{hosts: ['./a.b', 'home/a.b']}]}", ["duplicated egress host: home/a.b"]),
        ("WorkloadEntry", "{}", ["address is required"]),
        ("WorkloadGroup", "{metadata: {labels: {a: b}}, probe: {}}", ["template is required"]),
        (
            "AuthorizationPolicy",
            "{action: DENY}",
            [
                "invalid policy one.home: DENY action without `rules` is meaningless as it will never be triggered, "
                "add an empty rule `{}` if you want it be triggered for every request"
            ],
        ),
        (
            "AuthorizationPolicy",
            "{rules: [{from: [{source: {ipBlocks: [10.0.0.0/99]}}]}]}",
            [
                'invalid policy one.home: bad CIDR range (10.0.0.0/99): netip.ParsePrefix("10.0.0.0/99"): prefix '
                "length out of range"
            ],
        ),
        (
            "AuthorizationPolicy",
            "{rules: [{when: [{key: source.ip, values: [x]}]}]}",
            [
                "invalid policy one.home: invalid `value` for `key` source.ip: 1 error occurred:\n\t* bad IP "
                "address (x)\n\n"
            ],
        ),
        (
            "PeerAuthentication",
            "{portLevelMtls: {80: {mode: STRICT}}}",
            ["mesh/namespace peer authentication cannot have port level mTLS"],
        ),
        ("RequestAuthentication", "{jwtRules: [{audiences: [a]}]}", ["issuer or jwksUri must be non-empty string"]),
        ("RequestAuthentication", "{jwtRules: [{jwksUri: 'ftp://a'}]}", ['URI scheme "ftp" is not supported']),
        ("Telemetry", "{tracing: [{}, {}]}", ["multiple tracing is not currently supported"]),
        ("WasmPlugin", "{url: 'gopher://a'}", ["url contains unsupported scheme: gopher"]),
        ("TrafficExtension", "{}", ["exactly one of wasm or lua must be set"]),
        ("ProxyConfig", "{concurrency: -1}", ["concurrency must be greater than or equal to 0"]),
    ],
)
def test_rule(kind: str, spec: str, expected: list[str]) -> None:
    """The resource breaks exactly the rules that are reported."""
    assert told(kind, spec) == expected


def test_unused_routes_have_codes_of_their_own() -> None:
    """A route behind one without matches is IST0130, an equal match IST0131."""
    match = "match: [{uri: {exact: /a}}], route: [{destination: {host: b}}]"
    found = findings("VirtualService", f"{{hosts: [a], http: [{{{match}}}, {{name: late, {match}}}]}}")
    assert [(each.code, each.arguments) for each in found] == [
        ("IST0131", ('"late"', "#0", "#0")),
        ("IST0130", ('"late"', "all matches used by prior rules")),
    ]
    assert found[1].path == ("spec", "http", 1)


def test_patches_are_held_to_envoys_types() -> None:
    """A field that Envoy does not know is a warning, a type that it does not know an error."""
    patch = "{applyTo: CLUSTER, patch: {operation: MERGE, value: {conect_timeout: 1s}}}"
    assert told("EnvoyFilter", f"{{configPatches: [{patch}]}}")[1:] == [
        'Envoy filter: unknown field "conect_timeout" in envoy.config.cluster.v3.Cluster'
    ]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{hosts: [a], gatways: [b]}", "spec.gatways is not a field; did you mean gateways?"),
        ("{hosts: [a], http: [{corsPolicy: {unmatchedPreflights: X}}]}", "is not one of UNSPECIFIED, FORWARD, IGNORE"),
        ("{hosts: [a], http: [{route: [{weight: 1}]}]}", "spec.http[0].route[0].destination is required"),
        ("{hosts: [a], http: [{match: [{uri: {exact: a, prefix: b}}]}]}", "has exact and prefix; only one is allowed"),
    ],
)
def test_schema(spec: str, expected: str) -> None:
    """Fields that a CRD refuses or does not know are reported by name."""
    manifest = f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\nspec: {spec}\n"
    found = analyzers()["schema.FieldAnalyzer"].analyze(world_of(read(manifest)))
    assert any(expected in text(each) for each in found)

from tests.unit.analysis import codes, deployment, findings, found, namespace, pod, resource, service

SELECTION = "auth.AuthorizationPoliciesAnalyzer"
PROTOCOLS = "mesh.PolicyProtocols"
IDENTITIES = "mesh.UnknownIdentities"
TARGETS = "mesh.PolicyTargets"
TCP = "{name: tcp, port: 5432}"
HTTP = "{name: http, port: 80}"
PATHS = "rules: [{to: [{operation: {paths: [/admin]}}]}]"


def _policy(spec: str, *, selector: str = "selector: {matchLabels: {app: db}}, ") -> str:
    return resource("AuthorizationPolicy", "policy", f"{{{selector}{spec}}}")


def test_a_policy_that_selects_nothing_is_reported_with_its_labels() -> None:
    """The labels are written as kubectl takes them."""
    given = found(SELECTION, _policy("rules: [{}]"), pod("web"))
    assert given == ["IST0127 policy: No matching workloads for this resource with the following labels: app=db"]


def test_templates_stand_for_pods() -> None:
    """A Deployment's template is selected where files hold no pods."""
    assert codes(SELECTION, _policy("rules: [{}]"), deployment("db")) == []


def test_pods_without_proxy_enforce_nothing() -> None:
    """A selected pod outside the mesh does not make a policy effective; one of an ambient namespace does."""
    bare = pod("db").replace("istio-proxy", "helper")
    assert codes(SELECTION, _policy("rules: [{}]"), bare) == ["IST0127 policy"]
    captured = pod("db", annotations="ambient.istio.io/redirection: enabled").replace("istio-proxy", "helper")
    assert codes(SELECTION, _policy("rules: [{}]"), captured) == []


def test_namespaces_of_sources_have_to_exist() -> None:
    """A namespace that does not exist is named; patterns are matched."""
    spec = "rules: [{from: [{source: {namespaces: [ghost, 'sh*']}}]}]"
    given = found(SELECTION, _policy(spec), pod("db"), namespace("shop"))
    assert given == ['IST0101 policy: Referenced namespace not found: "ghost"']


def test_deny_with_paths_denies_all_of_a_tcp_port() -> None:
    """The effect is worded with port and workload."""
    given = found(PROTOCOLS, _policy(f"action: DENY, {PATHS}"), deployment("db"), service("db", ports=TCP))
    assert given[0].endswith("the rule denies every connection to TCP port 5432 of shop/db.")


def test_deny_limited_to_http_ports_is_fine() -> None:
    """A rule for the HTTP port only does not touch the TCP port."""
    spec = "action: DENY, rules: [{to: [{operation: {paths: [/admin], ports: ['80']}}]}]"
    assert codes(PROTOCOLS, _policy(spec), deployment("db"), service("db", ports=f"{HTTP}, {TCP}")) == []


def test_http_conditions_on_http_ports_are_fine() -> None:
    """Paths are what HTTP ports have; sniffed ports may have them."""
    for ports in (HTTP, "{name: web, port: 8080}"):
        assert codes(PROTOCOLS, _policy(f"action: DENY, {PATHS}"), deployment("db"), service("db", ports=ports)) == []


def test_allow_with_methods_allows_nothing_on_tcp() -> None:
    """A workload of TCP ports only is closed by an ALLOW rule with HTTP conditions."""
    assert codes(PROTOCOLS, _policy(PATHS), deployment("db"), service("db", ports=TCP)) == ["KM0005 policy"]


def test_allow_with_paths_beside_tcp_is_an_information() -> None:
    """Where HTTP ports are meant, closed TCP ports are worth a note only."""
    assert codes(PROTOCOLS, _policy(PATHS), deployment("db"), service("db", ports=f"{HTTP}, {TCP}")) == [
        "KM0006 policy"
    ]


def test_another_rule_may_allow_the_tcp_port() -> None:
    """Nothing is closed where another rule allows the port."""
    spec = "rules: [{to: [{operation: {paths: [/a]}}]}, {to: [{operation: {ports: ['5432']}}]}]"
    assert codes(PROTOCOLS, _policy(spec), deployment("db"), service("db", ports=f"{HTTP}, {TCP}")) == []


def test_principals_that_nobody_has_are_reported() -> None:
    """An ALLOW rule for a service account without workloads allows no requests."""
    spec = "rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/nobody]}}]}]"
    assert codes(IDENTITIES, _policy(spec), deployment("db")) == ["KM0009 policy"]
    assert codes(IDENTITIES, _policy(spec.replace("nobody", "db")), deployment("db")) == []


def test_identities_elsewhere_are_not_judged() -> None:
    """Other trust domains, namespaces that the input lacks, patterns and DENY rules stay without comment."""
    spec = "rules: [{from: [{source: {principals: [PRINCIPAL]}}]}]"
    for principal in ("other.org/ns/shop/sa/nobody", "cluster.local/ns/dev/sa/nobody", "'*/sa/nobody'"):
        assert codes(IDENTITIES, _policy(spec.replace("PRINCIPAL", principal)), deployment("db")) == []
    denied = _policy("action: DENY, " + spec.replace("PRINCIPAL", "cluster.local/ns/shop/sa/nobody"))
    assert codes(IDENTITIES, denied, deployment("db")) == []


def test_a_policy_needs_its_target() -> None:
    """A policy for a waypoint that does not exist is enforced nowhere."""
    reference = "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]"
    (given,) = findings(TARGETS, _policy(reference, selector=""))
    assert given.code == "KM0016"
    assert given.witness == "Gateway shop/waypoint: not found; no proxy enforces the policy"


def test_a_gateway_hears_what_its_gateways_open() -> None:
    """HTTPS that a gateway terminates is HTTP to its policies, whatever the names of its service's ports."""
    deny = _policy("action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]")
    tls = "{port: {number: 8443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: MODE, credentialName: a}}"
    gateway = resource("Gateway", "front", f"{{selector: {{app: db}}, servers: [{tls}]}}")
    service_of = service("db", ports="{name: https, port: 443, targetPort: 8443}")
    pods = pod("db")
    assert codes(PROTOCOLS, deny, gateway.replace("MODE", "SIMPLE"), service_of, pods) == []
    assert codes(PROTOCOLS, deny, gateway.replace("MODE", "PASSTHROUGH"), service_of, pods) == ["KM0004 policy"]
    router = pods.replace("image: proxy", "image: proxy, args: [proxy, router]")
    assert codes(PROTOCOLS, deny, service_of, pods) == ["KM0004 policy"]
    assert codes(PROTOCOLS, deny, service_of, router) == []


def test_a_policy_that_is_only_tried_out_changes_nothing() -> None:
    """Policies with the dry-run annotation are not judged by their effect."""
    deny = _policy("action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]")
    tried = deny.replace("namespace: shop}", "namespace: shop, annotations: {istio.io/dry-run: 'true'}}")
    assert codes(PROTOCOLS, deny, service("db", ports=TCP), pod("db")) == ["KM0004 policy"]
    assert codes(PROTOCOLS, tried, service("db", ports=TCP), pod("db")) == []

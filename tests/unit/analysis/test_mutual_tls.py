from tests.unit.analysis import codes, deployment, findings, namespace, pod, resource, service

MODES = "mesh.MutualTlsDisagreements"
IDENTITIES = "mesh.LostIdentities"
STRICT = resource("PeerAuthentication", "default", "{mtls: {mode: STRICT}}")


def _rule(tls: str = "tls: {mode: DISABLE}", *, host: str = "web") -> str:
    return resource("DestinationRule", "web", f"{{host: {host}, trafficPolicy: {{{tls}}}}}")


def test_plain_text_towards_strict_servers_is_an_error() -> None:
    """A host-wide DISABLE meets a namespace-wide STRICT."""
    (given,) = findings(MODES, _rule(), STRICT, service("web"), deployment("web"))
    assert given.code == "KM0007"
    assert "web.shop:80" in given.witness


def test_settings_of_a_port_displace_those_of_the_host() -> None:
    """A port's own settings count for the port, and only they."""
    port = "portLevelSettings: [{port: {number: 80}, tls: {mode: ISTIO_MUTUAL}}]"
    assert codes(MODES, _rule(f"tls: {{mode: DISABLE}}, {port}"), STRICT, service("web"), deployment("web")) == []
    port = "portLevelSettings: [{port: {number: 80}, tls: {mode: DISABLE}}]"
    assert codes(MODES, _rule(port), STRICT, service("web"), deployment("web")) == ["KM0007 web"]


def test_permissive_servers_take_both() -> None:
    """Without STRICT plain text is accepted."""
    assert codes(MODES, _rule(), service("web"), deployment("web")) == []


def test_a_port_may_be_exempt_from_strict() -> None:
    """portLevelMtls of the target port decides for that port."""
    spec = "{selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: PERMISSIVE}}}"
    exempt = resource("PeerAuthentication", "web", spec)
    ports = "{name: http, port: 80, targetPort: 8080}"
    assert codes(MODES, _rule(), exempt, service("web", ports=ports), deployment("web")) == []


def test_the_workload_policy_displaces_the_namespace_policy() -> None:
    """The policy that selects the workload counts before the namespace's."""
    exempt = resource("PeerAuthentication", "web", "{selector: {matchLabels: {app: web}}, mtls: {mode: PERMISSIVE}}")
    assert codes(MODES, _rule(), STRICT, exempt, service("web"), deployment("web")) == []


def test_tunnels_of_ztunnel_ignore_the_mode() -> None:
    """Towards captured pods the tunnel is used whatever the DestinationRule says."""
    captured = pod("web", annotations="ambient.istio.io/redirection: enabled").replace("istio-proxy", "helper")
    assert codes(MODES, _rule(), STRICT, service("web"), captured) == []


def test_mutual_tls_needs_a_proxy_at_the_server() -> None:
    """ISTIO_MUTUAL towards pods without proxy fails, towards pods with proxy it is what happens anyway."""
    bare = pod("web").replace("istio-proxy", "helper")
    mutual = _rule("tls: {mode: ISTIO_MUTUAL}")
    assert codes(MODES, mutual, service("web"), bare) == ["KM0011 web"]
    assert codes(MODES, mutual, service("web"), pod("web")) == []


def test_identities_need_mutual_tls() -> None:
    """A policy that asks for a principal has no effect where mutual TLS is disabled."""
    policy = resource("AuthorizationPolicy", "policy", "{rules: [{from: [{source: {principals: ['*']}}]}]}")
    disabled = resource("PeerAuthentication", "default", "{mtls: {mode: DISABLE}}")
    (given,) = findings(IDENTITIES, policy, disabled, deployment("web"), namespace("shop"))
    assert given.code == "KM0010"
    assert codes(IDENTITIES, policy, deployment("web"), namespace("shop")) == []

from tests.unit.analysis import codes, resource, service

ROUTES = "mesh.RouteProtocols"
TOKENS = "mesh.TokenRequirements"
IMPORTS = "mesh.SidecarImports"
HTTP = "http: [{route: [{destination: {host: db}}]}]"
JWT = resource("RequestAuthentication", "jwt", "{jwtRules: [{issuer: me}]}")


def _routes(more: str = "") -> str:
    return resource("VirtualService", "db", f"{{hosts: [db]{more}, {HTTP}}}")


def test_http_rules_of_a_tcp_service_are_reported() -> None:
    """Rules for HTTP meet no request of a port that is declared as TCP."""
    assert codes(ROUTES, _routes(), service("db", ports="{name: tcp, port: 3306}")) == ["KM0008 db"]


def test_one_http_port_is_enough_for_http_rules() -> None:
    """A service with an HTTP port, or one that is sniffed, has requests to route."""
    for ports in ("{name: tcp, port: 3306}, {name: http, port: 80}", "{name: data, port: 9000}"):
        assert codes(ROUTES, _routes(), service("db", ports=ports)) == []


def test_rules_for_port_80_are_met_where_the_host_has_other_ports() -> None:
    """istiod routes them on the listener for port 80 of any address, unless the host has that port as TCP."""
    rules = resource("VirtualService", "db", f"{{hosts: [db], {HTTP.replace('[{', '[{match: [{port: 80}], ', 1)}}}")
    assert codes(ROUTES, rules, service("db", ports="{name: tls, port: 443}")) == []
    assert codes(ROUTES, rules, service("db", ports="{name: tcp, port: 80}")) == ["KM0008 db"]


def test_rules_of_gateways_are_http_whatever_the_service_is() -> None:
    """A gateway speaks HTTP on its own port."""
    assert codes(ROUTES, _routes(", gateways: [front]"), service("db", ports="{name: tcp, port: 3306}")) == []


def test_tokens_that_nothing_requires_are_noted() -> None:
    """A RequestAuthentication alone lets requests without token pass."""
    assert codes(TOKENS, JWT) == ["KM0015 jwt"]


def test_a_policy_may_require_the_token() -> None:
    """Any policy on request principals or claims of the same workloads requires tokens."""
    rules = "rules: [{from: [{source: {requestPrincipals: ['*']}}]}]"
    assert codes(TOKENS, JWT, resource("AuthorizationPolicy", "all", f"{{{rules}}}")) == []
    when = "rules: [{when: [{key: 'request.auth.claims[iss]', values: [me]}]}]"
    assert codes(TOKENS, JWT, resource("AuthorizationPolicy", "all", f"{{{when}}}")) == []
    assert codes(TOKENS, JWT, resource("AuthorizationPolicy", "all", f"{{{rules}}}", namespace="ops")) == ["KM0015 jwt"]


def test_rules_outside_the_sidecar_scope_are_reported() -> None:
    """A private VirtualService whose host the namespace's Sidecar does not import has no effect."""
    private = _routes(", exportTo: ['.']")
    narrow = resource("Sidecar", "default", "{egress: [{hosts: [./web.shop.svc.cluster.local]}]}")
    assert codes(IMPORTS, private, narrow) == ["KM0017 db"]
    assert codes(IMPORTS, private, resource("Sidecar", "default", "{egress: [{hosts: [./*]}]}")) == []


def test_rules_for_everybody_may_be_meant_for_others() -> None:
    """A public VirtualService is not judged by the Sidecar of its own namespace."""
    narrow = resource("Sidecar", "default", "{egress: [{hosts: [./web.shop.svc.cluster.local]}]}")
    assert codes(IMPORTS, _routes(), narrow) == []

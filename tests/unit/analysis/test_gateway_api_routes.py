from kubectl_mesh.analysis.registry import analyzers
from tests.unit.analysis import codes, found, namespace, resource, service, world

PARENTS = "mesh.RouteParents"
BACKENDS = "mesh.RouteBackends"


def _gateway(more: str = "", *, name: str = "front", space: str = "shop") -> str:
    return f"""
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: {{name: {name}, namespace: {space}}}
    spec: {{gatewayClassName: istio, listeners: [{{name: http, port: 80, protocol: HTTP{more}}}]}}
    """


def _route(parent: str = "name: front", backend: str = "name: web, port: 80") -> str:
    spec = f"{{parentRefs: [{{{parent}}}], rules: [{{backendRefs: [{{{backend}}}]}}]}}"
    return resource("HTTPRoute", "route", spec)


def test_a_missing_parent_is_an_error() -> None:
    """A route of a gateway that does not exist has no effect."""
    given = found(PARENTS, _route())
    assert given == ["KM0012 route: The route has no effect through its parent: Gateway shop/front does not exist."]
    assert codes(PARENTS, _route(), _gateway()) == []


def test_gateways_that_files_leave_out_altogether_are_elsewhere() -> None:
    """A pull request about a route need not hold the gateway; where it holds others, the named one is missed."""
    policy = "{targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: front}]}"
    for gateways, expected in (((), []), ((_gateway(name="back"),), ["KM0012", "KM0016"])):
        given = world(_route(), resource("AuthorizationPolicy", "policy", policy), *gateways)
        given.partial = True
        asked = (analyzers()[name] for name in (PARENTS, "mesh.PolicyTargets"))
        assert [finding.code for each in asked for finding in each.analyze(given)] == expected


def test_a_parent_needs_the_section_and_port() -> None:
    """A listener that the gateway lacks is named."""
    assert "has no listener https" in found(PARENTS, _route("name: front, sectionName: https"), _gateway())[0]
    assert codes(PARENTS, _route("name: front, port: 81"), _gateway()) == ["KM0012 route"]


def test_gateways_take_routes_of_their_own_namespace_by_default() -> None:
    """Another namespace needs allowedRoutes."""
    parent = "name: front, namespace: edge"
    assert codes(PARENTS, _route(parent), _gateway(space="edge")) == ["KM0012 route"]
    everywhere = ", allowedRoutes: {namespaces: {from: All}}"
    assert codes(PARENTS, _route(parent), _gateway(everywhere, space="edge")) == []
    selected = ", allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: a}}}}"
    given = (_route(parent), _gateway(selected, space="edge"))
    assert codes(PARENTS, *given, namespace("shop", "team: a")) == []
    assert codes(PARENTS, *given, namespace("shop", "team: b")) == ["KM0012 route"]


def test_a_missing_backend_is_an_error() -> None:
    """The service and its port have to exist."""
    assert codes(BACKENDS, _route(), service("web")) == []
    assert codes(BACKENDS, _route(), service("other")) == ["KM0013 route"]
    assert codes(BACKENDS, _route(backend="name: web, port: 81"), service("web")) == ["KM0013 route"]


def test_backends_of_other_namespaces_need_a_grant() -> None:
    """A ReferenceGrant in the backend's namespace lets the route's namespace refer to it."""
    given = (_route(backend="name: web, namespace: ops, port: 80"), service("web", namespace="ops"))
    assert codes(BACKENDS, *given) == ["KM0014 route"]
    source = "{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}"
    spec = f"{{from: [{source}], to: [{{group: '', kind: Service}}]}}"
    assert codes(BACKENDS, *given, resource("ReferenceGrant", "grant", spec, namespace="ops")) == []


def test_routes_of_services_need_no_grant() -> None:
    """A route for callers in the mesh may name a service of another namespace."""
    parent = "group: '', kind: Service, name: web, namespace: ops"
    given = _route(parent, "name: web, namespace: ops, port: 80")
    assert codes(BACKENDS, given, service("web", namespace="ops")) == []
    assert codes(PARENTS, given, service("web", namespace="ops")) == []

"""Gateway API routes: their parents, their backends, and the grants that other namespaces' backends need.

istiod: pilot/pkg/config/kube/gatewaycommon (parents, references). Its verdict is written to the route's status; this is
the same verdict before the route is applied.
"""

from collections.abc import Iterator, Mapping, Sequence

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.grants import GATEWAY_API, allowed, grants
from kubectl_mesh.analysis.hosts import is_elsewhere
from kubectl_mesh.analysis.world import World
from simulator.model.labels import label_selector_selects
from simulator.model.resources import Resource
from simulator.model.wire import Json

_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")
_GATEWAY = (GATEWAY_API, "Gateway")
_MESH_PARENTS = {("", "Service"), ("networking.istio.io", "ServiceEntry")}
_LISTENER_PROTOCOLS = {
    "HTTPRoute": ("HTTP", "HTTPS"),
    "GRPCRoute": ("HTTP", "HTTPS"),
    "TLSRoute": ("TLS",),
    "TCPRoute": ("TCP", "TLS"),
}


def _kind(reference: Json, group: str, kind: str) -> tuple[str, str]:
    written = reference.get("group")
    return (group if written is None else str(written)), str(reference.get("kind") or kind)


def _parents(world: World) -> Iterator[Finding]:
    gateways = {(each.namespace, each.name): each for each in world.of_kind(f"{GATEWAY_API}/Gateway")}
    for kind in _ROUTES:
        for route in world.of_kind(kind):
            for index, reference in enumerate(route.spec.get("parentRefs") or ()):
                name = (reference.get("namespace") or route.namespace, reference.get("name") or "")
                target = _kind(reference, GATEWAY_API, "Gateway")
                if target in _MESH_PARENTS:
                    unknown = target[1] in world.absent or world.leaves_out(target[1])
                    why = "" if unknown or world.find(target[1], *name) else "does not exist"
                elif target == _GATEWAY:
                    gateway = gateways.get(name)
                    missing = "" if world.leaves_out("/".join(_GATEWAY)) else "does not exist"
                    why = _refusal(world, route, gateway, reference) if gateway else missing
                else:
                    continue
                if why:
                    yield Finding(
                        code="KM0012",
                        resource=route,
                        arguments=(f"{target[1]} {'/'.join(name)}", why),
                        path=("spec", "parentRefs", index),
                        witness=_witness(route, f"is answered by no rule of {kind} {route.name}"),
                    )


def _witness(route: Resource, effect: str) -> str:
    host = (route.spec.get("hostnames") or ["any.example"])[0]
    return f"a request for {str(host).replace('*', 'any', 1)} {effect}"


def _refusal(world: World, route: Resource, gateway: Resource, reference: Json) -> str:
    """Return why no listener of a gateway accepts a route; empty when one does."""
    listeners: Sequence[Json] = gateway.spec.get("listeners") or ()
    section, port = reference.get("sectionName"), reference.get("port")
    named = [each for each in listeners if section in (None, each.get("name")) and port in (None, each.get("port"))]
    if not named:
        if section and world.of_kind("ListenerSet"):
            return ""
        return f"has no listener {section}" if section else f"has no listener on port {port}"
    fitting = [each for each in named if _takes_kind(each, route.kind)]
    if not fitting:
        return f"has no listener for a {route.kind} there"
    if not any(_takes_namespace(world, each, route, gateway) for each in fitting):
        return f"accepts no routes of namespace {route.namespace}: its listeners' allowedRoutes do not name it"
    return ""


def _takes_kind(listener: Json, kind: str) -> bool:
    kinds = (listener.get("allowedRoutes") or {}).get("kinds")
    if kinds:
        return any(each.get("kind") == kind for each in kinds)
    protocol = str(listener.get("protocol") or "")
    return "/" in protocol or protocol not in ("HTTP", "HTTPS", "TLS", "TCP") or protocol in _LISTENER_PROTOCOLS[kind]


def _takes_namespace(world: World, listener: Json, route: Resource, gateway: Resource) -> bool:
    allowed_from = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
    match allowed_from.get("from") or "Same":
        case "Same":
            return route.namespace == gateway.namespace
        case "Selector":
            namespace = world.find("Namespace", "", route.namespace)
            if namespace is None:
                return True
            labels: Mapping[str, str] = {**namespace.labels, "kubernetes.io/metadata.name": namespace.name}
            return label_selector_selects(allowed_from.get("selector") or {}, labels)
    return True


def _backends(world: World) -> Iterator[Finding]:
    for kind in _ROUTES:
        for route in world.of_kind(kind):
            for path, reference in _backend_references(route):
                yield from _judge_backend(world, route, path, reference)


def _backend_references(route: Resource) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    for i, rule in enumerate(route.spec.get("rules") or ()):
        for j, backend in enumerate(rule.get("backendRefs") or ()):
            yield ("spec", "rules", i, "backendRefs", j), backend
        for j, each in enumerate(rule.get("filters") or ()):
            mirror = (each.get("requestMirror") or {}).get("backendRef")
            if mirror:
                yield ("spec", "rules", i, "filters", j, "requestMirror", "backendRef"), mirror


def _judge_backend(world: World, route: Resource, path: tuple[str | int, ...], reference: Json) -> Iterator[Finding]:
    target = _kind(reference, "", "Service")
    if target != ("", "Service"):
        return
    name = (reference.get("namespace") or route.namespace, reference.get("name") or "")
    text, port = "/".join(name), reference.get("port")
    effect = _witness(route, "that reaches this rule is answered with 500")
    service = world.find("Service", *name)
    if (
        name[0] != route.namespace
        and _on_gateway(route)
        and not allowed(world.once(grants), route, target=target, name=name)
    ):
        sender = f"{route.kind} of namespace {route.namespace}"
        yield Finding(code="KM0014", resource=route, arguments=(f"Service {text}", sender), path=path, witness=effect)
    elif service is None and is_elsewhere(world, name[0], name[1]):
        return
    elif service is None:
        yield Finding(code="KM0013", resource=route, arguments=(f"Service {text}",), path=path, witness=effect)
    elif port and port not in [each.get("port") for each in service.spec.get("ports") or ()]:
        missing = f"port {port} of Service {text}"
        yield Finding(code="KM0013", resource=route, arguments=(missing,), path=path, witness=effect)


def _on_gateway(route: Resource) -> bool:
    """Tell whether a route is attached to a gateway: routes of services, for callers in the mesh, need no grants."""
    parents = route.spec.get("parentRefs") or ()
    return any(_kind(each, GATEWAY_API, "Gateway") == _GATEWAY for each in parents)


ANALYZERS = (
    Check(
        name="mesh.RouteParents",
        description="Finds Gateway API routes that no gateway or service accepts",
        inputs=(*_ROUTES, f"{GATEWAY_API}/Gateway"),
        hints=("Service", "ServiceEntry", "Namespace", "ListenerSet"),
        run=_parents,
    ),
    Check(
        name="mesh.RouteBackends",
        description="Finds Gateway API routes to services that are missing, or that no ReferenceGrant allows",
        inputs=(*_ROUTES, "Service", "ReferenceGrant"),
        run=_backends,
    ),
)

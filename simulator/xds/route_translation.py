"""The HTTP rules of one VirtualService → Envoy routes.

istiod: pilot/pkg/networking/core/route/route.go (BuildHTTPRoutesForVirtualService, TranslateRoute).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from simulator.model.labels import Labels, selects
from simulator.model.names import ClusterName
from simulator.model.resources import ObjectRef, Provenance
from simulator.model.services import Service
from simulator.model.wire import Json, Route, Sourced, source_of
from simulator.registry.scopes import VirtualService
from simulator.registry.snapshot import Snapshot
from simulator.xds.hash_policy import hash_policy
from simulator.xds.header_operations import header_operations
from simulator.xds.retry_policy import retry_policy
from simulator.xds.route_action import RouteContext, direct_response, forward, redirect, timeouts
from simulator.xds.route_filters import filter_overrides
from simulator.xds.route_match import is_catch_all, route_match
from simulator.xds.route_targets import RuleTargets

_SEMANTICS = "internal.istio.io/route-semantics"

Selection = tuple[tuple[int, int], ...]
"""Rule and match block (-1: the rule has none), for each that applies to a proxy."""


@dataclass(frozen=True, slots=True, eq=False)
class RouteList:
    """The routes of a virtual host; one object is one list, however many virtual hosts and proxies share it."""

    routes: list[Route]


def has_gateway_semantics(virtual_service: VirtualService) -> bool:
    """Tell whether a rule was made from a Gateway API route, which differs in matching and errors."""
    return virtual_service.resource.annotations.get(_SEMANTICS) == "gateway"


def has_ingress_semantics(virtual_service: VirtualService) -> bool:
    """Tell whether a rule was made from an Ingress."""
    return virtual_service.resource.annotations.get(_SEMANTICS) == "ingress"


def selection(virtual_service: VirtualService, *, port: int, gateway: str, labels: Labels, namespace: str) -> Selection:
    """Select the match blocks that apply to a proxy at a port of a mesh listener or a gateway server."""
    return tuple(_selected(virtual_service, port=port, gateway=gateway, labels=labels, namespace=namespace))


def source_label_keys(virtual_services: Collection[VirtualService]) -> frozenset[str]:
    """Return the proxy labels on which a route of these rules may depend."""
    return frozenset(
        key
        for virtual_service in virtual_services
        for http in virtual_service.spec.get("http") or ()
        for match in http.get("match") or ()
        for key in match.get("sourceLabels") or ()
    )


def virtual_service_routes(
    snapshot: Snapshot,
    virtual_service: VirtualService,
    selected: Selection,
    targets: tuple[RuleTargets, ...],
    context: RouteContext,
) -> RouteList:
    """Translate the selected match blocks in order, up to the first that takes every request."""
    routes: list[Route] = []
    rules = virtual_service.spec.get("http") or ()
    for rule, block in selected:
        http: Json = rules[rule]
        match = None if block < 0 else http["match"][block]
        route = _route(snapshot, virtual_service, http=http, match=match, targets=targets[rule], context=context)
        routes.append(Sourced(route, _provenance(virtual_service, rule=rule, block=block)))  # type: ignore[arg-type]
        if match is None or is_catch_all(route):
            break
    return RouteList(routes)


def default_routes(snapshot: Snapshot, host: str, port: int, hashed: str, source: ObjectRef) -> RouteList:
    """Return the one route of a service port that no VirtualService routes."""
    action: Json = {"cluster": f"outbound|{port}||{host}"} | timeouts(None)
    policy = retry_policy(snapshot.mesh.get("defaultHttpRetryPolicy"))
    if policy is not None:
        action["retry_policy"] = policy
    hashing = hash_policy(hashed)
    if hashing is not None:
        action["hash_policy"] = [hashing]
    route: Json = {
        "name": "default",
        "match": route_match(None),
        "decorator": {"operation": f"{host}:{port}/*"},
        "route": action,
    }
    return RouteList([Sourced(route, Provenance(ref=source))])  # type: ignore[list-item]


def service_routes(snapshot: Snapshot, service: Service, port: int, hashed: str) -> RouteList:
    """Return the default route of a service, whose provenance is the service."""
    return default_routes(snapshot, service.host, port, hashed, service.source)


def _selected(
    virtual_service: VirtualService, *, port: int, gateway: str, labels: Labels, namespace: str
) -> Iterator[tuple[int, int]]:
    for rule, http in enumerate(virtual_service.spec.get("http") or ()):
        matches = http.get("match") or ()
        if not matches:
            yield rule, -1
            return
        for block, match in enumerate(matches):
            if match.get("port") and int(match["port"]) != port:
                continue
            if _source_matches(match, gateway=gateway, labels=labels, namespace=namespace):
                yield rule, block


def _source_matches(match: Json, *, gateway: str, labels: Labels, namespace: str) -> bool:
    """Gateways, where a match names them, decide alone; else labels and namespace of the client do."""
    if match.get("gateways"):
        return gateway in match["gateways"]
    if not selects(match.get("sourceLabels") or {}, labels):
        return False
    return (match.get("sourceNamespace") or "") in ("", namespace)


def _route(
    snapshot: Snapshot,
    virtual_service: VirtualService,
    *,
    http: Json,
    match: Json | None,
    targets: RuleTargets,
    context: RouteContext,
) -> Route:
    gateway_api = has_gateway_semantics(virtual_service)
    separated = gateway_api or has_ingress_semantics(virtual_service)
    ref = virtual_service.resource
    config = f"/apis/networking.istio.io/v1/namespaces/{ref.namespace}/virtual-service/{ref.name}"
    route: Route = {
        "match": route_match(match, separated_prefix=separated),
        "metadata": {"filter_metadata": {"istio": {"config": config}}},
    }
    name = _name(http, match)
    if name:
        route["name"] = name
    if match and match.get("statPrefix"):
        route["stat_prefix"] = match["statPrefix"]
    operations, authority = header_operations(http.get("headers"))
    route.update(operations)  # type: ignore[typeddict-item]
    if http.get("redirect"):
        action = redirect(http["redirect"], gateway_api=gateway_api, context=context)
        if action is not None:
            route["redirect"] = action
    elif http.get("directResponse"):
        route["direct_response"] = direct_response(http["directResponse"])
    else:
        forward(route, http, targets, authority=authority, gateway_api=gateway_api, context=context, snapshot=snapshot)
    route["decorator"] = {"operation": _operation(route, virtual_service, port=context.port)}
    overrides = filter_overrides(http, _session(http, targets) if "route" in route else "")
    if overrides:
        route["typed_per_filter_config"] = overrides
    return route


def _name(http: Json, match: Json | None) -> str:
    name: str = http.get("name") or ""
    return f"{name}.{match['name']}" if match and match.get("name") else name


def _operation(route: Route, virtual_service: VirtualService, *, port: int) -> str:
    """Name the operation for traces: the destination where there is one, else the rule, with the path."""
    match = route["match"]
    if "prefix" in match:
        path = match["prefix"] + "*"
    elif "path" in match:
        path = match["path"]
    elif "safe_regex" in match:
        path = match["safe_regex"]["regex"]
    else:
        path = "/*"
    cluster = route.get("route", {}).get("cluster", "")
    name = ClusterName.parse(cluster) if cluster.count("|") == 3 else None
    if name is not None:
        return f"{name.host}:{name.port}{path}"
    return f"{virtual_service.resource.name}:{port}{path}"


def _session(http: Json, targets: RuleTargets) -> str:
    """Return the affinity of the first destination that has one; later ones without reset it, as in istiod."""
    chosen = ""
    weighted = len(targets.destinations) != 1
    for destination, target in zip(http.get("route") or (), targets.destinations, strict=True):
        if weighted and not destination.get("weight"):
            continue
        if target.session and chosen:
            break
        chosen = target.session
    return chosen


def _provenance(virtual_service: VirtualService, *, rule: int, block: int) -> Provenance:
    """Name the rule as written: that of a delegate where the rule came from one."""
    http = virtual_service.spec["http"][rule]
    match = http["match"][block] if block >= 0 else None
    own = source_of(match)
    if isinstance(own, Provenance):
        return own
    source = source_of(http)
    if not isinstance(source, Provenance):
        source = Provenance(ref=virtual_service.resource.ref, path=("spec", "http", rule))
    if block < 0 or source.ref.kind != "VirtualService":
        return source  # a route of the Gateway API makes a rule of each match, which names it already
    return Provenance(ref=source.ref, path=(*source.path, "match", block))

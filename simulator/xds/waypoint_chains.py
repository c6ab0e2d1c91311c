"""Filter chains of a waypoint's services.

istiod: pilot/pkg/networking/core/listener_waypoint.go (buildWaypointInboundHTTPFilters, buildWaypointHTTPFilters,
buildWaypointNetworkFilters).
"""

from dataclasses import dataclass

from simulator.model.ports import Port, Protocol
from simulator.model.services import Service
from simulator.model.wire import FilterChain, Json
from simulator.registry.scopes import DestinationRule
from simulator.xds import http_filters as filters
from simulator.xds.envoy_messages import typed_struct
from simulator.xds.extension_filters import http_filters as extension_filters
from simulator.xds.hbone_listeners import client_identity
from simulator.xds.http_connection_manager import HttpOptions, http_connection_manager, stat_prefix
from simulator.xds.listener_context import ListenerContext
from simulator.xds.network_filters import guarded_filters, protocol_filters
from simulator.xds.outbound_destinations import is_dynamic_wildcard, proxy_by_rule, sni_proxy
from simulator.xds.stat_names import stat_name
from simulator.xds.waypoint_routes import ENCAP, WaypointRoutes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPort:
    """A service port that a waypoint serves; without a service, what goes to workloads themselves."""

    service: Service | None
    port: Port
    tells_identity: bool = False

    def name(self, kind: str) -> str:
        """Return the name of its chain, which is that of its cluster."""
        if self.service is None:
            return ENCAP
        return f"inbound-vip|{self.port.number}|{kind}|{self.service.host}"


def http_chain(context: ListenerContext, routes: WaypointRoutes, place: ChainPort, *, name: str) -> FilterChain:
    """Build the chain of a port on which HTTP is seen."""
    manager: Json = {}
    if place.port.protocol.is_http2:
        manager["http2_protocol_options"] = {}
    if place.tells_identity:
        manager["forward_client_cert_details"] = "ALWAYS_FORWARD_ONLY"
    number = place.port.number
    options = HttpOptions(
        stat_prefix=stat_prefix(f"inbound_0.0.0.0_{number}"),
        port=number,
        protocol=place.port.protocol,
        route_config=routes.configuration(place.service, cluster=place.name("http"), port=number),
        manager=manager,
        filters=tuple(_http_filters(context, place)),
    )
    return {"name": name, "filters": [http_connection_manager(context, options)]}


def _http_filters(context: ListenerContext, place: ChainPort) -> list[Json]:
    authorization, service = context.authorization, place.service

    def extensions(phase: str) -> list[Json]:
        return extension_filters(context.extensions, phase, port=0, cls=context.cls)

    wildcard = service.host if service is not None and service.host.startswith("*") else ""
    return [
        *([client_identity()] if place.tells_identity else []),
        *authorization.custom_http,
        *extensions("AUTHN"),
        *context.authentication,
        *extensions("AUTHZ"),
        *authorization.http,
        *([filters.GRPC_WEB] if place.port.protocol is Protocol.GRPC_WEB else []),
        filters.GRPC_STATS,
        filters.FAULT,
        filters.CORS,
        *([filters.dynamic_forward_proxy(wildcard)] if wildcard else []),
        *extensions("STATS"),
        *extensions(""),
        _upstream_metadata(context),
        *context.stats,
        filters.router(quiet=context.headers.quiet),
    ]


def _upstream_metadata(context: ListenerContext) -> Json:
    discovery: list[Json] = [{"workload_discovery": {}}]
    if context.snapshot.flag("AMBIENT_ENABLE_BAGGAGE", default=False):
        discovery.append({"upstream_filter_state": {"peer_metadata_key": "upstream_peer"}})
    kind = "io.istio.http.peer_metadata.Config"
    return typed_struct("waypoint_upstream_peer_metadata", kind, {"upstream_discovery": discovery})


def tcp_chain(context: ListenerContext, routes: WaypointRoutes, place: ChainPort, *, name: str) -> FilterChain:
    """Build the chain of a port whose bytes are forwarded as they come."""
    service, port = place.service, place.port
    cluster = place.name("tcp")
    prefix, pattern = cluster, context.snapshot.mesh.get("inboundClusterStatName")
    if pattern and service is not None:
        prefix = stat_name(pattern, service=service, port=port)
    targets = routes.tcp_targets(service, port.number) if service is not None else []
    rule, subset = _rule(routes, service, targets)
    target = _target(routes, targets, port.number) or {"cluster": cluster}
    proxy = proxy_by_rule(context, prefix, target, rule=rule, subset=subset)
    stack = protocol_filters(context.snapshot, port.protocol, proxy, stat_prefix=prefix, cluster=cluster)
    if service is not None and is_dynamic_wildcard(service):
        stack = [sni_proxy(service.host, port.number), *stack]
    return {"name": name, "filters": guarded_filters(context, stack, port=port.number, with_peer=True)}


def _rule(routes: WaypointRoutes, service: Service | None, targets: list[Json]) -> tuple[DestinationRule | None, str]:
    """Return the DestinationRule of the first destination, else of the service, and the only destination's subset."""
    if service is None:
        return None, ""
    first: Json = targets[0].get("destination") or {} if targets else {}
    subset = first.get("subset") or "" if len(targets) == 1 else ""
    return routes.rule(first.get("host") or service.host), subset


def _target(routes: WaypointRoutes, targets: list[Json], port: int) -> Json | None:
    if not targets:
        return None
    if len(targets) == 1:
        return {"cluster": routes.cluster(targets[0].get("destination") or {}, port)}
    clusters = [
        {"name": routes.cluster(target.get("destination") or {}, port), "weight": target["weight"]}
        for target in targets
        if (target.get("weight") or 0) > 0
    ]
    return {"weighted_clusters": {"clusters": clusters}}

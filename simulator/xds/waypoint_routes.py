"""Routes in place of a waypoint's filter chains, and the clusters that destinations have there.

istiod: pilot/pkg/networking/core/listener_waypoint.go (buildWaypointInboundHTTPRouteConfig,
getWaypointDestinationCluster, getWaypointTCPRoutes).
"""

from dataclasses import dataclass

from simulator.model.names import host_matches, outbound
from simulator.model.ports import Port
from simulator.model.services import Resolution, Service
from simulator.model.wire import Json, Route
from simulator.registry.scopes import DestinationRule, SidecarScope, VirtualService
from simulator.registry.snapshot import Snapshot
from simulator.xds.hash_policy import uses_hash
from simulator.xds.listener_settings import ListenerSettings
from simulator.xds.retry_policy import retry_policy
from simulator.xds.route_action import RouteContext, timeouts
from simulator.xds.route_filters import keeps_sessions, session_of
from simulator.xds.route_match import route_match
from simulator.xds.route_targets import UNKNOWN_SERVICE, Resolver
from simulator.xds.route_translation import selection, virtual_service_routes

MESH = "mesh"
ENCAP = "encap"
_BODY_LIMIT = 1048576


@dataclass(frozen=True, slots=True, kw_only=True)
class WaypointResolver(Resolver):
    """Resolves destinations on a waypoint: services that it serves have clusters of their own there."""

    served: frozenset[str]

    def _cluster(self, destination: Json) -> str:
        service = self.service(destination.get("host") or "")
        return waypoint_cluster(destination, service, port=self.port, served=self.served)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaypointRoutes:
    """What the routes of one waypoint are made of."""

    snapshot: Snapshot
    scope: SidecarScope
    settings: ListenerSettings
    served: frozenset[str]
    """Hosts that are attached to the waypoint."""

    def virtual_services(self, service: Service) -> list[VirtualService]:
        """Return the VirtualServices for a service: those of its own namespace and of the waypoint's."""
        namespaces = (self.settings.namespace, service.namespace)
        return [
            item
            for item in (self.scope.egress[0].virtual_services if self.scope.egress else ())
            if item.resource.namespace in namespaces and any(host_matches(host, service.host) for host in item.hosts)
        ]

    def configuration(self, service: Service | None, *, cluster: str, port: int) -> Json:
        """Return the route configuration of a service port, or of connections to workloads themselves."""
        routes = [] if service is None else self._routes(service, port)
        config: Json = {"name": cluster, "validate_clusters": False}
        if not routes:
            host = service.host if service is not None else ""
            routes = [_default_route(self.snapshot, cluster, operation=f"{host}:{port}/*")]
            config["max_direct_response_body_size_bytes"] = _BODY_LIMIT
        dynamic = service is not None and service.resolution is Resolution.DYNAMIC_DNS
        domains = [service.host] if service is not None and dynamic else ["*"]
        config["virtual_hosts"] = [{"name": f"inbound|http|{port}", "domains": domains, "routes": routes}]
        return config

    def _routes(self, service: Service, port: int) -> list[Route]:
        resolver = WaypointResolver(
            port=port,
            service=self.scope.services_by_host.get,
            single_port=lambda _: None,
            rule=self._hashing_rule,
            session=self._session,
            served=self.served,
        )
        context = RouteContext(port=port)
        routes: list[Route] = []
        for item in self.virtual_services(service):
            rules = item.spec.get("http") or ()
            chosen = selection(item, port=port, gateway=MESH, labels={}, namespace=self.settings.namespace)
            chosen = tuple((rule, block) for rule, block in chosen if not _names_source(rules[rule], block))
            targets = tuple(resolver.rule_targets(http) for http in rules)
            routes += virtual_service_routes(self.snapshot, item, chosen, targets, context).routes
        return routes

    def _hashing_rule(self, host: str) -> DestinationRule | None:
        rule = self.rule(host)
        return rule if rule is not None and uses_hash(self.snapshot, rule) else None

    def rule(self, host: str) -> DestinationRule | None:
        """Return the DestinationRule for a host."""
        return self.scope.destination_rule(host, self.settings.label_map)

    def _session(self, service: Service | None) -> str:
        return session_of(service, self.snapshot.flags) if keeps_sessions(self.snapshot) else ""

    def tcp_targets(self, service: Service, port: int) -> list[Json]:
        """Return the destinations of the TLS route for the service's own name, else of the first TCP route."""
        candidates = self.virtual_services(service)
        for item in candidates:
            for route in item.spec.get("tls") or ():
                matches = route.get("match") or ()
                own = [match for match in matches if list(match.get("sniHosts") or ()) == [service.host]]
                if not matches or any(_applies(match, port) for match in own):
                    return list(route.get("route") or ())
        for item in candidates:
            for route in item.spec.get("tcp") or ():
                matches = route.get("match") or ()
                if not matches or any(_applies(match, port) for match in matches):
                    return list(route.get("route") or ())
        return []

    def cluster(self, destination: Json, port: int) -> str:
        """Name the cluster of a destination at a port of the waypoint."""
        service = self.scope.services_by_host.get(destination.get("host") or "")
        return waypoint_cluster(destination, service, port=port, served=self.served)


def waypoint_cluster(destination: Json, service: Service | None, *, port: int, served: frozenset[str]) -> str:
    """Name the cluster of a destination: one for what the waypoint serves, the mesh's own for anything else.

    A host that no registry knows counts as served, and then has no cluster.
    """
    host, subset = destination.get("host") or "", destination.get("subset") or ""
    if not host:
        return UNKNOWN_SERVICE
    if destination.get("port"):
        port = int(destination["port"].get("number") or 0)
    elif service is not None and len(service.ports) == 1:
        port = service.ports[0].number
    if service is not None and service.host not in served:
        return outbound(port=port, subset=subset, host=host)
    own = service.port(port) if service is not None else None
    kind = kind_of(own) if own is not None else "http"
    return f"inbound-vip|{port}|{f'{kind}/{subset}' if subset else kind}|{host}"


def _applies(match: Json, port: int) -> bool:
    """Tell whether a match applies on a waypoint, which knows no labels or namespaces of sources."""
    gateways = match.get("gateways") or ()
    own_source = match.get("sourceLabels") or match.get("sourceNamespace")
    return (match.get("port") or 0) in (0, port) and (not gateways or MESH in gateways) and not own_source


def _names_source(rule: Json, block: int) -> bool:
    return block >= 0 and bool(rule["match"][block].get("sourceLabels"))


def _default_route(snapshot: Snapshot, cluster: str, *, operation: str) -> Route:
    action: Json = {"cluster": cluster} | timeouts(None)
    policy = retry_policy(snapshot.mesh.get("defaultHttpRetryPolicy"))
    if policy is not None:
        action["retry_policy"] = policy
    return {"name": "default", "match": route_match(None), "decorator": {"operation": operation}, "route": action}


def kind_of(port: Port) -> str:
    """Return the part of a cluster name that says what the waypoint sees of a port."""
    return "http" if port.protocol.is_http or port.protocol.is_auto else "tcp"

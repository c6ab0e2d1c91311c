"""The route configurations of a gateway: VirtualServices bound to its servers, by host.

istiod: pilot/pkg/networking/core/gateway.go (buildGatewayHTTPRouteConfig, collapseDuplicateRoutes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulator.model.names import host_subset_of, more_specific
from simulator.model.services import Service
from simulator.model.wire import Route, RouteConfiguration, VirtualHost
from simulator.registry.policies import GatewayServer
from simulator.registry.scopes import VirtualService
from simulator.registry.snapshot import Snapshot
from simulator.xds.route_action import MAX_DIRECT_RESPONSE, RouteContext
from simulator.xds.route_filters import keeps_sessions, session_of, session_override
from simulator.xds.route_match import is_catch_all
from simulator.xds.route_targets import Resolver
from simulator.xds.route_translation import RouteList, selection, virtual_service_routes
from simulator.xds.view import ProxyView
from simulator.xds.virtual_host_domains import host_port


@dataclass(slots=True)
class _Host:
    """A virtual host under construction; `parts` are the route lists added to it: hosts with the same ones merge."""

    name: str
    domains: list[str]
    parts: list[RouteList] = field(default_factory=list)
    https_only: bool = False
    session: str = ""

    def mergeable_with(self, other: "_Host") -> bool:
        """Tell whether both have the very same routes."""
        same = [part for part in self.parts if part.routes] == [part for part in other.parts if part.routes]
        return same and self.https_only == other.https_only


def gateway_route_configuration(
    view: ProxyView, name: str, *, attempt_count: bool, forwarded_host: bool
) -> RouteConfiguration:
    """Build the route configuration that a gateway's listeners ask for by `name`."""
    merged = view.snapshot.gateway(view.proxy)
    by_port = merged.servers_by_port if merged else {}
    servers = [server for port in sorted(by_port) for server in by_port[port] if server.route_name == name]
    if not servers:
        return {"name": name, "validate_clusters": False}
    builder = _Builder(view=view, forwarded_host=forwarded_host)
    for server in servers:
        builder.add(server)
    hosts = builder.hosts
    if view.snapshot.flag("PILOT_ENABLE_ROUTE_COLLAPSE_OPTIMIZATION", default=True):
        hosts = _collapsed(hosts)
    virtual_hosts = sorted(
        (_virtual_host(host, attempt_count) for host in hosts.values()), key=lambda host: host["name"]
    )
    if not virtual_hosts:
        virtual_hosts = [{"name": host_port("blackhole", _number(servers[0])), "domains": ["*"]}]
    return {
        "name": name,
        "virtual_hosts": virtual_hosts,
        "validate_clusters": False,
        "ignore_port_in_host_matching": True,
        "max_direct_response_body_size_bytes": MAX_DIRECT_RESPONSE,
    }


@dataclass(slots=True, kw_only=True)
class _Builder:
    view: ProxyView
    forwarded_host: bool
    hosts: dict[str, _Host] = field(default_factory=dict)
    _routes: dict[tuple[str, VirtualService], RouteList] = field(default_factory=dict)

    def add(self, server: GatewayServer) -> None:
        """Add the virtual hosts of one server."""
        gateway = f"{server.gateway.namespace}/{server.gateway.name}"
        https_only = bool((server.server.get("tls") or {}).get("httpsRedirect"))
        hosts = _server_hosts(server)
        for virtual_service in self._bound(gateway):
            common = _intersection(
                _hosts_of_namespace(hosts, virtual_service.resource.namespace), virtual_service.hosts
            )
            if not common:
                continue
            services = self._services(virtual_service)
            routes = self._translated(virtual_service, server, gateway, services)
            if not routes.routes:
                continue
            for host in (host.lower() for host in common):
                self._add_routes(host, routes, server, https_only=https_only, service=services.get(host))
        if https_only:
            for host in (host.lower() for host in hosts):
                known = self.hosts.setdefault(host, _Host(host_port(host, _number(server)), [host]))
                known.https_only = True

    def _add_routes(
        self, host: str, routes: RouteList, server: GatewayServer, *, https_only: bool, service: Service | None
    ) -> None:
        known = self.hosts.get(host)
        if known is None:
            session = session_of(service, self.view.snapshot.flags) if keeps_sessions(self.view.snapshot) else ""
            known = self.hosts[host] = _Host(host_port(host, _number(server)), [host], session=session)
        known.parts.append(routes)
        known.https_only = known.https_only or https_only

    def _bound(self, gateway: str) -> Sequence[VirtualService]:
        return self.view.snapshot.virtual_services_of_gateway(gateway, self.view.proxy.namespace)

    def _translated(
        self, virtual_service: VirtualService, server: GatewayServer, gateway: str, services: Mapping[str, Service]
    ) -> RouteList:
        """Translate once per gateway: the first of its servers here decides port and TLS."""
        key = (gateway, virtual_service)
        if key in self._routes:
            return self._routes[key]
        view, port = self.view, _number(server)
        chosen = selection(
            virtual_service, port=port, gateway=gateway, labels=view.proxy.labels, namespace=view.proxy.namespace
        )
        sessions = keeps_sessions(view.snapshot)
        resolver = Resolver(
            port=port,
            service=services.get,
            single_port=lambda service: service.ports[0].number if len(service.ports) == 1 else None,
            rule=lambda host: view.scope.destination_rule(host, view.proxy.labels),
            session=lambda service: session_of(service, view.snapshot.flags) if sessions else "",
        )
        targets = tuple(resolver.rule_targets(http) for http in virtual_service.spec.get("http") or ())
        is_tls = server.server.get("tls") is not None
        context = RouteContext(port=port, gateway=gateway, is_tls=is_tls, forwarded_host=self.forwarded_host)
        routes = view.shared(virtual_service_routes, virtual_service, chosen, targets, context)
        if routes.routes:
            self._routes[key] = routes
        return routes

    def _services(self, virtual_service: VirtualService) -> dict[str, Service]:
        """Resolve destination hosts: a visible service of the rule's own namespace first."""
        index = self.view.shared(services_by_host)
        result: dict[str, Service] = {}
        for host in _destination_hosts(virtual_service):
            own = index.get(host, {}).get(virtual_service.resource.namespace)
            if own is not None and _is_visible(own, self.view.proxy.namespace, self.view.snapshot):
                result[host] = own
            elif host in self.view.scope.services_by_host:
                result[host] = self.view.scope.services_by_host[host]
        return result


def services_by_host(snapshot: Snapshot) -> dict[str, dict[str, Service]]:
    """Index all services by host and namespace."""
    index: dict[str, dict[str, Service]] = {}
    for service in snapshot.services:
        index.setdefault(service.host, {}).setdefault(service.namespace, service)
    return index


def _is_visible(service: Service, namespace: str, snapshot: Snapshot) -> bool:
    export = service.export_to or frozenset(snapshot.mesh.get("defaultServiceExportTo") or ("*",))
    return "*" in export or namespace in export or ("." in export and service.namespace == namespace)


def _destination_hosts(virtual_service: VirtualService) -> list[str]:
    hosts: list[str] = []
    for http in virtual_service.spec.get("http") or ():
        destinations = [http.get("mirror") or {}]
        destinations += [mirror.get("destination") or {} for mirror in http.get("mirrors") or ()]
        destinations += [route.get("destination") or {} for route in http.get("route") or ()]
        hosts += [destination["host"] for destination in destinations if destination.get("host")]
    return hosts


def _number(server: GatewayServer) -> int:
    return int((server.server.get("port") or {}).get("number") or 0)


def _server_hosts(server: GatewayServer) -> list[str]:
    """Return the server's hosts with `./` written as its namespace and `*/` left out."""
    result = []
    for host in server.server.get("hosts") or ():
        namespace, slash, name = host.partition("/")
        if slash and namespace == "*":
            host = name
        elif slash and namespace == ".":
            host = f"{server.gateway.namespace}/{name}"
        result.append(host)
    return result


def _hosts_of_namespace(hosts: Sequence[str], namespace: str) -> list[str]:
    result = []
    for host in hosts:
        qualifier, slash, name = host.partition("/")
        if not slash:
            result.append(host)
        elif qualifier in (namespace, "*"):
            result.append(name)
    return result


def _intersection(server_hosts: Sequence[str], rule_hosts: Sequence[str]) -> list[str]:
    """Return the narrower of each pair of hosts that overlap, once each."""
    result: dict[str, None] = {}
    for server_host in server_hosts:
        for rule_host in rule_hosts:
            if host_subset_of(server_host, rule_host):
                result[server_host] = None
            elif host_subset_of(rule_host, server_host):
                result[rule_host] = None
    return list(result)


def _collapsed(hosts: Mapping[str, _Host]) -> dict[str, _Host]:
    """Merge virtual hosts whose routes are the very same: those of one rule with several hosts."""
    result: dict[str, _Host] = {}
    primary: dict[tuple[int, ...], str] = {}
    for name in sorted(hosts, key=more_specific):
        host = hosts[name]
        identity = tuple(id(part) for part in host.parts)
        first = primary.get(identity)
        if first is not None and host.mergeable_with(result[first]):
            result[first].domains += host.domains
        else:
            primary[identity] = name
            result[name] = host
    return result


def _virtual_host(host: _Host, attempt_count: bool) -> VirtualHost:
    routes: list[Route] = host.parts[0].routes if len(host.parts) == 1 else []
    if len(host.parts) > 1:
        routes = [route for part in host.parts for route in part.routes]
    if any(is_catch_all(route) for route in routes[:-1]):
        routes = sorted(routes, key=is_catch_all)
    result: VirtualHost = {"name": host.name, "domains": host.domains}
    if routes:
        result["routes"] = routes
    if attempt_count:
        result["include_request_attempt_count"] = True
    if host.https_only:
        result["require_tls"] = "ALL"
    if host.session:
        result["typed_per_filter_config"] = session_override(host.session)
    return result

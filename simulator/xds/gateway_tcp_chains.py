"""TCP filter chains of gateway servers: plain TCP, terminated TLS, and TLS that is passed through by its SNI.

istiod: pilot/pkg/networking/core/gateway.go (createGatewayTCPFilterChainOpts and what it calls).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from simulator.model.names import ClusterName, host_matches, host_subset_of
from simulator.model.ports import Port, Protocol, parse_protocol
from simulator.model.services import Service
from simulator.model.wire import Json
from simulator.registry.gateways import is_passthrough
from simulator.registry.policies import GatewayServer
from simulator.registry.scopes import VirtualService
from simulator.xds.authorization import AuthorizationFilters
from simulator.xds.downstream_tls import gateway_context
from simulator.xds.envoy_messages import message
from simulator.xds.filter_chain_options import MTLS_ANY
from simulator.xds.outbound_destinations import Destinations


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayChain:
    """One filter chain of a gateway listener."""

    sni: tuple[str, ...] = ()
    alpn: tuple[str, ...] = ()
    tls: Json | None = None
    filters: tuple[Json, ...] = ()
    http: tuple[str, Protocol, str] | None = None
    """Route configuration, protocol, and name of the server, where the chain speaks HTTP."""
    extended: bool = False
    """Network extensions stand in front of its connection manager."""

    def match(self) -> Json | None:
        """Return the FilterChainMatch; None for a chain that takes everything."""
        named = bool(self.sni) and "*" not in self.sni
        if not named and not self.alpn:
            return None
        return message(application_protocols=list(self.alpn), server_names=sorted(self.sni) if named else [])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GatewayRoutes:
    """What the servers of one gateway proxy need to find their routes."""

    destinations: Destinations
    services: Sequence[Service]
    """Every service that the proxy sees."""
    claimed: dict[int, dict[str, str]] = field(default_factory=dict)
    """Listener port → SNI host that is passed through → address it was bound on."""

    def virtual_services(self, server: GatewayServer) -> list[VirtualService]:
        """Return the VirtualServices of a server's Gateway that share a host with the server."""
        context = self.destinations.context
        found = context.snapshot.virtual_services_of_gateway(server.name, context.settings.namespace)
        hosts = server.server.get("hosts") or ()
        return [item for item in found if _shares_host(hosts, item)]


def tcp_server_chains(routes: GatewayRoutes, server: GatewayServer, listener_port: int) -> list[GatewayChain]:
    """Return the chains of a server that is not HTTP; none while nothing is routed to it."""
    if is_passthrough(server.server):
        if server.server["tls"].get("mode") == "AUTO_PASSTHROUGH":
            return _auto_passthrough_chains(routes, server.sni_hosts)
        return _passthrough_chains(routes, server, listener_port)
    filters = _tcp_filters(routes, server)
    if not filters:
        return []
    tls = server.server.get("tls")
    if tls is None:
        return [GatewayChain(filters=tuple(filters))]
    context = routes.destinations.context
    https = _port(server).protocol is Protocol.HTTPS or _port(server).protocol.is_http
    socket = gateway_context(context.snapshot, context.settings, tls, tcp=not https)
    return [GatewayChain(sni=server.sni_hosts, tls=socket, filters=tuple(filters))]


def _port(server: GatewayServer) -> Port:
    port = server.server.get("port") or {}
    protocol = parse_protocol(port.get("protocol") or "")
    return Port(name=port.get("name") or "", number=int(port.get("number") or 0), protocol=protocol)


def _shares_host(hosts: Iterable[str], virtual_service: VirtualService) -> bool:
    for host in hosts:
        namespace, slash, name = host.partition("/")
        if slash and namespace != virtual_service.resource.namespace:
            continue
        if any(host_matches(name if slash else host, own) for own in virtual_service.hosts):
            return True
    return False


def _selects(match: Json, server: GatewayServer, port: Port) -> bool:
    gateways = match.get("gateways") or ()
    return (match.get("port") or 0) in (0, port.number) and (not gateways or server.name in gateways)


def _tcp_filters(routes: GatewayRoutes, server: GatewayServer) -> list[Json]:
    """Return the filters of the first TCP route for a server; routes of a TLSRoute serve where TLS is terminated."""
    port = _port(server)
    mutual = (server.server.get("tls") or {}).get("mode") == "ISTIO_MUTUAL"
    for virtual_service in routes.virtual_services(server):
        resource = virtual_service.resource
        candidates = [
            route
            for route in virtual_service.spec.get("tcp") or ()
            if not route.get("match") or any(_selects(match, server, port) for match in route["match"])
        ]
        if not candidates and resource.annotations.get("internal.istio.io/parents", "").startswith("TLSRoute/"):
            candidates = [
                route
                for route in virtual_service.spec.get("tls") or ()
                if any(_selects(match, server, port) for match in route.get("match") or ())
            ]
        if candidates:
            targets = candidates[0].get("route") or [{}]
            return routes.destinations.routes(targets, port, resource, with_peer=mutual)
    return []


def _passthrough_chains(routes: GatewayRoutes, server: GatewayServer, listener_port: int) -> list[GatewayChain]:
    port = _port(server)
    chains = []
    claimed = routes.claimed.setdefault(listener_port, {})
    for virtual_service in routes.virtual_services(server):
        for route in virtual_service.spec.get("tls") or ():
            for match in route.get("match") or ():
                sni = tuple(match.get("sniHosts") or ())
                if not _selects(match, server, port) or _is_claimed(claimed, sni, server.server.get("bind") or ""):
                    continue
                filters = routes.destinations.routes(route.get("route") or [{}], port, virtual_service.resource)
                chains.append(GatewayChain(sni=sni, filters=tuple(filters)))
    return chains


def _is_claimed(claimed: dict[str, str], hosts: Sequence[str], bind: str) -> bool:
    """Tell whether a host was claimed on this address before; otherwise claim them all."""
    if any(claimed.get(host) == bind for host in hosts):
        return True
    claimed.update(dict.fromkeys(hosts, bind))
    return False


def _auto_passthrough_chains(routes: GatewayRoutes, hosts: Sequence[str]) -> list[GatewayChain]:
    """Return a chain for every service port and subset, by the SNI that mTLS clients of the mesh send for it.

    Nobody is kept out here: the destination's own proxy is the one that knows who calls.
    """
    open_context = replace(routes.destinations.context, authorization=AuthorizationFilters())
    destinations = replace(routes.destinations, context=open_context)
    return [
        chain
        for service in routes.services
        if not service.mesh_external and any(host_subset_of(service.host, host) for host in hosts)
        for port in service.ports
        if port.protocol is not Protocol.UDP
        for chain in _sni_chains(destinations, service, port)
    ]


def _sni_chains(destinations: Destinations, service: Service, port: Port) -> Iterable[GatewayChain]:
    rule = destinations.rule(service.host)
    subsets = [""] + [subset.get("name") or "" for subset in (rule.spec.get("subsets") or () if rule else ())]
    for subset in subsets:
        sni = ClusterName("outbound", port.number, subset, service.host).dns_san
        prefix = destinations.stat_prefix(sni, service, port=port, subset=subset)
        filters = destinations.single(prefix, sni, port, rule=rule, subset=subset, tunnel=False)
        yield GatewayChain(sni=(sni,), alpn=MTLS_ANY, filters=tuple(filters))

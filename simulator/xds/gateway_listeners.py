"""Listeners of a gateway: one for each address and port of the Gateways that select it.

istiod: pilot/pkg/networking/core/gateway.go (buildGatewayListeners), core/listener.go (buildGatewayListener).
"""

from dataclasses import dataclass, field

from simulator.model.ports import Protocol, parse_protocol
from simulator.model.wire import FilterChain, Json, Listener
from simulator.registry.gateways import is_passthrough
from simulator.registry.policies import GatewayServer, MergedGateway, MergedServers
from simulator.registry.scopes import SidecarScope
from simulator.registry.snapshot import Snapshot
from simulator.xds.downstream_tls import gateway_context, tls_socket
from simulator.xds.envoy_messages import additional_addresses, address
from simulator.xds.gateway_tcp_chains import GatewayChain, GatewayRoutes, tcp_server_chains
from simulator.xds.http_connection_manager import HttpOptions, http_connection_manager, stat_prefix
from simulator.xds.inbound import limit_accepts
from simulator.xds.listener_context import ListenerContext, WorkloadPolicies, listener_context
from simulator.xds.listener_filters import PROXY_PROTOCOL, TLS_INSPECTOR
from simulator.xds.listener_settings import ListenerClass, ListenerSettings, TraceIdentity
from simulator.xds.network_filters import extension_stack
from simulator.xds.outbound import connect_timeout
from simulator.xds.outbound_destinations import Destinations


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A listener while its chains are collected."""

    binds: tuple[str, ...]
    port: int
    chains: list[GatewayChain] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.binds[0]}_{self.port}"


def gateway_listeners(
    snapshot: Snapshot,
    scope: SidecarScope,
    settings: ListenerSettings,
    policies: WorkloadPolicies,
    identity: TraceIdentity,
    merged: MergedGateway,
) -> tuple[Listener, ...]:
    """Build the listeners of a gateway proxy; one without any filter chain is left out."""
    context = listener_context(snapshot, settings, policies, cls=ListenerClass.GATEWAY, identity=identity)
    labels = settings.label_map
    destinations = Destinations(
        context=context,
        service_of=scope.services_by_host.get,
        rule=lambda host: scope.destination_rule(host, labels),
    )
    routes = GatewayRoutes(destinations=destinations, services=scope.services)
    drafts: dict[str, _Draft] = {}
    for servers in merged.merged:
        if settings.unprivileged and servers.port < 1024:
            continue
        extra = settings.wildcards[1:] if settings.dual_stack and not servers.bind else ()
        draft = _Draft(binds=(servers.bind or settings.wildcards[0], *extra), port=servers.port)
        draft = drafts.setdefault(draft.name, draft)
        draft.chains += _chains(context, routes, servers)
    return tuple(_listener(context, draft) for draft in drafts.values() if draft.chains)


def _chains(context: ListenerContext, routes: GatewayRoutes, servers: MergedServers) -> list[GatewayChain]:
    protocol = parse_protocol(servers.protocol)
    if protocol.is_http:
        return [GatewayChain(http=(servers.route_name, protocol, ""), extended=True)]
    chains: list[GatewayChain] = []
    for server in servers.servers:
        if _terminates_https(server):
            # istiod adds network extensions to the first of them only.
            chains.append(_https_chain(context, server, extended=not any(chain.extended for chain in chains)))
        else:
            chains += tcp_server_chains(routes, server, servers.port)
    return chains


def _terminates_https(server: GatewayServer) -> bool:
    own = parse_protocol((server.server.get("port") or {}).get("protocol") or "")
    return server.server.get("tls") is not None and own is Protocol.HTTPS and not is_passthrough(server.server)


def _https_chain(context: ListenerContext, server: GatewayServer, *, extended: bool) -> GatewayChain:
    tls = gateway_context(context.snapshot, context.settings, server.server["tls"], tcp=False)
    http = (server.route_name, Protocol.HTTPS, server.server.get("name") or "")
    return GatewayChain(sni=server.sni_hosts, tls=tls, http=http, extended=extended)


def _listener(context: ListenerContext, draft: _Draft) -> Listener:
    settings, snapshot = context.settings, context.snapshot
    filters = []
    if settings.proxy_config.get("gatewayTopology", "proxyProtocol") is not None:
        filters.append(PROXY_PROTOCOL)
    if any(chain.sni or chain.tls for chain in draft.chains):
        filters.append(TLS_INSPECTOR)
    listener: Listener = {
        "name": draft.name,
        "address": address(draft.binds[0], draft.port),
        "traffic_direction": "OUTBOUND",
        "filter_chains": [_filter_chain(context, draft, chain) for chain in draft.chains],
    }
    limit_accepts(snapshot, listener)
    if filters:
        listener["listener_filters"] = filters
    if settings.outbound_exact_balance:
        listener["connection_balance_config"] = {"exact_balance": {}}
    if len(draft.binds) > 1:
        listener["additional_addresses"] = additional_addresses(draft.binds[1:], draft.port)
    if context.logs.listener:
        listener["access_log"] = list(context.logs.listener)
    return listener


def _filter_chain(context: ListenerContext, draft: _Draft, chain: GatewayChain) -> FilterChain:
    built: FilterChain = {"filters": list(chain.filters)}
    match = chain.match()
    if match is not None:
        built["filter_chain_match"] = match
    if (socket := tls_socket(chain.tls)) is not None:
        built["transport_socket"] = socket
    if timeout := connect_timeout(context.snapshot):
        built["transport_socket_connect_timeout"] = timeout
    if chain.http is not None:
        route, protocol, server_name = chain.http
        options = HttpOptions(
            stat_prefix=server_name or stat_prefix(f"outbound_{draft.name}"),
            port=draft.port,
            protocol=protocol,
            rds=route,
            use_remote_address=True,
            manager=_manager(context),
            http1={},
        )
        extensions = extension_stack(context, port=draft.port) if chain.extended else []
        built["filters"] = [*extensions, http_connection_manager(context, options)]
    return built


def _manager(context: ListenerContext) -> Json:
    """Return the settings of a proxy at the edge: whom it trusts, and how it forwards client certificates."""
    topology = context.settings.proxy_config.get("gatewayTopology", default={})
    forward = topology.get("forwardClientCertDetails") or "UNDEFINED"
    forward = "SANITIZE_SET" if forward == "UNDEFINED" else forward
    manager: Json = {}
    if hops := topology.get("numTrustedProxies"):
        manager["xff_num_trusted_hops"] = hops
    if forward != "SANITIZE":
        manager["forward_client_cert_details"] = forward
    if forward in ("APPEND_FORWARD", "SANITIZE_SET"):
        manager["set_current_client_cert_details"] = {"subject": True, "cert": True, "dns": True, "uri": True}
    return manager

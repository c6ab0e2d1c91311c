"""Outbound listeners of a sidecar, from a plan that many share and the identity that each reports in its traces.

istiod: pilot/pkg/networking/core/listener.go (buildListenerFromEntry, buildHTTPProxy), core/listener_builder.go
(buildVirtualOutboundListener).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.model import names
from simulator.model.ports import Port, Protocol
from simulator.model.wire import FilterChain, Json, Listener
from simulator.registry.snapshot import Snapshot
from simulator.xds.durations import duration
from simulator.xds.envoy_messages import additional_addresses, address
from simulator.xds.http_connection_manager import HttpOptions, http_connection_manager, stat_prefix
from simulator.xds.inbound import limit_accepts
from simulator.xds.listener_context import ListenerContext, WorkloadPolicies, listener_context
from simulator.xds.listener_filters import HTTP_INSPECTOR, TLS_INSPECTOR
from simulator.xds.listener_settings import ListenerClass, ListenerSettings, TraceIdentity
from simulator.xds.network_filters import black_hole, extension_stack, idle_timeout, tcp_proxy
from simulator.xds.outbound_chains import HttpChain, OutboundChain
from simulator.xds.outbound_destinations import SNI_PROXY
from simulator.xds.outbound_entries import Entry, OutboundPlan
from simulator.xds.outbound_scope import OutboundScope
from simulator.xds.route_targets import destination_cluster

VIRTUAL_OUTBOUND = "virtualOutbound"
HTTP_PROXY_ROUTES = "http_proxy"
"""The route configuration for clients that use the sidecar as their HTTP proxy."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommonListeners:
    """The listeners of a plan that all proxies of its class share; None in place of the others."""

    listeners: tuple[Listener | None, ...]


def common_listeners(
    snapshot: Snapshot,
    scope: OutboundScope,
    settings: ListenerSettings,
    policies: WorkloadPolicies,
    plan: OutboundPlan,
) -> CommonListeners:
    """Build the listeners of a plan that contain no HTTP and so do not depend on the identity of the proxy."""
    context = listener_context(snapshot, settings, policies, cls=ListenerClass.OUTBOUND)
    fallback = catch_all_filters(context, scope)
    own = frozenset(plan.with_http)
    return CommonListeners(
        listeners=tuple(
            None if index in own else _listener(context, entry, fallback) for index, entry in enumerate(plan.entries)
        )
    )


def outbound_listeners(
    snapshot: Snapshot,
    scope: OutboundScope,
    settings: ListenerSettings,
    policies: WorkloadPolicies,
    plan: OutboundPlan,
    common: CommonListeners,
    identity: TraceIdentity,
) -> tuple[Listener, ...]:
    """Build all outbound listeners, in the order of the plan, then the HTTP proxy and `virtualOutbound`."""
    context = listener_context(snapshot, settings, policies, cls=ListenerClass.OUTBOUND, identity=identity)
    fallback = catch_all_filters(context, scope)
    own = {index: _listener(context, plan.entries[index], fallback) for index in plan.with_http}
    built = [listener or own[index] for index, listener in enumerate(common.listeners)]
    proxy = _http_proxy(context)
    if proxy is not None:
        built.append(proxy)
    if settings.interception != "NONE":
        built.append(_virtual_outbound(context, fallback))
    return tuple(built)


def catch_all_filters(context: ListenerContext, scope: OutboundScope) -> list[Json]:
    """Return the filters for connections to addresses that no service has."""
    cluster = names.BLACK_HOLE
    if scope.content.policy.get("mode") == "ALLOW_ANY":
        proxy = scope.content.policy.get("egressProxy")
        cluster = destination_cluster(proxy, None, 0) if proxy else names.PASSTHROUGH
    forward = tcp_proxy(stat_prefix=cluster, cluster=cluster, idle_timeout=idle_timeout(context), logs=context.logs.tcp)
    return [*context.stats, forward]


def _listener(context: ListenerContext, entry: Entry, fallback: list[Json] | None) -> Listener:
    settings, snapshot, number = context.settings, context.snapshot, entry.port.number
    name = f"{entry.binds[0]}_{number}"
    inspects_http = any(chain.alpn for chain in entry.chains)
    listener: Listener = {
        "name": name,
        "address": address(entry.binds[0], number),
        "traffic_direction": "OUTBOUND",
        "continue_on_listener_filters_timeout": True,
        "listener_filters_timeout": _detection_timeout(snapshot) if inspects_http else "0s",
    }
    if len(entry.binds) > 1:
        listener["additional_addresses"] = additional_addresses(filter(None, entry.binds[1:]), number)
    if settings.outbound_exact_balance:
        listener["connection_balance_config"] = {"exact_balance": {}}
    if entry.bind_to_port:
        limit_accepts(snapshot, listener)
    else:
        listener["bind_to_port"] = False
    listener_filters = [TLS_INSPECTOR] if any(_inspects_tls(chain) for chain in entry.chains) else []
    if inspects_http:
        listener_filters.append(HTTP_INSPECTOR)
    if listener_filters:
        listener["listener_filters"] = listener_filters
    _add_chains(
        listener, [(chain, _chain(context, chain, port=entry.port, name=name)) for chain in entry.chains], fallback
    )
    return listener


def _detection_timeout(snapshot: Snapshot) -> str:
    return duration(snapshot.mesh.get("protocolDetectionTimeout") or "0s")


def _inspects_tls(chain: OutboundChain) -> bool:
    return bool(chain.sni) or any(item["name"] == SNI_PROXY for item in chain.filters)


def _add_chains(
    listener: Listener, chains: Sequence[tuple[OutboundChain, FilterChain]], fallback: list[Json] | None
) -> None:
    """Put the chain that takes everything last, as the default; where none does, unknown traffic passes through."""
    matching: list[FilterChain] = []
    default: FilterChain | None = None
    for chain, built in chains:
        match = chain.match()
        if match is None:
            default = built
        else:
            matching.append({**built, "filter_chain_match": match})
    if default is not None and not matching:
        listener["filter_chains"] = [default]
        return
    if matching:
        listener["filter_chains"] = matching
    passthrough: FilterChain = {"name": "PassthroughFilterChain", "filter_chain_match": {}, "filters": fallback or []}
    listener["default_filter_chain"] = passthrough if default is None else default


def _chain(context: ListenerContext, chain: OutboundChain, *, port: Port, name: str) -> FilterChain:
    filters = list(chain.filters) if chain.http is None else _http_filters(context, chain.http, port=port, name=name)
    built: FilterChain = {"filters": filters}
    if timeout := connect_timeout(context.snapshot):
        built["transport_socket_connect_timeout"] = timeout
    if chain.metadata is not None:
        built["metadata"] = chain.metadata
    return built


def connect_timeout(snapshot: Snapshot) -> str | None:
    """Return how long a transport socket may take to be set up; None for no limit."""
    timeout = duration(snapshot.flags.get("PILOT_GATEWAY_TRANSPORT_SOCKET_CONNECT_TIMEOUT") or "15s")
    return None if timeout == "0s" else timeout


def _http_filters(context: ListenerContext, http: HttpChain, *, port: Port, name: str) -> list[Json]:
    is_proxy = http.protocol is Protocol.HTTP_PROXY and http.rds == HTTP_PROXY_ROUTES
    remote = context.snapshot.flag("PILOT_SIDECAR_USE_REMOTE_ADDRESS", default=False)
    options = HttpOptions(
        stat_prefix=stat_prefix(f"outbound_{name}"),
        port=port.number,
        protocol=http.protocol,
        rds=http.rds,
        use_remote_address=remote and not is_proxy,
        http1={"allow_absolute_url": True} if is_proxy else None,
        dynamic_host=http.dynamic_host,
    )
    return [*extension_stack(context, port=port.number), http_connection_manager(context, options)]


def _http_proxy(context: ListenerContext) -> Listener | None:
    """Build the listener of applications that use the sidecar as their HTTP proxy; None when no port is set for it.

    It tells peers outside the mesh about itself even where other listeners keep to the mesh.
    """
    context = replace(context, headers=replace(context.headers, in_mesh_metadata=False))
    text = context.settings.http_proxy_port
    number = int(text) if text.isdigit() else context.snapshot.mesh.get("proxyHttpPort") or 0
    if not number:
        return None
    port = Port(name="", number=number, protocol=Protocol.HTTP_PROXY)
    http = HttpChain(rds=HTTP_PROXY_ROUTES, protocol=Protocol.HTTP_PROXY)
    binds, chains = context.settings.localhosts, [OutboundChain(http=http)]
    entry = Entry(port=port, binds=binds, bind_to_port=True, protocol=Protocol.HTTP_PROXY, chains=chains)
    return _listener(context, entry, None)


def _virtual_outbound(context: ListenerContext, fallback: list[Json]) -> Listener:
    settings, snapshot = context.settings, context.snapshot
    number = snapshot.mesh["proxyListenPort"]
    black_holed: FilterChain = {
        "name": "virtualOutbound-blackhole",
        "filter_chain_match": {"destination_port": number},
        "filters": [*context.stats, black_hole()],
    }
    listener: Listener = {
        "name": VIRTUAL_OUTBOUND,
        "address": address(settings.wildcards[0], number),
        "use_original_dst": True,
        "filter_chains": [black_holed, {"name": "virtualOutbound-catchall-tcp", "filters": fallback}],
        "traffic_direction": "OUTBOUND",
    }
    limit_accepts(snapshot, listener)
    if settings.interception == "TPROXY":
        listener["transparent"] = True
    extra: tuple[str, ...] = settings.wildcards[1:] if settings.dual_stack else ()
    for_ipv4 = snapshot.flag("ISTIO_ENABLE_IPV4_OUTBOUND_LISTENER_FOR_IPV6_CLUSTERS", default=False)
    if not extra and for_ipv4 and not settings.ipv4:
        extra = ("0.0.0.0",)
    if extra:
        listener["additional_addresses"] = additional_addresses(extra, number)
    if context.logs.listener:
        listener["access_log"] = list(context.logs.listener)
    return listener

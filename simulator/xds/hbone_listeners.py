"""Listeners of HBONE tunnels: those that a proxy ends, and those through which it opens them.

istiod: pilot/pkg/networking/core/listener_waypoint.go (buildConnectTerminateListener, buildConnectForwarder),
core/listener_inbound.go (buildInboundHBONEListeners), core/listener.go (buildInnerConnectOriginateListener).
"""

from dataclasses import replace

from simulator.model.own_ports import HBONE_PORT
from simulator.model.proxies import Role
from simulator.model.wire import FilterChain, Json, Listener
from simulator.registry.policies import MtlsMode
from simulator.registry.snapshot import Snapshot
from simulator.xds.authorization import authorization_filters
from simulator.xds.downstream_tls import tunnel_context
from simulator.xds.envoy_messages import (
    additional_addresses,
    address,
    any_message,
    cidr_range,
    message,
    typed,
    typed_struct,
)
from simulator.xds.header_operations import OVERWRITE
from simulator.xds.http_connection_manager import FILTER as MANAGER
from simulator.xds.http_filters import router
from simulator.xds.inbound import passthrough_port, port_chains
from simulator.xds.inbound_ports import InboundWorkload, inbound_ports
from simulator.xds.listener_context import ListenerContext, WorkloadPolicies, listener_context
from simulator.xds.listener_filters import ORIGINAL_DST, inspectors
from simulator.xds.listener_settings import ListenerClass, ListenerSettings, TraceIdentity
from simulator.xds.network_filters import black_hole, tcp_proxy

CONNECT_TERMINATE, MAIN_INTERNAL, CONNECT_ORIGINATE = "connect_terminate", "main_internal", "connect_originate"
INNER_ORIGINATE, OUTER_ORIGINATE = "inner_connect_originate", "outer_connect_originate"
_ORIGINAL_IP = "envoy.filters.listener.original_dst.local_ip"
_TARGET = "istio.double_hbone.hbone_target_address"
_SOURCES = {Role.GATEWAY: "gateway", Role.WAYPOINT: "waypoint", Role.SIDECAR: "sidecar"}


def connect_originate(
    snapshot: Snapshot, settings: ListenerSettings, policies: WorkloadPolicies, cls: ListenerClass
) -> Listener:
    """Build the internal listener that puts a connection into a tunnel."""
    context = listener_context(snapshot, settings, policies, cls=cls)
    proxy = tcp_proxy(
        stat_prefix=CONNECT_ORIGINATE,
        cluster=CONNECT_ORIGINATE,
        tunneling_config=_tunneling(snapshot, "%DOWNSTREAM_LOCAL_ADDRESS%", []),
        logs=context.logs.origination,
    )
    return _internal(context, CONNECT_ORIGINATE, [*_baggage(snapshot), proxy], original_dst=True)


def double_originate(
    snapshot: Snapshot, settings: ListenerSettings, policies: WorkloadPolicies, network: str
) -> tuple[Listener, ...]:
    """Build the two internal listeners of a tunnel in a tunnel, by which other networks are reached."""
    context = listener_context(snapshot, settings, policies, cls=ListenerClass.INBOUND)
    hostname = f"%FILTER_STATE({_TARGET}:PLAIN)%"
    source = _SOURCES.get(settings.role, "")
    outer = tcp_proxy(
        stat_prefix=OUTER_ORIGINATE,
        cluster=OUTER_ORIGINATE,
        tunneling_config=message(
            hostname=hostname, headers_to_add=[_header("x-istio-source", source)] if source else []
        ),
        logs=context.logs.origination,
    )
    inner = tcp_proxy(
        stat_prefix=INNER_ORIGINATE,
        cluster=INNER_ORIGINATE,
        tunneling_config=_tunneling(snapshot, hostname, [_header("x-forwarded-network", network)]),
        logs=context.logs.origination,
    )
    propagated = typed(
        "propagate_endpoint_metadata",
        "envoy.extensions.filters.network.set_filter_state.v3.Config",
        on_new_connection=[
            _state(_ORIGINAL_IP, "%DYNAMIC_METADATA(envoy.filters.listener.original_dst:local)%", how="TRANSITIVE"),
            _state(
                _TARGET,
                "%DYNAMIC_METADATA(istio:double_hbone:hbone_target_address)%",
                how="TRANSITIVE",
                hashable=True,
            ),
        ],
    )
    return (
        _internal(context, INNER_ORIGINATE, [propagated, *_baggage(snapshot), inner], original_dst=False),
        _internal(context, OUTER_ORIGINATE, [outer], original_dst=True),
    )


def tunnel_listeners(
    snapshot: Snapshot,
    settings: ListenerSettings,
    policies: WorkloadPolicies,
    identity: TraceIdentity,
    workload: InboundWorkload,
) -> tuple[Listener, ...]:
    """Build the listeners by which a sidecar accepts tunnels: one terminates them, one is for what they carry."""
    context = listener_context(snapshot, settings, policies, cls=ListenerClass.INBOUND, identity=identity)
    local = authorization_filters(snapshot, policies.authorization, filter_state=True)
    inside = replace(context, authorization=replace(context.authorization, http=local.http, tcp=local.tcp))
    chains = [
        chain
        for port in inbound_ports(snapshot, settings, workload)
        for chain in port_chains(inside, replace(port, hbone=True, tls=None), MtlsMode.DISABLE)
    ]
    chains += port_chains(inside, passthrough_port(0), MtlsMode.DISABLE)
    chains = [_for_addresses(chain, workload.tunnel_addresses) for chain in chains]
    main: Listener = {
        "name": MAIN_INTERNAL,
        "internal_listener": {},
        "traffic_direction": "INBOUND",
        "continue_on_listener_filters_timeout": True,
        "filter_chains": chains or [{"name": "virtualInbound-blackhole", "filters": [black_hole()]}],
        "listener_filters": [ORIGINAL_DST, *inspectors(chains)],
    }
    if context.logs.listener:
        main["access_log"] = list(context.logs.listener)
    return (connect_terminate(context), main)


def connect_terminate(context: ListenerContext, extra: tuple[Json, ...] = ()) -> Listener:
    """Build the listener that ends tunnels; `extra` are HTTP filters in front of all others."""
    settings, snapshot = context.settings, context.snapshot
    chain: FilterChain = {
        "name": "default",
        "transport_socket": {"name": "tls", "typed_config": tunnel_context(snapshot, settings)},
        "filters": [_terminating_manager(context, extra)],
    }
    binds = settings.wildcards
    listener: Listener = {
        "name": CONNECT_TERMINATE,
        "address": address(binds[0], HBONE_PORT),
        "filter_chains": [chain],
        "connection_balance_config": {"exact_balance": {}},
    }
    if len(binds) > 1:
        listener["additional_addresses"] = additional_addresses(binds[1:], HBONE_PORT)
    if context.logs.listener:
        listener["access_log"] = list(context.logs.listener)
    return listener


def _terminating_manager(context: ListenerContext, extra: tuple[Json, ...]) -> Json:
    snapshot, headers = context.snapshot, context.headers
    connect = {"upgrade_type": "CONNECT"}
    action = {"cluster": MAIN_INTERNAL, "upgrade_configs": [{**connect, "connect_config": {}}]}
    host = {"name": "default", "domains": ["*"], "routes": [{"match": {"connect_matcher": {}}, "route": action}]}
    forwarded = headers.forwarded_client_cert
    manager = {key: value for key, value in headers.manager.items() if key != "append_x_forwarded_port"}
    return typed(
        MANAGER,
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=CONNECT_TERMINATE,
        route_config={"name": "default", "virtual_hosts": [host]},
        forward_client_cert_details=None if forwarded == "SANITIZE" else forwarded,
        set_current_client_cert_details={"subject": True, "uri": True, "dns": True},
        **manager,
        use_remote_address=False,
        stream_idle_timeout="0s",
        upgrade_configs=[connect],
        access_log=list(context.logs.termination),
        http2_protocol_options={
            "allow_connect": True,
            "max_concurrent_streams": 100,
            "connection_keepalive": {"interval": "10s", "timeout": "20s"},
        },
        http_filters=[*extra, _tunnel_metadata(snapshot), _connect_authority(), router(quiet=headers.quiet)],
    )


def _tunnel_metadata(snapshot: Snapshot) -> Json:
    baggage: list[Json] = [{"baggage": {}}] if snapshot.flag("AMBIENT_ENABLE_BAGGAGE", default=False) else []
    config = message(
        downstream_discovery=[{"workload_discovery": {}}, *baggage],
        downstream_propagation=baggage,
        shared_with_upstream=True,
    )
    return typed_struct("waypoint_downstream_peer_metadata", "io.istio.http.peer_metadata.Config", config)


def _connect_authority() -> Json:
    """Return the filter that keeps where a tunnel leads, and who its ends are, for the listener behind it."""
    return typed(
        "connect_authority",
        "envoy.extensions.filters.http.set_filter_state.v3.Config",
        on_request_headers=[
            _state(_ORIGINAL_IP, "%REQ(:AUTHORITY)%"),
            _state("io.istio.connect_authority", "%REQ(:AUTHORITY)%", hashable=True),
            _state("envoy.filters.listener.original_dst.remote_ip", "%DOWNSTREAM_REMOTE_ADDRESS%"),
            _state("io.istio.peer_principal", "%DOWNSTREAM_PEER_URI_SAN%", hashable=True),
            _state("io.istio.local_principal", "%DOWNSTREAM_LOCAL_URI_SAN%", hashable=True),
        ],
    )


def kept_original_address() -> Json:
    """Return the network filter that passes on the address a tunnel was to lead to."""
    return typed(
        "connect_authority",
        "envoy.extensions.filters.network.set_filter_state.v3.Config",
        on_new_connection=[_state(_ORIGINAL_IP, f"%FILTER_STATE({_ORIGINAL_IP}:PLAIN)%")],
    )


def destination_address(address: str) -> Json:
    """Return the network filter that makes `address` the destination, unless the tunnel led to another."""
    kept = f"'{_ORIGINAL_IP}' in filter_state ? filter_state['{_ORIGINAL_IP}']: r'{address}'"
    state = _state("envoy.network.transport_socket.original_dst_address", f"%CEL({kept})%", how=None)
    formatter = {"name": "envoy.formatter.cel", "typed_config": any_message("envoy.extensions.formatter.cel.v3.Cel")}
    state["format_string"]["formatters"] = [formatter]
    kind = "envoy.extensions.filters.network.set_filter_state.v3.Config"
    return typed("set_dst_address", kind, on_new_connection=[state])


def client_identity() -> Json:
    """Return the HTTP filter that tells a server who the client at the far end of the tunnel is."""
    text = "By=%FILTER_STATE(io.istio.local_principal:PLAIN)%;URI=%FILTER_STATE(io.istio.peer_principal:PLAIN)%"
    mutation = {"append": _header("x-forwarded-client-cert", text)}
    return typed(
        "istio.waypoint.xfcc_client_identity",
        "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"request_mutations": [mutation]},
    )


def _state(key: str, text: str, *, how: str | None = "ONCE", hashable: bool = False) -> Json:
    return message(
        object_key=key,
        format_string={"text_format_source": {"inline_string": text}},
        factory_key="istio.hashable_string" if hashable else None,
        shared_with_upstream=how,
    )


def _header(name: str, value: str) -> Json:
    return {"header": message(key=name, value=value), "append_action": OVERWRITE}


def _tunneling(snapshot: Snapshot, hostname: str, headers: list[Json]) -> Json:
    if not snapshot.flag("AMBIENT_ENABLE_BAGGAGE", default=False):
        return message(hostname=hostname, headers_to_add=headers)
    headers = [*headers, _header("baggage", "%FILTER_STATE(io.istio.baggage:PLAIN)%")]
    return message(hostname=hostname, headers_to_add=headers, propagate_response_headers=True)


def _baggage(snapshot: Snapshot) -> list[Json]:
    if not snapshot.flag("AMBIENT_ENABLE_BAGGAGE", default=False):
        return []
    kind = "envoy.extensions.network_filters.peer_metadata.Config"
    return [typed_struct("upstream_hbone_peer_metadata", kind, {"baggage_key": "io.istio.baggage"})]


def _internal(context: ListenerContext, name: str, filters: list[Json], *, original_dst: bool) -> Listener:
    listener: Listener = {
        "name": name,
        "use_original_dst": False,
        "internal_listener": {},
        "filter_chains": [{"filters": filters}],
    }
    if original_dst:
        listener["listener_filters"] = [ORIGINAL_DST]
    if context.logs.listener:
        listener["access_log"] = list(context.logs.listener)
    return listener


def _for_addresses(chain: FilterChain, addresses: tuple[str, ...]) -> FilterChain:
    """Match a chain by the workload's addresses instead of the transport, which the tunnel hides."""
    match = {key: value for key, value in chain.get("filter_chain_match", {}).items() if key != "transport_protocol"}
    match["prefix_ranges"] = [found for text in addresses if (found := cidr_range(text)) is not None]
    return {**chain, "filter_chain_match": match}

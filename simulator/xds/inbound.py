"""Inbound listeners of a sidecar: `virtualInbound`, and those that a Sidecar resource binds itself.

istiod: pilot/pkg/networking/core/listener_inbound.go.
"""

from collections.abc import Sequence

from simulator.model import names
from simulator.model.ports import Protocol
from simulator.model.wire import FilterChain, Json, Listener
from simulator.registry.policies import MtlsMode
from simulator.registry.snapshot import Snapshot
from simulator.xds.downstream_tls import gateway_context, mesh_context, tls_socket
from simulator.xds.durations import duration
from simulator.xds.envoy_messages import additional_addresses, address
from simulator.xds.filter_chain_options import TLS, ChainOption, chain_options, listener_protocol, plain_http
from simulator.xds.http_connection_manager import HttpOptions, http_connection_manager, stat_prefix
from simulator.xds.inbound_ports import InboundPort, InboundWorkload, after_tls, inbound_ports
from simulator.xds.listener_context import ListenerContext, WorkloadPolicies, listener_context
from simulator.xds.listener_filters import ORIGINAL_DST, ORIGINAL_SRC, inspectors
from simulator.xds.listener_settings import ListenerClass, ListenerSettings, TraceIdentity, number_flag
from simulator.xds.network_filters import (
    black_hole,
    extension_stack,
    guarded_filters,
    idle_timeout,
    peer_metadata,
    protocol_filters,
    tcp_proxy,
)

VIRTUAL_INBOUND = "virtualInbound"
_CATCH_ALL_HTTP = "virtualInbound-catchall-http"


def inbound_listeners(
    snapshot: Snapshot,
    settings: ListenerSettings,
    policies: WorkloadPolicies,
    identity: TraceIdentity,
    workload: InboundWorkload,
) -> tuple[Listener, ...]:
    """Build the inbound listeners of a sidecar, `virtualInbound` first."""
    context = listener_context(snapshot, settings, policies, cls=ListenerClass.INBOUND, identity=identity)
    ports = inbound_ports(snapshot, settings, workload)
    chains: list[FilterChain] = []
    bound: list[Listener] = []
    for port in ports:
        own = port_chains(context, port, workload.peer.mode_of(port.target))
        if port.bind_to_port:
            binds, number = port.binds, port.target
            bound.append(
                _listener(context, port.listener_name, binds=binds, port=number, chains=own, bind_to_port=True)
            )
        else:
            chains += own
    if settings.interception == "NONE":
        return tuple(bound)
    covered = _covered_ports(workload)
    chains = [_black_hole(context), *_passthrough_chains(context, workload, covered), *chains]
    number = snapshot.mesh["proxyInboundListenPort"]
    virtual = _listener(
        context, VIRTUAL_INBOUND, binds=settings.wildcards, port=number, chains=chains, bind_to_port=False
    )
    return (virtual, *bound)


def _covered_ports(workload: InboundWorkload) -> set[int]:
    """Return the ports whose mTLS mode a service's or Sidecar's own chains carry."""
    if workload.sidecar is None:
        return {target for _, _, target in workload.targets}
    return {int((entry.get("port") or {}).get("number") or 0) for entry in workload.sidecar.spec.get("ingress") or ()}


def _passthrough_chains(context: ListenerContext, workload: InboundWorkload, covered: set[int]) -> list[FilterChain]:
    """Return the chains for ports that no service names: by the workload's mode, then for ports with their own."""
    ports = [0, *sorted(port for port, _ in workload.peer.ports if port not in covered)]
    return [
        chain for port in ports for chain in port_chains(context, passthrough_port(port), workload.peer.mode_of(port))
    ]


def passthrough_port(target: int) -> InboundPort:
    """Return the port that stands for all that no service names, or for one of those."""
    return InboundPort(
        target=target,
        number=0,
        name=VIRTUAL_INBOUND,
        protocol=Protocol.AUTO,
        cluster=names.INBOUND_PASSTHROUGH,
        passthrough=True,
    )


def _black_hole(context: ListenerContext) -> FilterChain:
    return {
        "name": "virtualInbound-blackhole",
        "filter_chain_match": {"destination_port": context.snapshot.mesh["proxyInboundListenPort"]},
        "filters": [*peer_metadata(context.snapshot), *context.stats, black_hole()],
    }


def port_chains(context: ListenerContext, port: InboundPort, mode: MtlsMode) -> list[FilterChain]:
    """Build the chains of one port; TLS settings of a Sidecar count where mTLS is off."""
    settings, snapshot = context.settings, context.snapshot
    if port.tls is not None and mode is MtlsMode.DISABLE:
        http = listener_protocol(after_tls(port.protocol)) == "HTTP"
        own = gateway_context(snapshot, settings, port.tls, tcp=False)
        return [_chain(context, port, option=ChainOption(http=http, transport=TLS, terminates=True), tls=own)]
    plain = plain_http(http10=snapshot.flag("PILOT_HTTP10", default=False))
    contexts = {http: mesh_context(snapshot, settings, http=http) for http in (True, False)}
    return [
        _chain(context, port, option=option, tls=contexts[option.http] if option.terminates else None)
        for option in chain_options(mode, listener_protocol(port.protocol), plain=plain)
    ]


def _chain(context: ListenerContext, port: InboundPort, *, option: ChainOption, tls: Json | None) -> FilterChain:
    match: Json = {"transport_protocol": option.transport}
    if option.alpn:
        match["application_protocols"] = list(option.alpn)
    if port.target:
        match["destination_port"] = port.target
    chain: FilterChain = {
        "name": _chain_name(port, http=option.http),
        "filter_chain_match": match,
        "filters": _http_filters(context, port) if option.http else _tcp_filters(context, port),
    }
    socket = tls_socket(tls)
    if socket is not None:
        chain["transport_socket"] = socket
    if port.metadata is not None:
        chain["metadata"] = port.metadata
    return chain


def _chain_name(port: InboundPort, *, http: bool) -> str:
    if port.passthrough:
        return _CATCH_ALL_HTTP if http else VIRTUAL_INBOUND
    return port.listener_name


def _http_filters(context: ListenerContext, port: InboundPort) -> list[Json]:
    details, headers = context.headers.client_cert_details, context.headers
    shown = {
        "subject": bool(details.get("subject", True)),
        **{name: True for name in ("uri", "dns") if details.get(name, True)},
        **{name: True for name in ("cert", "chain") if details.get(name)},
    }
    manager: Json = {"set_current_client_cert_details": shown}
    if headers.forwarded_client_cert != "SANITIZE":
        manager["forward_client_cert_details"] = headers.forwarded_client_cert
    if port.protocol.is_http2:
        manager["http2_protocol_options"] = {}
    options = HttpOptions(
        stat_prefix=stat_prefix(port.cluster if port.passthrough else f"inbound_{port.listener_name}"),
        port=port.target,
        protocol=port.protocol,
        route_config=_route_config(port),
        manager=manager,
        peer_metadata=not port.hbone,
    )
    return [
        *([] if port.hbone else peer_metadata(context.snapshot)),
        *extension_stack(context, port=port.target),
        http_connection_manager(context, options),
    ]


def _route_config(port: InboundPort) -> Json:
    action: Json = {
        "cluster": port.cluster,
        "timeout": "0s",
        "max_stream_duration": {"max_stream_duration": "0s", "grpc_timeout_header_max": "0s"},
    }
    if port.protocol not in (Protocol.GRPC, Protocol.GRPC_WEB):
        action["retry_policy"] = {"retry_on": "reset-before-request", "num_retries": 2}
    route = {
        "name": "default",
        "match": {"prefix": "/"},
        "decorator": {"operation": f"{port.host}:{port.number}/*"},
        "route": action,
    }
    host = {"name": f"inbound|http|{port.number}", "domains": ["*"], "routes": [route]}
    return {"name": port.cluster, "virtual_hosts": [host], "validate_clusters": False}


def _tcp_filters(context: ListenerContext, port: InboundPort) -> list[Json]:
    prefix = port.cluster
    pattern = context.snapshot.mesh.get("inboundClusterStatName")
    if pattern:
        prefix = _stat_name(pattern, port)
    proxy = tcp_proxy(
        stat_prefix=prefix, cluster=port.cluster, idle_timeout=idle_timeout(context), logs=context.logs.tcp
    )
    stack = protocol_filters(context.snapshot, port.protocol, proxy, stat_prefix=prefix, cluster=port.cluster)
    return guarded_filters(context, stack, port=port.number, with_peer=True)


def _stat_name(pattern: str, port: InboundPort) -> str:
    name, short = (port.kubernetes[0], ".".join(port.kubernetes)) if port.kubernetes else (port.host, port.host)
    filled = pattern.replace("%SERVICE%", short).replace("%SERVICE_NAME%", name).replace("%SERVICE_FQDN%", port.host)
    filled = filled.replace("%SUBSET_NAME%", "").replace("%SERVICE_PORT%", str(port.number))
    return filled.replace("%SERVICE_PORT_NAME%", port.name)


def _listener(
    context: ListenerContext,
    name: str,
    *,
    binds: Sequence[str],
    port: int,
    chains: list[FilterChain],
    bind_to_port: bool,
) -> Listener:
    settings, snapshot = context.settings, context.snapshot
    listener: Listener = {
        "name": name,
        "address": address(binds[0], port),
        "traffic_direction": "INBOUND",
        "continue_on_listener_filters_timeout": True,
        "filter_chains": chains,
        "listener_filters": _listener_filters(settings, chains, bind_to_port=bind_to_port),
        "listener_filters_timeout": duration(snapshot.mesh.get("protocolDetectionTimeout") or "0s"),
    }
    limit_accepts(snapshot, listener)
    if settings.dual_stack and len(binds) > 1:
        listener["additional_addresses"] = additional_addresses(binds[1:], port)
    if settings.inbound_exact_balance:
        listener["connection_balance_config"] = {"exact_balance": {}}
    if not bind_to_port and settings.interception == "TPROXY":
        listener["transparent"] = True
    if context.logs.listener:
        listener["access_log"] = list(context.logs.listener)
    return listener


def _listener_filters(settings: ListenerSettings, chains: Sequence[FilterChain], *, bind_to_port: bool) -> list[Json]:
    captured = [] if bind_to_port else [ORIGINAL_DST]
    if not bind_to_port and settings.interception == "TPROXY":
        captured.append(ORIGINAL_SRC)
    return [*captured, *inspectors(chains)]


def limit_accepts(snapshot: Snapshot, listener: Listener) -> None:
    """Limit how many connections one wake-up accepts, so that they spread over the proxy's threads."""
    limit = int(number_flag(snapshot, "MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP", 1))
    if limit > 0:
        listener["max_connections_to_accept_per_socket_event"] = limit

"""The HTTP connection manager of a filter chain, with its filters in istiod's order.

istiod: pilot/pkg/networking/core/listener_builder.go (buildHTTPConnectionManager).
"""

import ipaddress
from dataclasses import dataclass, field

from simulator.model.ports import Protocol
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds import http_filters as filters
from simulator.xds.envoy_messages import cidr_range, typed
from simulator.xds.extension_filters import http_filters as extension_filters
from simulator.xds.listener_context import ListenerContext
from simulator.xds.listener_settings import ListenerClass

FILTER = "envoy.filters.network.http_connection_manager"
_NORMALIZATION: dict[str, Json] = {
    "NONE": {"normalize_path": False},
    "MERGE_SLASHES": {"normalize_path": True, "merge_slashes": True},
    "DECODE_AND_MERGE_SLASHES": {
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """The settings particular to one connection manager."""

    stat_prefix: str
    port: int
    protocol: Protocol
    rds: str = ""
    """Name of the route configuration to ask for."""
    route_config: Json | None = None
    """Routes in place, where they are not asked for."""
    use_remote_address: bool = False
    manager: Json = field(default_factory=dict)
    """Fields that the listener class sets."""
    http1: Json | None = None
    """HTTP/1 options that the listener class sets."""
    dynamic_host: str = ""
    """Wildcard host whose names are resolved as requests name them."""
    peer_metadata: bool = True
    filters: tuple[Json, ...] | None = None
    """All HTTP filters, where they are not the usual ones (waypoints)."""


def stat_prefix(text: str) -> str:
    """Return a prefix that ends the name of the listener for Envoy's statistics."""
    return f"{text};"


def http_connection_manager(context: ListenerContext, options: HttpOptions) -> Json:
    """Build the network filter."""
    settings, snapshot = context.settings, context.snapshot
    idle = settings.idle_timeout
    hundred = snapshot.flag("ENABLE_100_CONTINUE_HEADERS", default=True)
    return typed(
        FILTER,
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=options.stat_prefix,
        **_routes(options),
        http_filters=_filters(context, options) if options.filters is None else list(options.filters),
        **{**context.headers.manager, **options.manager},
        http_protocol_options=_http1(context, options),
        **_paths(snapshot),
        use_remote_address=options.use_remote_address,
        upgrade_configs=[filters.WEBSOCKET],
        common_http_protocol_options={"idle_timeout": idle} if idle else None,
        stream_idle_timeout="0s",
        access_log=list(context.logs.http),
        tracing=context.tracing.config,
        request_id_extension=filters.request_id(sampled=context.tracing.use_request_id),
        internal_address_config=_internal_networks(snapshot, options),
        proxy_100_continue=True if hundred else None,
    )


def _routes(options: HttpOptions) -> Json:
    if not options.rds:
        return {"route_config": options.route_config}
    source = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    return {"rds": {"config_source": source, "route_config_name": options.rds}}


def _http1(context: ListenerContext, options: HttpOptions) -> Json | None:
    added: Json = {"accept_http_10": True} if context.settings.http10 else {}
    if context.headers.preserve_case:
        added["header_key_format"] = filters.PRESERVE_CASE
    return {**(options.http1 or {}), **added} if options.http1 is not None or added else None


def _paths(snapshot: Snapshot) -> Json:
    chosen = (snapshot.mesh.get("pathNormalization") or {}).get("normalization") or "DEFAULT"
    fields = _NORMALIZATION.get(chosen, {"normalize_path": True})
    return {"path_with_escaped_slashes_action": "KEEP_UNCHANGED", **fields}


def _internal_networks(snapshot: Snapshot, options: HttpOptions) -> Json | None:
    if not options.use_remote_address and not snapshot.flag("ENABLE_HCM_INTERNAL_NETWORKS", default=False):
        return None
    texts = [
        endpoint["fromCidr"]
        for network in snapshot.networks.values()
        for endpoint in network.get("endpoints") or ()
        if endpoint.get("fromCidr")
    ]
    ranges = [found for text in texts if (found := cidr_range(text)) is not None]
    ranges.sort(key=_network_order)
    return {"cidr_ranges": ranges} if ranges else None


def _network_order(found: Json) -> tuple[int, int, int]:
    address = ipaddress.ip_address(found["address_prefix"])
    return address.version, int(address), found["prefix_len"]


def _filters(context: ListenerContext, options: HttpOptions) -> list[Json]:
    cls, authorization = context.cls, context.authorization

    def extensions(phase: str) -> list[Json]:
        return extension_filters(context.extensions, phase, port=options.port, cls=cls)

    return [
        *_peer_metadata(context, options),
        *authorization.custom_http,
        *extensions("AUTHN"),
        *context.authentication,
        *extensions("AUTHZ"),
        *authorization.http,
        *extensions("STATS"),
        *extensions(""),
        *([filters.GRPC_WEB] if options.protocol is Protocol.GRPC_WEB else []),
        filters.GRPC_STATS,
        *_alpn(context),
        filters.FAULT,
        filters.CORS,
        *context.stats,
        *_session(context),
        *([filters.dynamic_forward_proxy(options.dynamic_host)] if options.dynamic_host else []),
        filters.router(quiet=context.headers.quiet),
    ]


def _peer_metadata(context: ListenerContext, options: HttpOptions) -> list[Json]:
    if not options.peer_metadata or not context.snapshot.flag("PILOT_ENABLE_METADATA_EXCHANGE", default=True):
        return []
    if context.cls is ListenerClass.INBOUND:
        return [filters.peer_metadata(context.snapshot, "downstream")]
    in_mesh = context.headers.in_mesh_metadata
    return [filters.peer_metadata(context.snapshot, "upstream", in_mesh=in_mesh)]


def _alpn(context: ListenerContext) -> list[Json]:
    wanted = context.snapshot.flag("PILOT_ENABLE_ALPN_FILTER", default=True)
    return [filters.ALPN] if wanted and context.cls is not ListenerClass.INBOUND else []


def _session(context: ListenerContext) -> list[Json]:
    wanted = context.snapshot.flag("PILOT_ENABLE_PERSISTENT_SESSION_FILTER", default=False)
    return [filters.STATEFUL_SESSION] if wanted and context.cls is not ListenerClass.INBOUND else []

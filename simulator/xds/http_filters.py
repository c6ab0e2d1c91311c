"""HTTP filters that do not depend on policies (istiod: pilot/pkg/xds/filters/filters.go)."""

from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.dynamic_forward_proxy import cache_name
from simulator.xds.envoy_messages import any_message, typed, typed_struct

METADATA_EXCHANGE = "istio.metadata_exchange"

GRPC_WEB = typed("envoy.filters.http.grpc_web", "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb")
GRPC_STATS = typed(
    "envoy.filters.http.grpc_stats",
    "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
    emit_filter_state=True,
    stats_for_all_methods=False,
)
ALPN = typed(
    "istio.alpn",
    "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
    alpn_override=[
        {"alpn_override": ["istio-http/1.0", "istio", "http/1.0"]},
        {"upstream_protocol": "HTTP11", "alpn_override": ["istio-http/1.1", "istio", "http/1.1"]},
        {"upstream_protocol": "HTTP2", "alpn_override": ["istio-h2", "istio", "h2"]},
    ],
)
FAULT = typed("envoy.filters.http.fault", "envoy.extensions.filters.http.fault.v3.HTTPFault")
CORS = typed("envoy.filters.http.cors", "envoy.extensions.filters.http.cors.v3.Cors")
STATEFUL_SESSION = typed(
    "envoy.filters.http.stateful_session", "envoy.extensions.filters.http.stateful_session.v3.StatefulSession"
)
_ROUTER = typed("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router")
_QUIET_ROUTER = typed(
    "envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", suppress_envoy_headers=True
)
WEBSOCKET: Json = {"upgrade_type": "websocket"}
PRESERVE_CASE: Json = {
    "stateful_formatter": {
        "name": "preserve_case",
        "typed_config": any_message(
            "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig"
        ),
    }
}


def additional_labels(snapshot: Snapshot) -> Json:
    """Return the part of a metadata filter's configuration that names more labels to exchange."""
    names = {name for name in snapshot.flags.get("PILOT_MX_ADDITIONAL_LABELS", "").split(",") if name}
    return {"additional_labels": sorted(names)} if names else {}


def peer_metadata(snapshot: Snapshot, side: str, *, in_mesh: bool = False) -> Json:
    """Return the filter by which HTTP peers tell each other who they are.

    `side` is where the peer stands: downstream on inbound listeners, else upstream. `in_mesh`: tell no one outside.
    """
    headers = {"skip_external_clusters": True} if in_mesh else {}
    config = {
        f"{side}_discovery": [{"istio_headers": {}}, {"workload_discovery": {}}],
        f"{side}_propagation": [{"istio_headers": headers}],
        **additional_labels(snapshot),
    }
    return typed_struct(METADATA_EXCHANGE, "io.istio.http.peer_metadata.Config", config)


def router(*, quiet: bool) -> Json:
    """Return the router filter; a quiet one adds no `x-envoy-*` headers."""
    return _QUIET_ROUTER if quiet else _ROUTER


def dns_cache(host: str) -> Json:
    """Return the DNS cache of a wildcard host, which the filter and its cluster name alike."""
    return {"name": cache_name(host), "dns_lookup_family": "V4_ONLY"}


def dynamic_forward_proxy(host: str) -> Json:
    """Return the filter that resolves names under a wildcard host when requests name them."""
    return typed(
        "envoy.filters.http.dynamic_forward_proxy",
        "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
        dns_cache_config=dns_cache(host),
    )


def request_id(*, sampled: bool) -> Json:
    """Return the request id extension; a sampled id says whether its request is traced."""
    config = any_message(
        "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig", use_request_id_for_trace_sampling=sampled
    )
    return {"typed_config": config}

"""The `istio.stats` filters of a listener: one per Prometheus provider whose metrics are on.

istiod: pilot/pkg/model/telemetry.go (telemetryFilters, generateStatsConfig).
"""

from collections.abc import Sequence

from simulator.model.proxies import Role
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_messages import message, optional_duration, typed
from simulator.xds.listener_settings import ListenerClass
from simulator.xds.provider_clusters import provider
from simulator.xds.telemetry import MetricOverride, ProviderMetrics, merge_metrics, workload_mode

STATS_FILTER = "istio.stats"
_PROMETHEUS_NAMES = {
    "REQUEST_COUNT": "requests_total",
    "REQUEST_DURATION": "request_duration_milliseconds",
    "REQUEST_SIZE": "request_bytes",
    "RESPONSE_SIZE": "response_bytes",
    "TCP_OPENED_CONNECTIONS": "tcp_connections_opened_total",
    "TCP_CLOSED_CONNECTIONS": "tcp_connections_closed_total",
    "TCP_SENT_BYTES": "tcp_sent_bytes_total",
    "TCP_RECEIVED_BYTES": "tcp_received_bytes_total",
    "GRPC_REQUEST_MESSAGES": "request_messages_total",
    "GRPC_RESPONSE_MESSAGES": "response_messages_total",
}


def stats_filters(
    snapshot: Snapshot, telemetries: Sequence[Resource], *, cls: ListenerClass, role: Role
) -> tuple[Json, ...]:
    """Return the stats filters of a listener class; the same message serves HTTP and TCP."""
    merged = merge_metrics(snapshot, telemetries)
    built = []
    for name in sorted(merged):
        found = provider(snapshot, name)
        if found is not None and "prometheus" in found and workload_mode(cls) not in merged[name].disabled:
            built.append(_stats_filter(merged[name], cls=cls, role=role))
    return tuple(built)


def _stats_filter(metrics: ProviderMetrics, *, cls: ListenerClass, role: Role) -> Json:
    overrides = metrics.overrides[workload_mode(cls)]
    return typed(
        STATS_FILTER,
        "stats.PluginConfig",
        disable_host_header_fallback=True if cls is not ListenerClass.OUTBOUND else None,
        tcp_reporting_duration=optional_duration(metrics.reporting_interval),
        reporter="SERVER_GATEWAY" if role is Role.WAYPOINT else None,
        metrics=[_metric(name, overrides[name]) for name in sorted(overrides)],
    )


def _metric(name: str, override: MetricOverride) -> Json:
    removed = [tag for tag in sorted(override.tags) if override.tags[tag].get("operation") == "REMOVE"]
    dimensions = {tag: override.tags[tag].get("value", "") for tag in sorted(override.tags) if tag not in removed}
    return message(
        dimensions=dimensions or None,
        name=_PROMETHEUS_NAMES.get(name, name),
        tags_to_remove=removed,
        drop=override.disabled or None,
    )

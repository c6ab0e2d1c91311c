"""The bootstrap that the agent writes for Envoy.

Istio's agent: tools/packaging/common/envoy_bootstrap.json, pkg/bootstrap/config.go.
"""

import ipaddress
import json

from simulator.model.proxies import Role
from simulator.model.wire import Json
from simulator.xds.bootstrap_node import Node, service_cluster, sink_addresses, telemetry_services, tracing
from simulator.xds.bootstrap_static import Places, static_clusters, static_listeners
from simulator.xds.bootstrap_stats import StatsSettings, stats_config, stats_intervals, stats_sinks
from simulator.xds.envoy_messages import any_message, typed, typed_struct
from simulator.xds.listener_settings import PROMETHEUS_PORT, STATUS_PORT, metadata_flag, proxy_config
from simulator.xds.view import ProxyView

_MAX_CONNECTIONS = 2147483647
_RUNTIME: Json = {
    "re2.max_program_size.error_level": "32768",
    "envoy.deprecated_features:envoy.config.listener.v3.Listener.hidden_envoy_deprecated_use_original_dst": True,
    "envoy.reloadable_features.http_reject_path_with_fragment": False,
    "envoy.reloadable_features.fixed_heap_use_allocated": True,
    "envoy.reloadable_features.coalesce_lb_rebuilds_on_batch_update": False,
}
_MAX_CONNECTIONS_KEYS = (
    "ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS",
    "overload.global_downstream_max_connections",
)
_LOG_FORMAT = "%Y-%m-%dT%T.%fZ\t%l\tenvoy %n %g:%#\t%v\tthread=%t"


def build_bootstrap(view: ProxyView) -> Json:
    """Build the bootstrap of a proxy."""
    proxy, snapshot = view.proxy, view.snapshot
    metadata = {"INSTANCE_IPS": ",".join(proxy.addresses)} | proxy.metadata
    return bootstrap(
        Node(
            id=proxy.node_id,
            metadata=metadata,
            locality=proxy.locality,
            config=proxy_config(snapshot, proxy),
            dual_stack=snapshot.flag("ISTIO_DUAL_STACK", default=False),
            waypoint=proxy.role is Role.WAYPOINT,
            status_proxy_protocol=metadata_flag(proxy.metadata, "ENVOY_STATUS_PORT_ENABLE_PROXY_PROTOCOL"),
        )
    )


def bootstrap(node: Node) -> Json:
    """Write the bootstrap of a node, zero values left out as Envoy's config dump does."""
    places = _places(node)
    addresses = sink_addresses(node.config)
    stats = StatsSettings(
        config=node.config,
        annotations=node.annotations,
        addresses=node.addresses,
        drains_to_zero=metadata_flag(node.metadata, "EXIT_ON_ZERO_ACTIVE_CONNECTIONS"),
        metadata_discovery=node.discovers_metadata,
    )
    document: Json = {
        "node": _node(node),
        "static_resources": {
            "listeners": static_listeners(places),
            "clusters": static_clusters(places, telemetry_services(node)),
        },
        "dynamic_resources": _dynamic_resources(),
        "admin": _admin(places),
        "stats_config": stats_config(stats),
        **stats_intervals(node.annotations),
        "layered_runtime": {
            "layers": [
                {"name": "global config", "static_layer": _runtime(node.config)},
                {"name": "admin", "admin_layer": {}},
            ]
        },
        "bootstrap_extensions": _extensions(node),
        "overload_manager": {"resource_monitors": [_connection_monitor(node.config)]},
        "application_log_config": {"log_format": {"text_format": _LOG_FORMAT}},
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
    }
    optional = {
        "tracing": tracing(node),
        "stats_sinks": stats_sinks(node.config, addresses),
        "cluster_manager": _cluster_manager(node.metadata),
    }
    return document | {name: value for name, value in optional.items() if value}


def _node(node: Node) -> Json:
    result: Json = {"id": node.id, "cluster": service_cluster(node), "metadata": node.metadata}
    parts = {"region": node.locality.region, "zone": node.locality.zone, "sub_zone": node.locality.subzone}
    return result | {"locality": {name: text for name, text in parts.items() if text}}


def _places(node: Node) -> Places:
    families = [ipaddress.ip_address(address).version for address in node.addresses] or [4]
    first = 6 if set(families) == {6} else 4
    both = node.dual_stack and len(set(families)) > 1
    order = (families[0], 10 - families[0]) if both else (first,)
    config = node.config
    return Places(
        localhosts=tuple({4: "127.0.0.1", 6: "::1"}[family] for family in order),
        wildcards=tuple({4: "0.0.0.0", 6: "::"}[family] for family in order),
        dns_family="ALL" if both else {4: "V4_ONLY", 6: "V6_ONLY"}[first],
        admin_port=int(config.get("proxyAdminPort") or 15000),
        agent_port=int(config.get("statusPort") or 15020),
        status_port=int(node.metadata.get("ENVOY_STATUS_PORT") or STATUS_PORT),
        prometheus_port=int(node.metadata.get("ENVOY_PROMETHEUS_PORT") or PROMETHEUS_PORT),
        metrics_on_localhost=(config.get("proxyMetadata") or {}).get("METRICS_LOCALHOST_ACCESS_ONLY") == "true",
        proxy_protocol=node.status_proxy_protocol,
        compression=config.get("statsCompression") is not False,
        config_path=config.get("configPath") or "./etc/istio/proxy",
        workload_socket=node.metadata.get("WORKLOAD_IDENTITY_SOCKET_FILE") or "socket",
        files_socket="./var/run/secrets/credential-uds/files-socket" if "CREDENTIAL_FILE" in node.metadata else "",
        metadata=node.metadata,
    )


def _dynamic_resources() -> Json:
    source: Json = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    ads: Json = {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}],
        "set_node_on_first_message_only": True,
    }
    return {"lds_config": source, "cds_config": dict(source), "ads_config": ads}


def _admin(places: Places) -> Json:
    log = typed("envoy.access_loggers.file", "envoy.extensions.access_loggers.file.v3.FileAccessLog", path="/dev/null")
    address = {"socket_address": {"address": places.localhosts[0], "port_value": places.admin_port}}
    return {"access_log": [log], "profile_path": "/var/lib/istio/data/envoy.prof", "address": address}


def _runtime(config: Json) -> Json:
    """Return the runtime flags: an empty value unsets one, and `true` and `false` are booleans."""
    flags = dict(_RUNTIME)
    for key, value in (config.get("runtimeValues") or {}).items():
        if value == "":
            flags.pop(key, None)
        else:
            flags[key] = {"true": True, "false": False}.get(value, value)
    return flags


def _extensions(node: Node) -> list[Json]:
    internal = typed_struct(
        "envoy.bootstrap.internal_listener",
        "envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
        {"buffer_size_kb": 64},
    )
    if not node.discovers_metadata:
        return [internal]
    discovery = typed_struct("metadata_discovery", "istio.workload.BootstrapExtension", {"config_source": {"ads": {}}})
    return [discovery, internal]


def _connection_monitor(config: Json) -> Json:
    metadata_key, runtime_key = _MAX_CONNECTIONS_KEYS
    chosen = (config.get("proxyMetadata") or {}).get(metadata_key)
    if not _is_number(chosen):
        chosen = (config.get("runtimeValues") or {}).get(runtime_key)
    limit = chosen if _is_number(chosen) else _MAX_CONNECTIONS
    monitor = any_message(
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections=str(limit),
    )
    return {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": monitor}


def _is_number(value: object) -> bool:
    return isinstance(value, str) and value.lstrip("-").isdigit()


def _cluster_manager(metadata: Json) -> Json:
    log, report = metadata.get("OUTLIER_LOG_PATH"), metadata.get("LOAD_STATS_CONFIG_JSON")
    if not log and not report:
        return {}
    result: Json = {"enable_deferred_cluster_creation": True}
    if log:
        result["outlier_detection"] = {"event_log_path": log}
    if report:
        result["load_stats_config"] = json.loads(report)
    return result

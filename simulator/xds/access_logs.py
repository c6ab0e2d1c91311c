"""Access logs of listeners, HTTP connection managers and TCP proxies.

istiod: pilot/pkg/networking/core/accesslog.go, pilot/pkg/model/telemetry_logging.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.access_log_formats import (
    TEXT_FORMAT,
    file_logger,
    formatters,
    json_format,
    mesh_file_logger,
    text_format,
)
from simulator.xds.envoy_messages import any_message, message, typed
from simulator.xds.listener_settings import ListenerClass
from simulator.xds.provider_clusters import ProviderCluster, default_providers, provider, provider_cluster
from simulator.xds.telemetry import LogChoice, merge_logs, workload_mode

ACCESS_LOG_CLUSTER = "envoy_accesslog_service"
_PEERS = ["upstream_peer", "downstream_peer"]
_WASM_PEERS = [
    *_PEERS,
    "wasm.upstream_peer",
    "wasm.upstream_peer_id",
    "wasm.downstream_peer",
    "wasm.downstream_peer_id",
]
_NO_ROUTE: Json = {"response_flag_filter": {"flags": ["NR"]}}
_UNREACHED: Json = {"response_flag_filter": {"flags": ["UF"]}}
_REFUSED: Json = {
    "status_code_filter": {"comparison": {"op": "GE", "value": {"default_value": 400, "runtime_key": "istio.io/unset"}}}
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogs:
    """The loggers of one listener class."""

    http: tuple[Json, ...] = ()
    tcp: tuple[Json, ...] = ()
    listener: tuple[Json, ...] = ()
    """Of the listener itself, for connections that no filter chain takes."""
    origination: tuple[Json, ...] = ()
    """Of tunnels that the proxy opens, when they fail."""
    termination: tuple[Json, ...] = ()
    """Of tunnels that it ends, when it refuses them."""


def access_logs(snapshot: Snapshot, telemetries: Sequence[Resource], *, cls: ListenerClass) -> AccessLogs:
    """Return the loggers by Telemetry and default providers; without either, by the mesh's file and service."""
    silent = bool(snapshot.mesh.get("disableEnvoyListenerLog"))
    if not any(t.spec.get("accessLogging") for t in telemetries) and not default_providers(snapshot, "accessLogging"):
        return _from_mesh(snapshot, silent=silent)
    configured = _from_telemetry(snapshot, telemetries, cls=cls)
    if not configured:
        return _from_mesh(snapshot, silent=silent)
    active = [(choice, logger) for choice, logger in configured if not choice.disabled]

    def loggers(*when: Json) -> tuple[Json, ...]:
        return tuple(_filtered(logger, *when, _telemetry_filter(choice)) for choice, logger in active)

    return AccessLogs(
        http=loggers(),
        tcp=loggers(),
        listener=() if silent else loggers(_NO_ROUTE),
        origination=loggers(_UNREACHED),
        termination=loggers(_REFUSED),
    )


def _from_mesh(snapshot: Snapshot, *, silent: bool) -> AccessLogs:
    mesh = snapshot.mesh
    path = mesh.get("accessLogFile") or ""
    file = (mesh_file_logger(mesh, path),) if path else ()
    http, tcp = file, file
    own = tuple(_filtered(logger, _NO_ROUTE) for logger in file)
    if mesh.get("enableEnvoyAccessLogService"):
        service = ProviderCluster("", ACCESS_LOG_CLUSTER)
        http = (*http, _http_als(service, {"filterStateObjectsToLog": _WASM_PEERS}))
        tcp = (*tcp, _tcp_als(service, {"filterStateObjectsToLog": _WASM_PEERS}))
        listener = _tcp_als(service, {"logName": "listener_envoy_accesslog", "filterStateObjectsToLog": _WASM_PEERS})
        own = (*own, _filtered(listener, _NO_ROUTE))
    return AccessLogs(
        http=http,
        tcp=tcp,
        listener=() if silent else own,
        origination=tuple(_filtered(logger, _UNREACHED) for logger in file),
        termination=tuple(_filtered(logger, _REFUSED) for logger in file),
    )


def _from_telemetry(
    snapshot: Snapshot, telemetries: Sequence[Resource], *, cls: ListenerClass
) -> list[tuple[LogChoice, Json]]:
    found = []
    for name, choice in merge_logs(snapshot, telemetries, mode=workload_mode(cls)).items():
        entry = provider(snapshot, name)
        logger = None if entry is None else provider_logger(snapshot, entry)
        if entry is not None and logger is not None:
            found.append((str(entry.get("name")), choice, logger))
    return [(choice, logger) for _, choice, logger in sorted(found, key=lambda item: item[0])]


def _telemetry_filter(choice: LogChoice) -> Json | None:
    if choice.expression is None:
        return None
    config = any_message(
        "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter", expression=choice.expression
    )
    return {"extension_filter": {"name": "envoy.access_loggers.extension_filters.cel", "typed_config": config}}


def _filtered(logger: Json, *filters: Json | None) -> Json:
    present = [item for item in filters if item is not None]
    if not present:
        return logger
    return {**logger, "filter": present[0] if len(present) == 1 else {"and_filter": {"filters": present}}}


def provider_logger(snapshot: Snapshot, entry: Json) -> Json | None:
    """Return the logger of an extension provider; None for providers that do not log or whose service is unknown."""
    if (file := entry.get("envoyFileAccessLog")) is not None:
        return _file_provider(snapshot, entry.get("name", ""), file)
    for kind, build in (("envoyHttpAls", _http_als), ("envoyTcpAls", _tcp_als), ("envoyOtelAls", _otel_als)):
        if (config := entry.get(kind)) is not None:
            found = provider_cluster(snapshot, config.get("service", ""), config.get("port") or 0)
            return None if found is None else build(found, config)
    return None


def _file_provider(snapshot: Snapshot, name: str, config: Json) -> Json:
    chosen = config.get("logFormat")
    omit = bool(config.get("omitEmptyValues"))
    if name == "envoy" and chosen is None and not omit:
        return mesh_file_logger(snapshot.mesh, config.get("path") or "")
    path = config.get("path") or "/dev/stdout"
    if chosen is not None and "labels" in chosen:
        return file_logger(path, json_format(chosen.get("labels"), omit_empty=omit))
    return file_logger(path, text_format((chosen or {}).get("text") or "", omit_empty=omit))


def _common(found: ProviderCluster, config: Json, *, name: str, state: Sequence[str] = _PEERS) -> Json:
    return message(
        log_name=config.get("logName") or name,
        grpc_service={"envoy_grpc": message(cluster_name=found.cluster, authority=found.host)},
        transport_api_version="V3",
        filter_state_objects_to_log=list(config.get("filterStateObjectsToLog") or state),
    )


def _http_als(found: ProviderCluster, config: Json) -> Json:
    return typed(
        "envoy.access_loggers.http_grpc",
        "envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
        common_config=_common(found, config, name="http_envoy_accesslog"),
        additional_request_headers_to_log=config.get("additionalRequestHeadersToLog"),
        additional_response_headers_to_log=config.get("additionalResponseHeadersToLog"),
        additional_response_trailers_to_log=config.get("additionalResponseTrailersToLog"),
    )


def _tcp_als(found: ProviderCluster, config: Json) -> Json:
    return typed(
        "envoy.tcp_grpc_access_log",
        "envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig",
        common_config=_common(found, config, name="tcp_envoy_accesslog"),
    )


def _otel_als(found: ProviderCluster, config: Json) -> Json:
    chosen = config.get("logFormat") or {}
    text = chosen.get("text") or TEXT_FORMAT
    labels = chosen.get("labels") or {}
    values = [{"key": key, "value": {"string_value": _string(labels[key])}} for key in sorted(labels)]
    return typed(
        "envoy.access_loggers.open_telemetry",
        "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
        common_config=_common(
            found, {**config, "filterStateObjectsToLog": None}, name="otel_envoy_accesslog", state=_WASM_PEERS
        ),
        disable_builtin_labels=True,
        body={"string_value": text},
        attributes={"values": values} if values else None,
        formatters=formatters(text, *labels.values()),
    )


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""

"""Static clusters and listeners of a bootstrap.

Istio's agent: tools/packaging/common/envoy_bootstrap.json, pkg/bootstrap/option/convert.go (TLS and keepalive of the
services that telemetry goes to).
"""

from dataclasses import dataclass, field
from typing import Any

from simulator.model.wire import Cluster, Json, Listener
from simulator.xds.durations import nanoseconds
from simulator.xds.envoy_messages import TYPE_PREFIX, any_message, exact_matches, message, typed
from simulator.xds.upstream_tls_context import sds_secret

_HTTP2 = {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": any_message(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config={"http2_protocol_options": {}},
    )
}
_HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_COMPRESSED = (
    "text/plain",
    "application/vnd.google.protobuf",
    "application/openmetrics-text",
    "application/openmetrics-protobuf",
)
_LIMIT = 100000


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that the proxy itself talks to: traces, metrics, access logs."""

    name: str
    address: Json
    tls: Json | None = None
    keepalive: Json | None = None
    http2: bool = False
    refresh: bool = False
    """DNS is asked every 30 seconds (Zipkin)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Addresses and ports of one proxy's own listeners and its agent."""

    localhosts: tuple[str, ...]
    wildcards: tuple[str, ...]
    dns_family: str
    admin_port: int
    agent_port: int
    status_port: int
    prometheus_port: int
    metrics_on_localhost: bool = False
    proxy_protocol: bool = False
    compression: bool = True
    config_path: str = "./etc/istio/proxy"
    workload_socket: str = "socket"
    files_socket: str = ""
    """Socket of an SDS server for certificate files; empty for none."""
    metadata: Json = field(default_factory=dict)


def static_clusters(places: Places, services: list[Service]) -> list[Cluster]:
    """Return the clusters that a proxy has before istiod sends it any."""
    admin = _socket(places.localhosts[0], places.admin_port)
    agent = _socket(places.localhosts[0], places.agent_port)
    identity = {"pipe": {"path": f"./var/run/secrets/workload-spiffe-uds/{places.workload_socket}"}}
    clusters = [
        _cluster("prometheus_stats", admin, timeout="0.250s"),
        _cluster("agent", agent, timeout="0.250s"),
        _cluster("sds-grpc", identity, http2=True),
    ]
    if places.files_socket:
        clusters.append(_cluster("sds-files-grpc", {"pipe": {"path": places.files_socket}}, http2=True))
    istiod = _cluster("xds-grpc", {"pipe": {"path": f"{places.config_path}/XDS"}}, http2=True)
    limits: Json = {"max_connections": _LIMIT, "max_pending_requests": _LIMIT, "max_requests": _LIMIT}
    istiod["circuit_breakers"] = {"thresholds": [limits, {"priority": "HIGH"} | limits]}
    istiod["upstream_connection_options"] = {"tcp_keepalive": {"keepalive_time": 300}}
    istiod["max_requests_per_connection"] = 1
    return [*clusters, istiod, *(_service_cluster(service, places) for service in services)]


def static_listeners(places: Places) -> list[Listener]:
    """Return the listeners for metrics and readiness."""
    metrics_hosts = places.localhosts if places.metrics_on_localhost else places.wildcards
    metrics_filters = [*(_compressor(kind) for kind in _compressors(places)), _ROUTER]
    metrics = _listener(metrics_hosts, places.prometheus_port, _manager("stats", _METRICS_ROUTE, metrics_filters))
    status = _listener(places.wildcards, places.status_port, _manager("agent", _STATUS_ROUTE, [_ROUTER]))
    if places.proxy_protocol:
        proxy_protocol = "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"
        options = {"allow_requests_without_proxy_protocol": True}
        status["listener_filters"] = [typed("envoy.listener.proxy_protocol", proxy_protocol, **options)]
    return [metrics, status]


def service_tls(tls: Json, *, sni: str, metadata: Json, http2: bool) -> Json | None:
    """Return the transport socket to a telemetry service; None without TLS."""
    mode = tls.get("mode") or "DISABLE"
    if mode not in ("SIMPLE", "MUTUAL", "ISTIO_MUTUAL"):
        return None
    istio = mode == "ISTIO_MUTUAL"
    certificate = "default" if istio else ""
    root = "ROOTCA"
    if not istio:
        path = metadata.get("TLS_CLIENT_ROOT_CERT") or tls.get("caCertificates") or ""
        root = f"file-root:{path}" if path else ""
    if mode == "MUTUAL":
        chain = metadata.get("TLS_CLIENT_CERT_CHAIN") or tls.get("clientCertificate") or ""
        key = metadata.get("TLS_CLIENT_KEY") or tls.get("privateKey") or ""
        certificate = f"file-cert:{chain}~{key}" if chain and key else ""
    names = exact_matches(tls.get("subjectAltNames") or ())
    combined: Json = {"default_validation_context": {"match_subject_alt_names": names} if names else {}}
    if root:
        combined["validation_context_sds_secret_config"] = sds_secret(root)
    common: Json = {"combined_validation_context": combined}
    if certificate:
        common["tls_certificate_sds_secret_configs"] = [sds_secret(certificate)]
    if http2:
        common["alpn_protocols"] = ["istio", "h2"] if istio else ["h2"]
    context: dict[str, Any] = {"common_tls_context": common, "sni": tls.get("sni") or (sni if istio else "")}
    tls_type = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    return typed("envoy.transport_sockets.tls", tls_type, **context)


def _socket(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


def _assignment(name: str, address: Json) -> Json:
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}


def _cluster(name: str, address: Json, *, timeout: str = "1s", http2: bool = False) -> Cluster:
    cluster: Cluster = {
        "name": name,
        "alt_stat_name": f"{name};",
        "type": "STATIC",
        "connect_timeout": timeout,
        "load_assignment": _assignment(name, address),  # type: ignore[typeddict-item]
    }
    if http2:
        cluster["typed_extension_protocol_options"] = _HTTP2
    return cluster


def _service_cluster(service: Service, places: Places) -> Cluster:
    cluster = _cluster(service.name, {"socket_address": service.address}, http2=service.http2)
    cluster["type"] = "STRICT_DNS"
    cluster["respect_dns_ttl"] = True
    if places.dns_family != "AUTO":
        cluster["dns_lookup_family"] = places.dns_family
    if service.refresh:
        cluster["dns_refresh_rate"] = "30s"
    if service.tls:
        cluster["transport_socket"] = service.tls
    if service.keepalive is not None:
        cluster["upstream_connection_options"] = {"tcp_keepalive": _keepalive(service.keepalive)}
    return cluster


def _keepalive(settings: Json) -> Json:
    def seconds(name: str) -> int | None:
        return nanoseconds(settings[name]) // 10**9 or None if settings.get(name) else None

    return message(
        keepalive_probes=int(settings.get("probes") or 0) or None,
        keepalive_time=seconds("time"),
        keepalive_interval=seconds("interval"),
    )


_ROUTER = typed("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router")
_METRICS_ROUTE = ("/stats/prometheus", "prometheus_stats")
_STATUS_ROUTE = ("/healthz/ready", "agent")


def _manager(prefix: str, route: tuple[str, str], filters: list[Json]) -> Json:
    path, cluster = route
    routes = [{"match": {"prefix": path}, "route": {"cluster": cluster}}]
    return typed(
        "envoy.filters.network.http_connection_manager",
        _HCM,
        stat_prefix=prefix,
        route_config={"virtual_hosts": [{"name": "backend", "domains": ["*"], "routes": routes}]},
        http_filters=filters,
    )


def _listener(hosts: tuple[str, ...], port: int, manager: Json) -> Listener:
    listener: Json = {
        "name": f"{hosts[0]}_{port}",
        "address": _socket(hosts[0], port),
        "filter_chains": [{"filters": [manager]}],
        "ignore_global_conn_limit": True,
        "bypass_overload_manager": True,
    }
    if len(hosts) > 1:
        listener["additional_addresses"] = [{"address": _socket(hosts[1], port)}]
    return listener  # type: ignore[return-value]  # two fields that only static listeners have


def _compressors(places: Places) -> tuple[str, ...]:
    return ("brotli", "zstd", "gzip") if places.compression else ()


def _compressor(kind: str) -> Json:
    library = {
        "name": f"stats_{kind}",
        "typed_config": {
            "@type": f"{TYPE_PREFIX}envoy.extensions.compression.{kind}.compressor.v3.{kind.capitalize()}"
        },
    }
    return typed(
        f"envoy.filters.http.compressor.{kind}",
        "envoy.extensions.filters.http.compressor.v3.Compressor",
        compressor_library=library,
        response_direction_config={"common_config": {"content_type": list(_COMPRESSED)}},
    )

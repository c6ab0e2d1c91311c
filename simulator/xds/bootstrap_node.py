"""The node that a bootstrap is for, and the services that the proxy itself talks to.

Istio's agent: pkg/bootstrap/config.go (getServiceCluster, getProxyConfigOptions).
"""

from dataclasses import dataclass, field

from simulator.model.labels import Labels
from simulator.model.services import Locality
from simulator.model.wire import Json
from simulator.xds.bootstrap_static import Service, service_tls
from simulator.xds.envoy_messages import typed
from simulator.xds.listener_settings import metadata_flag


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What the agent knows when it writes a bootstrap."""

    id: str
    metadata: Json
    locality: Locality = field(default_factory=Locality)
    config: Json = field(default_factory=dict)
    """ProxyConfig."""
    dual_stack: bool = False
    waypoint: bool = False
    status_proxy_protocol: bool = False

    @property
    def labels(self) -> Labels:
        """Labels of the pod."""
        return self.metadata.get("LABELS") or {}

    @property
    def annotations(self) -> Labels:
        """Annotations of the pod."""
        return self.metadata.get("ANNOTATIONS") or {}

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses of the instance."""
        return tuple(part for part in str(self.metadata.get("INSTANCE_IPS") or "").split(",") if part)

    @property
    def discovers_metadata(self) -> bool:
        """The proxy asks istiod about the workloads that it talks to (ambient)."""
        return self.waypoint or metadata_flag(self.metadata, "METADATA_DISCOVERY")


def service_cluster(node: Node) -> str:
    """Return the name of the service that a proxy belongs to, as traces and Envoy's node know it."""
    config, metadata = node.config, node.metadata
    namespace = metadata.get("NAMESPACE") or ""
    naming = config.get("tracingServiceName")
    if naming in ("CANONICAL_NAME_ONLY", "CANONICAL_NAME_AND_NAMESPACE"):
        canonical = _canonical_name(node)
        if naming == "CANONICAL_NAME_AND_NAMESPACE" and namespace:
            return f"{canonical}.{namespace}"
        return _service_cluster_or_default(canonical, node, namespace)
    name = "istio-proxy" if naming else config.get("serviceCluster") or "istio-proxy"
    return _service_cluster_or_default(name, node, namespace)


def _service_cluster_or_default(name: str, node: Node, namespace: str) -> str:
    if name and name != "istio-proxy":
        return name
    keys = ("app", "app.kubernetes.io/name", "service.istio.io/canonical-name")
    app = next((node.labels[key] for key in keys if key in node.labels), None)
    workload = node.metadata.get("WORKLOAD_NAME")
    for candidate in (app, workload):
        if candidate:
            return f"{candidate}.{namespace}"
    return f"istio-proxy.{namespace}" if namespace else "istio-proxy"


def _canonical_name(node: Node) -> str:
    keys = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
    named = next((node.labels[key] for key in keys if node.labels.get(key)), "")
    return named or node.metadata.get("WORKLOAD_NAME") or "istio-proxy"


def sink_addresses(config: Json) -> Json:
    """Return the parsed addresses that statistics are sent to, by sink."""
    metrics = (config.get("envoyMetricsService") or {}).get("address")
    statsd = config.get("statsdUdpAddress")
    found = {"metrics_service": metrics, "statsd": statsd}
    return {name: _socket_address(text) for name, text in found.items() if text}


def _socket_address(text: str) -> Json:
    host, _, port = text.rpartition(":")
    return {"address": host.strip("[]"), "port_value": int(port)}


def _tracer(config: Json) -> tuple[str, str]:
    """Return name and address of the tracer that the proxy itself reports to; empty for none."""
    tracing = config.get("tracing") or {}
    for name in ("zipkin", "lightstep", "datadog"):
        address = (tracing.get(name) or {}).get("address")
        if address:
            return name, address
    return "", ""


def telemetry_services(node: Node) -> list[Service]:
    """Return the services that traces, metrics and access logs go to by ProxyConfig."""
    config = node.config
    services: list[Service] = []
    tracer, address = _tracer(config)
    if tracer:
        http2 = tracer == "lightstep"
        name = "datadog_agent" if tracer == "datadog" else tracer
        tls = (config.get("tracing") or {}).get("tlsSettings")
        services.append(
            Service(
                name=name,
                address=_socket_address(address),
                tls=service_tls(tls, sni="tracer", metadata=node.metadata, http2=http2) if tls else None,
                http2=http2,
                refresh=tracer == "zipkin",
            )
        )
    for field_name, name in (
        ("envoyMetricsService", "envoy_metrics_service"),
        ("envoyAccessLogService", "envoy_accesslog_service"),
    ):
        settings = config.get(field_name) or {}
        if settings.get("address"):
            tls = settings.get("tlsSettings")
            services.append(
                Service(
                    name=name,
                    address=_socket_address(settings["address"]),
                    tls=service_tls(tls, sni=name, metadata=node.metadata, http2=True) if tls else None,
                    keepalive=settings.get("tcpKeepalive"),
                    http2=True,
                )
            )
    return services


def tracing(node: Node) -> Json:
    """Return the tracer of the ProxyConfig, which only proxies of the bootstrap's own listeners use; empty for none."""
    tracer, _ = _tracer(node.config)
    prefix = "envoy.config.trace.v3."
    if tracer == "zipkin":
        zipkin: Json = {
            "collector_cluster": "zipkin",
            "collector_endpoint": "/api/v2/spans",
            "collector_endpoint_version": "HTTP_JSON",
            "trace_id_128bit": True,
            "shared_span_context": False,
        }
        return {"http": typed("envoy.tracers.zipkin", f"{prefix}ZipkinConfig", **zipkin)}
    if tracer == "lightstep":
        token = f"{node.config.get('configPath') or './etc/istio/proxy'}/lightstep_access_token.txt"
        lightstep = {"collector_cluster": "lightstep", "access_token_file": token}
        return {"http": typed("envoy.tracers.lightstep", f"{prefix}LightstepConfig", **lightstep)}
    if tracer == "datadog":
        datadog = {"collector_cluster": "datadog_agent", "service_name": service_cluster(node)}
        return {"http": typed("envoy.tracers.datadog", f"{prefix}DatadogConfig", **datadog)}
    return {}

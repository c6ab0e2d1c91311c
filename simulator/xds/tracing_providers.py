"""Tracing providers: Zipkin, Datadog, SkyWalking and OpenTelemetry (istiod: pilot/pkg/networking/core/tracing.go)."""

from dataclasses import dataclass

from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_messages import any_message, message, optional_duration
from simulator.xds.header_operations import OVERWRITE
from simulator.xds.listener_settings import ListenerSettings, TraceIdentity
from simulator.xds.provider_clusters import ProviderCluster, provider_cluster

_DETECTORS = "envoy.tracers.opentelemetry.resource_detectors"


class UnknownCluster(LookupError):
    """The service of a provider is not in the registry, or the provider does not trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingProvider:
    """A provider as a connection manager holds it."""

    provider: Json
    max_tag_length: int = 0
    child_span: bool = False
    custom_sampler: bool = False


def tracing_provider(
    snapshot: Snapshot, settings: ListenerSettings, entry: Json, *, identity: TraceIdentity
) -> TracingProvider:
    """Translate an extension provider; raise UnknownCluster when it cannot trace."""
    if (zipkin := entry.get("zipkin")) is not None:
        return _result("zipkin", _zipkin(snapshot, zipkin), zipkin)
    if (datadog := entry.get("datadog")) is not None:
        found = _lookup(snapshot, datadog)
        config = _config("DatadogConfig", collector_cluster=found.cluster, collector_hostname=found.host)
        return _result("datadog", config, datadog)
    if (skywalking := entry.get("skywalking")) is not None:
        config = _config("SkyWalkingConfig", grpc_service=_grpc(_lookup(snapshot, skywalking)))
        return TracingProvider(provider=_named("skywalking", config), child_span=True)
    if (otel := entry.get("opentelemetry")) is not None:
        return TracingProvider(
            provider=_named("opentelemetry", _opentelemetry(snapshot, otel, identity=identity)),
            max_tag_length=otel.get("maxTagLength") or 0,
            custom_sampler="dynatraceSampler" in otel,
        )
    raise UnknownCluster(entry.get("name"))


def _config(kind: str, **fields: object) -> Json:
    return any_message(f"envoy.config.trace.v3.{kind}", **fields)


def _named(name: str, config: Json) -> Json:
    return {"name": f"envoy.tracers.{name}", "typed_config": config}


def _result(name: str, config: Json, entry: Json) -> TracingProvider:
    return TracingProvider(provider=_named(name, config), max_tag_length=entry.get("maxTagLength") or 0)


def _lookup(snapshot: Snapshot, entry: Json) -> ProviderCluster:
    found = provider_cluster(snapshot, entry.get("service") or "", entry.get("port") or 0)
    if found is None:
        raise UnknownCluster(entry.get("service"))
    return found


def _grpc(found: ProviderCluster, **fields: object) -> Json:
    return message(envoy_grpc={"cluster_name": found.cluster, "authority": found.host}, **fields)


def _zipkin(snapshot: Snapshot, entry: Json) -> Json:
    found = _lookup(snapshot, entry)
    path = entry.get("path") or "/api/v2/spans"
    uri = {
        "uri": f"http://{found.host}{path}",
        "cluster": found.cluster,
        "timeout": optional_duration(entry.get("timeout")) or "5s",
    }
    both = entry.get("traceContextOption") == "USE_B3_WITH_W3C_PROPAGATION"
    return _config(
        "ZipkinConfig",
        collector_service=message(http_uri=uri, request_headers_to_add=_headers(snapshot, entry)),
        collector_endpoint_version="HTTP_JSON",
        trace_id_128bit=None if entry.get("enable64bitTraceId") else True,
        shared_span_context=False,
        trace_context_option="USE_B3_WITH_W3C_PROPAGATION" if both else None,
    )


def _headers(snapshot: Snapshot, entry: Json) -> list[Json]:
    return [{"header": _header(snapshot, header), "append_action": OVERWRITE} for header in entry.get("headers") or ()]


def _header(snapshot: Snapshot, header: Json) -> Json:
    """Return a header whose value is given, or stands in istiod's environment."""
    value = header.get("value") or snapshot.flags.get(header.get("envName") or "")
    return message(key=header.get("name"), value=value)


def _opentelemetry(snapshot: Snapshot, entry: Json, *, identity: TraceIdentity) -> Json:
    found = _lookup(snapshot, entry)
    conventions = entry.get("serviceAttributeEnrichment") == "OTEL_SEMANTIC_CONVENTIONS"
    fields: Json = {"service_name": identity.otel_service if conventions else None}
    if (http := entry.get("http")) is not None:
        fields["http_service"] = _http_service(snapshot, found, http, path=http.get("path") or "")
    else:
        grpc = entry.get("grpc") or {}
        fields["grpc_service"] = _grpc(
            found,
            timeout=optional_duration(grpc.get("timeout")),
            initial_metadata=[_header(snapshot, header) for header in grpc.get("initialMetadata") or ()],
        )
    return _config(
        "OpenTelemetryConfig",
        **fields,
        resource_detectors=_detectors(entry, conventions=conventions),
        sampler=_dynatrace(snapshot, entry, found) if "dynatraceSampler" in entry else None,
    )


def _http_service(snapshot: Snapshot, found: ProviderCluster, http: Json, *, path: str) -> Json:
    timeout = optional_duration(http.get("timeout"))
    uri = message(uri=_joined(found.host, path), cluster=found.cluster, timeout=timeout)
    return message(http_uri=uri, request_headers_to_add=_headers(snapshot, http))


def _joined(host: str, path: str) -> str:
    """Join host and path with one slash, as Go's url.JoinPath does for simple paths."""
    return f"{host}/{path.lstrip('/')}" if path else host


def _detectors(entry: Json, *, conventions: bool) -> list[Json]:
    chosen = entry.get("resourceDetectors") or {}
    kinds = [kind for kind in ("environment", "dynatrace") if chosen.get(kind) is not None]
    if conventions and "environment" not in kinds:
        kinds.append("environment")
    return [
        {
            "name": f"{_DETECTORS}.{kind}",
            "typed_config": any_message(
                f"envoy.extensions.tracers.opentelemetry.resource_detectors.v3.{kind.title()}ResourceDetectorConfig"
            ),
        }
        for kind in kinds
    ]


def _dynatrace(snapshot: Snapshot, entry: Json, found: ProviderCluster) -> Json:
    sampler = entry.get("dynatraceSampler") or {}
    own = sampler.get("httpService")
    if own is None:
        http = entry.get("http")
        if http is None:
            raise UnknownCluster(entry.get("service"))
        service = _http_service(snapshot, found, http, path="api/v2/samplingConfiguration")
    else:
        api, http = _lookup(snapshot, own), own.get("http") or {}
        service = _http_service(snapshot, api, http, path=http.get("path") or "")
    config = any_message(
        "envoy.extensions.tracers.opentelemetry.samplers.v3.DynatraceSamplerConfig",
        tenant=sampler.get("tenant"),
        cluster_id=sampler.get("clusterId") or None,
        root_spans_per_minute=sampler.get("rootSpansPerMinute") or None,
        http_service=service,
    )
    return {"name": "envoy.tracers.opentelemetry.samplers.dynatrace", "typed_config": config}

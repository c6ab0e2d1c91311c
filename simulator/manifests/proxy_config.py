"""The ProxyConfig of one pod: mesh defaults, ProxyConfig resources and the annotation, merged.

istiod: pilot/pkg/model/proxy_config.go, pkg/config/mesh/mesh.go (MergeProxyConfig), pkg/kube/inject/template.go
(cleanProxyConfig: what equals the default is left out of what the proxy is told).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.model.labels import Labels, selects
from simulator.model.resources import Resource
from simulator.model.wire import Json

ANNOTATION = "proxy.istio.io/config"
DEFAULTS: Json = {
    "configPath": "./etc/istio/proxy",
    "binaryPath": "/usr/local/bin/envoy",
    "serviceCluster": "istio-proxy",
    "drainDuration": "45s",
    "terminationDrainDuration": "5s",
    "proxyAdminPort": 15000,
    "controlPlaneAuthPolicy": "MUTUAL_TLS",
    "discoveryAddress": "istiod.istio-system.svc:15012",
    "statNameLength": 189,
    "statusPort": 15020,
}
_FIELDS = (  # in the order of their numbers, which is the order in which istiod prints them
    *("configPath", "binaryPath", "serviceCluster", "tracingServiceName", "drainDuration", "discoveryAddress"),
    *("statsdUdpAddress", "proxyAdminPort", "controlPlaneAuthPolicy", "customConfigFile", "statNameLength"),
    *("concurrency", "proxyBootstrapTemplatePath", "interceptionMode", "tracing", "envoyAccessLogService"),
    *("envoyMetricsService", "proxyMetadata", "runtimeValues", "statusPort", "extraStatTags", "gatewayTopology"),
    *("terminationDrainDuration", "meshId", "readinessProbe", "proxyStatsMatcher", "holdApplicationUntilProxyStarts"),
    *("caCertificatesPem", "image", "privateKeyProvider", "proxyHeaders", "fileFlushInterval", "fileFlushMinSizeKb"),
)
_MERGED = ("proxyMetadata", "proxyHeaders")


def merge(base: Json, *overrides: Mapping[str, Any]) -> Json:
    """Merge ProxyConfigs, the later ones winning; environment variables and headers are merged by key."""
    merged = dict(base)
    for override in overrides:
        for name, value in override.items():
            if name in _MERGED and isinstance(merged.get(name), dict) and isinstance(value, dict):
                merged[name] = {**merged[name], **value}
            else:
                merged[name] = value
    return merged


def effective(
    *,
    mesh: Json,
    root_namespace: str,
    resources: Sequence[Resource],
    namespace: str,
    labels: Labels,
    annotations: Labels,
) -> Json:
    """Return the whole ProxyConfig of a pod; `resources` are the ProxyConfigs, oldest first."""
    return merge(
        DEFAULTS,
        mesh.get("defaultConfig") or {},
        _of_namespace(resources, root_namespace),
        _of_namespace(resources, namespace) if namespace != root_namespace else {},
        _of_workload(resources, namespace, labels),
        _annotated(annotations),
    )


def printed(config: Json) -> Json:
    """Leave out what equals the default, and order the fields as istiod does."""
    kept = {name: value for name, value in config.items() if value is not None and DEFAULTS.get(name) != value}
    if not kept.get("proxyMetadata"):
        kept.pop("proxyMetadata", None)
    else:
        kept["proxyMetadata"] = {key: kept["proxyMetadata"][key] for key in sorted(kept["proxyMetadata"])}
    order = {name: index for index, name in enumerate(_FIELDS)}
    return dict(sorted(kept.items(), key=lambda item: order.get(item[0], len(order))))


def _of_namespace(resources: Sequence[Resource], namespace: str) -> Json:
    for resource in resources:
        if resource.namespace == namespace and resource.spec.get("selector") is None:
            return _translated(resource.spec)
    return {}


def _of_workload(resources: Sequence[Resource], namespace: str, labels: Labels) -> Json:
    for resource in resources:
        selector = (resource.spec.get("selector") or {}).get("matchLabels") or {}
        if resource.namespace == namespace and selector and selects(selector, labels):
            return _translated(resource.spec)
    return {}


def _translated(spec: Json) -> Json:
    fields = {"concurrency": "concurrency", "environmentVariables": "proxyMetadata", "image": "image"}
    return {name: spec[field] for field, name in fields.items() if spec.get(field) is not None}


def _annotated(annotations: Labels) -> Json:
    return parse(annotations.get(ANNOTATION, ""))


def parse(text: str) -> Json:
    """Read YAML as an annotation or a ConfigMap holds it; empty for anything but a mapping."""
    from simulator.manifests.composer import ComposeError, compose

    try:
        value = next((composed.value for composed in compose(text)), None) if text else None
    except ComposeError:
        return {}
    return value if isinstance(value, dict) else {}

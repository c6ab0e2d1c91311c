"""The statistics part of a bootstrap: tags, which statistics are kept, sinks.

Istio's agent: tools/packaging/common/envoy_bootstrap.json, pkg/bootstrap/config.go (getStatsOptions).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.model.labels import Labels
from simulator.model.wire import Json
from simulator.xds.durations import from_nanoseconds, nanoseconds

_DIGITS = r"(((?:[_.[:digit:]]*|[_\[\]aAbBcCdDeEfF[:digit:]]*))\.)"
_TAGS_BEFORE = (
    ("cluster_name", r"^cluster(\.(.+);)"),
    ("http_conn_manager_prefix", r"^http\.(((?:[_.[:digit:]\w]*|[_\[\]aAbBcCdDeEfF[:digit:]\w\:]*));\.)"),
    ("thread_name", r"^server(\.(.+))\.watchdog"),
    ("tcp_prefix", r"^tcp\.((.*?)\.)\w+?$"),
    ("response_code", r"_rq(_(\d{3}))$"),
    ("response_code_class", r"_rq(_(\dxx))$"),
    ("http_conn_manager_listener_prefix", r"^listener(?=\.).*?\.http\." + _DIGITS),
    ("listener_address", r"^listener\." + _DIGITS),
    ("mongo_prefix", r"^mongo\.(.+?)\.(collection|cmd|cx_|op_|delays_|decoding_)(.*?)$"),
)
_TAGS_AFTER = (
    ("cache", r"(cache\.(.+?)\.)"),
    ("component", r"(component\.(.+?)\.)"),
    ("tag", r"(tag\.(.+?);\.)"),
    ("wasm_filter", r"(wasm_filter\.(.+?)\.)"),
    ("authz_enforce_result", r"rbac(\.(allowed|denied))"),
    ("authz_dry_run_action", r"(\.istio_dry_run_(allow|deny)_)"),
    ("authz_dry_run_result", r"(\.shadow_(allowed|denied))"),
)
_PREFIXES = ("cluster_manager", "listener_manager", "server", "cluster.xds-grpc", "wasm")
_SUFFIXES = ("rbac.allowed", "rbac.denied", "shadow_allowed", "shadow_denied")
_DRAINING_SUFFIX = "downstream_cx_active"
_REGEXES = (r"vhost\..*\.route\..*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsSettings:
    """The facts of a proxy on which its statistics depend."""

    config: Json
    """ProxyConfig."""
    annotations: Labels
    addresses: Sequence[str]
    drains_to_zero: bool
    """The agent waits for connections to end (EXIT_ON_ZERO_ACTIVE_CONNECTIONS)."""
    metadata_discovery: bool


def stats_config(settings: StatsSettings) -> Json:
    """Return `stats_config`."""
    extra = dict.fromkeys(
        tag
        for tag in (
            *(settings.config.get("extraStatTags") or ()),
            *settings.annotations.get("sidecar.istio.io/extraStatTags", "").split(","),
        )
        if tag
    )
    tags = [*_TAGS_BEFORE, *((tag, rf"({tag}=\.=(.*?);\.;)") for tag in extra), *_TAGS_AFTER]
    result: Json = {
        "use_all_default_tags": False,
        "stats_tags": [{"tag_name": name, "regex": regex} for name, regex in tags],
        "stats_matcher": {"inclusion_list": {"patterns": _patterns(settings)}},
    }
    buckets = _buckets(settings.annotations.get("sidecar.istio.io/statsHistogramBuckets"))
    if buckets:
        result["histogram_bucket_settings"] = buckets
    return result


def stats_intervals(annotations: Labels) -> Json:
    """Return how often statistics are flushed and evicted, where annotations say so and make sense."""
    result: Json = {}
    flush = _interval(annotations.get("sidecar.istio.io/statsFlushInterval"))
    if flush is not None:
        result["stats_flush_interval"] = from_nanoseconds(flush)
    eviction = _interval(annotations.get("sidecar.istio.io/statsEvictionInterval"))
    if eviction is not None and eviction % (flush or 5 * 10**9) == 0:
        result["stats_eviction_interval"] = f"{eviction // 10**9}s"
    return result


def stats_sinks(config: Json, addresses: Json) -> list[Json]:
    """Return the sinks of a ProxyConfig; `addresses` has the parsed ones under `metrics_service` and `statsd`."""
    prefix = "type.googleapis.com/envoy.config.metrics.v3."
    sinks: list[Json] = []
    if addresses.get("metrics_service"):
        service = {"envoy_grpc": {"cluster_name": "envoy_metrics_service"}}
        typed: Json = {"@type": f"{prefix}MetricsServiceConfig", "transport_api_version": "V3", "grpc_service": service}
        sinks.append({"name": "envoy.stat_sinks.metrics_service", "typed_config": typed})
    if addresses.get("statsd"):
        typed = {"@type": f"{prefix}StatsdSink", "address": {"socket_address": addresses["statsd"]}}
        sinks.append({"name": "envoy.stat_sinks.statsd", "typed_config": typed})
    return sinks


def _patterns(settings: StatsSettings) -> list[Json]:
    matcher = settings.config.get("proxyStatsMatcher") or {}
    suffixes = (*_SUFFIXES, _DRAINING_SUFFIX) if settings.drains_to_zero else _SUFFIXES
    prefixes = _chosen(settings, "sidecar.istio.io/statsInclusionPrefixes", matcher.get("inclusionPrefixes"), _PREFIXES)
    ends = _chosen(settings, "sidecar.istio.io/statsInclusionSuffixes", matcher.get("inclusionSuffixes"), suffixes)
    regexes = _chosen(settings, "sidecar.istio.io/statsInclusionRegexps", matcher.get("inclusionRegexps"), _REGEXES)
    patterns: list[Json] = [{"prefix": "reporter="}]
    if settings.metadata_discovery:
        patterns.append({"prefix": "workload_discovery"})
    patterns += [{"prefix": text} for text in prefixes]
    patterns += [{"suffix": text} for text in ends]
    patterns += [{"safe_regex": {"regex": text}} for text in regexes]
    return [*patterns, {"prefix": "component"}, {"prefix": "istio"}]


def _chosen(
    settings: StatsSettings, annotation: str, configured: Sequence[str] | None, required: Iterable[str]
) -> list[str]:
    """Take the annotation, else the ProxyConfig, and always what Istio needs; `{pod_ip}` stands for each address."""
    given = settings.annotations.get(annotation) or ""
    chosen = given.split(",") if given else list(configured or ())
    result: list[str] = []
    for pattern in [*chosen, *required]:
        if "{pod_ip}" in pattern:
            result += [pattern.replace("{pod_ip}", address) for address in settings.addresses]
        else:
            result.append(pattern)
    return result


def _buckets(text: str | None) -> list[Json]:
    try:
        buckets = json.loads(text or "{}")
    except ValueError:
        return []
    return [{"match": {"prefix": prefix}, "buckets": buckets[prefix]} for prefix in sorted(buckets)]


def _interval(text: str | None) -> int | None:
    try:
        return nanoseconds(text) if text else None
    except ValueError:
        return None

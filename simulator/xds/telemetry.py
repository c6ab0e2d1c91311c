"""The Telemetry resources of a workload merged with the mesh's defaults: metrics, logs, traces.

istiod: pilot/pkg/model/telemetry.go (mergeMetrics, mergeLogs, Tracing).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.listener_settings import ListenerClass
from simulator.xds.provider_clusters import default_providers, provider

CLIENT, SERVER = "CLIENT", "SERVER"
ALL_METRICS = (
    "GRPC_REQUEST_MESSAGES",
    "GRPC_RESPONSE_MESSAGES",
    "REQUEST_COUNT",
    "REQUEST_DURATION",
    "REQUEST_SIZE",
    "RESPONSE_SIZE",
    "TCP_CLOSED_CONNECTIONS",
    "TCP_OPENED_CONNECTIONS",
    "TCP_RECEIVED_BYTES",
    "TCP_SENT_BYTES",
)


@dataclass(slots=True)
class MetricOverride:
    """What is changed of one metric."""

    disabled: bool = False
    tags: dict[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class ProviderMetrics:
    """What one metrics provider is told, for client and server side."""

    overrides: dict[str, dict[str, MetricOverride]] = field(default_factory=lambda: {CLIENT: {}, SERVER: {}})
    disabled: set[str] = field(default_factory=set)
    """Modes of which every metric is off."""
    reporting_interval: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChoice:
    """Whether and when one provider logs."""

    disabled: bool = False
    expression: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceChoice:
    """How one side of a proxy traces."""

    provider: Json | None = None
    disabled: bool = False
    sampling: float | None = None
    custom_tags: Json = field(default_factory=dict)
    use_request_id: bool = True
    istio_tags: bool = True
    no_context_propagation: bool = False


def workload_mode(cls: ListenerClass) -> str:
    """Return the side of a request that a listener class stands on; gateways are clients."""
    return SERVER if cls is ListenerClass.INBOUND else CLIENT


def provider_names(entry: Json) -> tuple[str, ...]:
    """Return the names in the `providers` of an entry."""
    return tuple(item.get("name", "") for item in entry.get("providers") or ())


def _modes(mode: str | None) -> tuple[str, ...]:
    return (mode,) if mode in (CLIENT, SERVER) else (CLIENT, SERVER)


def _metric_names(match: Json) -> tuple[str, ...]:
    if match.get("customMetric"):
        return (match["customMetric"],)
    metric = match.get("metric") or "ALL_METRICS"
    return ALL_METRICS if metric == "ALL_METRICS" else (metric,)


def merge_metrics(snapshot: Snapshot, telemetries: Sequence[Resource]) -> dict[str, ProviderMetrics]:
    """Return what each metrics provider is told; an entry without providers means those of the entry before it."""
    entries = [entry for resource in telemetries for entry in resource.spec.get("metrics") or ()]
    defaults = default_providers(snapshot, "metrics")
    if not entries:
        return {name: ProviderMetrics() for name in defaults}
    in_scope = next((names for entry in reversed(entries) if (names := provider_names(entry))), defaults)
    merged: dict[str, ProviderMetrics] = {}
    parent = defaults
    for entry in entries:
        parent = provider_names(entry) or parent
        for name in parent:
            if name in in_scope:
                _add_metrics(merged.setdefault(name, ProviderMetrics()), entry)
    return merged


def _add_metrics(metrics: ProviderMetrics, entry: Json) -> None:
    metrics.reporting_interval = entry.get("reportingInterval") or metrics.reporting_interval
    for override in entry.get("overrides") or ():
        match = override.get("match") or {}
        names, modes = _metric_names(match), _modes(match.get("mode"))
        if names is ALL_METRICS and override.get("disabled"):
            metrics.disabled.update(modes)
            continue
        for mode in modes:
            metrics.disabled.discard(mode)
            for name in names:
                change = metrics.overrides[mode].setdefault(name, MetricOverride())
                if override.get("disabled") is not None:
                    change.disabled = bool(override["disabled"])
                change.tags.update(override.get("tagOverrides") or {})


def merge_logs(snapshot: Snapshot, telemetries: Sequence[Resource], *, mode: str) -> dict[str, LogChoice]:
    """Return the providers that log on one side, with what filters them."""
    groups = [entries for resource in telemetries if (entries := resource.spec.get("accessLogging"))]
    defaults = default_providers(snapshot, "accessLogging")
    if not groups:
        return {name: LogChoice() for name in defaults}
    filters: dict[str, str | None] = {}
    in_scope = set(defaults)
    for group in groups:
        named: set[str] = set()
        for entry in (entry for entry in group if _logs_in(entry, mode)):
            named.update(provider_names(entry))
            filters.update(dict.fromkeys(provider_names(entry), _expression(entry)))
        in_scope = named or in_scope
    merged: dict[str, LogChoice] = {}
    parent = defaults
    for entry in (entry for group in groups for entry in group):
        parent = provider_names(entry) or parent
        for name in parent:
            if name in in_scope and _logs_in(entry, mode):
                merged[name] = LogChoice(disabled=True) if entry.get("disabled") else _log(filters, name)
    return merged


def _log(filters: dict[str, str | None], name: str) -> LogChoice:
    return LogChoice(expression=filters.get(name))


def _expression(entry: Json) -> str | None:
    chosen = entry.get("filter")
    return None if chosen is None else chosen.get("expression", "")


def _logs_in(entry: Json, mode: str) -> bool:
    return ((entry.get("match") or {}).get("mode") or "CLIENT_AND_SERVER") in ("CLIENT_AND_SERVER", mode)


def merge_tracing(snapshot: Snapshot, telemetries: Sequence[Resource], *, mode: str) -> TraceChoice | None:
    """Return how one side traces; None when no Telemetry and no default provider configures tracing."""
    entries = [entry for resource in telemetries for entry in resource.spec.get("tracing") or ()]
    defaults = default_providers(snapshot, "tracing")
    if not entries and not defaults:
        return None
    choice = TraceChoice(provider=provider(snapshot, defaults[0]) if defaults else None)
    for entry in _entries_of(entries, mode):
        choice = _apply_tracing(snapshot, choice, entry)
    return replace(choice, disabled=True) if choice.provider is None else choice


def _entries_of(entries: Iterable[Json], mode: str) -> Iterable[Json]:
    return (entry for entry in entries if mode in _modes((entry.get("match") or {}).get("mode")))


def _apply_tracing(snapshot: Snapshot, choice: TraceChoice, entry: Json) -> TraceChoice:
    names = provider_names(entry)
    changed = replace(choice, provider=provider(snapshot, names[0])) if names else choice
    if entry.get("disableSpanReporting") is not None:
        changed = replace(changed, disabled=bool(entry["disableSpanReporting"]))
    if entry.get("customTags") is not None:
        changed = replace(changed, custom_tags=entry["customTags"])
    if entry.get("randomSamplingPercentage") is not None:
        changed = replace(changed, sampling=float(entry["randomSamplingPercentage"]))
    if entry.get("useRequestIdForTraceSampling") is not None:
        changed = replace(changed, use_request_id=bool(entry["useRequestIdForTraceSampling"]))
    if entry.get("enableIstioTags") is not None:
        changed = replace(changed, istio_tags=bool(entry["enableIstioTags"]))
    if entry.get("disableContextPropagation") is not None:
        changed = replace(changed, no_context_propagation=bool(entry["disableContextPropagation"]))
    return changed

"""Rules of a Telemetry. istio: ValidateTelemetry in pkg/config/validation/validation.go.

istiod checks only the syntax of filters of access logs, which are CEL expressions.
"""

from collections.abc import Sequence

from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation import names
from simulator.validation.cel_parser import CelSyntaxError, parse
from simulator.validation.problems import Problems, at, error, warning
from simulator.validation.selectors import policy_attachment


def validate(resource: Resource) -> Problems:
    """Check a Telemetry."""
    spec = resource.spec
    yield from at(("spec",), policy_attachment(spec))
    for number, metrics in enumerate(spec.get("metrics") or ()):
        yield from at(("spec", "metrics", number), _metrics(metrics or {}))
    yield from at(("spec", "tracing"), _tracing(spec.get("tracing") or ()))
    for number, logging in enumerate(spec.get("accessLogging") or ()):
        yield from at(("spec", "accessLogging", number), _providers(logging or {}))
        if (logging or {}).get("filter") is not None:
            yield from at(("spec", "accessLogging", number, "filter"), _filter(logging["filter"]))


def _filter(wanted: Json) -> Problems:
    try:
        parse(wanted.get("expression") or "")
    except CelSyntaxError as refused:
        yield error(f"must be a valid CEL expression, {refused}", "expression")


def _providers(part: Json) -> Problems:
    if any(not (provider or {}).get("name") for provider in part.get("providers") or ()):
        yield error("providers.name may not be empty", "providers")


def _metrics(metrics: Json) -> Problems:
    yield from _providers(metrics)
    yield from at(("reportingInterval",), names.any_duration(metrics.get("reportingInterval")))
    for number, override in enumerate(metrics.get("overrides") or ()):
        if override is None:
            yield error("tagOverrides may not be null", "overrides", number)
            continue
        for name, change in (override.get("tagOverrides") or {}).items():
            yield from at(("overrides", number, "tagOverrides", name), _tag_override(name, change))
        if (override.get("match") or {}).get("customMetric") == "":
            yield error("customMetric may not be empty", "overrides", number, "match")


def _tag_override(name: str, change: Json | None) -> Problems:
    if not name:
        yield warning("tagOverrides.name may not be empty")
    if change is None:
        yield error("tagOverrides may not be null")
        return
    is_removal = change.get("operation") == "REMOVE"
    if not is_removal and not change.get("value"):
        yield error("tagOverrides.value must be set when operation is UPSERT")
    if is_removal and change.get("value"):
        yield error("tagOverrides.value may only be set when operation is UPSERT")


def _tracing(tracing: Sequence[Json | None]) -> Problems:
    if len(tracing) > 1:
        yield warning("multiple tracing is not currently supported")
    for number, entry in enumerate(tracing):
        if entry is None:
            continue
        if len(entry.get("providers") or ()) > 1:
            yield warning("multiple providers is not currently supported", number, "providers")
        yield from at((number,), _providers(entry))
        if not 0 <= (entry.get("randomSamplingPercentage") or 0) <= 100:
            yield error("randomSamplingPercentage must be in range [0.0, 100.0]", number, "randomSamplingPercentage")
        for name, tag in (entry.get("customTags") or {}).items():
            yield from at((number, "customTags", name), _custom_tag(name, tag))


def _custom_tag(name: str, tag: Json | None) -> Problems:
    if not name:
        yield error("tag name may not be empty")
    if tag is None:
        yield error(f"tag '{name}' may not have a nil value")
    elif tag.get("literal") is not None and not tag["literal"].get("value"):
        yield error("literal tag value may not be empty")
    elif tag.get("header") is not None and not tag["header"].get("name"):
        yield error("header tag name may not be empty")
    elif tag.get("environment") is not None and not tag["environment"].get("name"):
        yield error("environment tag name may not be empty")

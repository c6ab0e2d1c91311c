"""Rules that several kinds share: selectors, targets and `exportTo`."""

from collections.abc import Sequence

from simulator.model.go_text import quote
from simulator.model.wire import Json
from simulator.validation.names import is_label
from simulator.validation.problems import Problems, error, warning

_TARGETS = frozenset(
    {
        ("core", "Service"),
        ("networking.istio.io", "ServiceEntry"),
        ("gateway.networking.k8s.io", "Gateway"),
        ("gateway.networking.k8s.io", "GatewayClass"),
    }
)
_TARGET_NAMES = (
    "[core/v1/Service networking.istio.io/v1/ServiceEntry gateway.networking.k8s.io/v1/Gateway "
    "gateway.networking.k8s.io/v1/GatewayClass]"
)
NO_LABELS = "workload selector specified without labels"


def selected_labels(labels: Json | None) -> Problems:
    """Check the labels that select workloads."""
    for key, value in (labels or {}).items():
        pair = quote(f"{key}={value}")
        if not key:
            yield error(f"empty key is not supported in selector: {pair}")
        if "*" in key or "*" in str(value):
            yield error(f"wildcard is not supported in selector: {pair}", key)


def workload_selector(spec: Json) -> Problems:
    """Check `selector.matchLabels` (or a DestinationRule's `workloadSelector`)."""
    for field in ("selector", "workloadSelector"):
        selector = spec.get(field)
        if selector is None:
            continue
        labels = selector.get("matchLabels")
        yield from selected_labels(labels)
        if not labels:
            yield warning(NO_LABELS, field)


def policy_attachment(spec: Json) -> Problems:
    """Check that a policy has one selector, or targets of kinds that policies can name."""
    given = [field for field in ("selector", "targetRef") if spec.get(field) is not None]
    if len(given) + bool(spec.get("targetRefs")) > 1:
        yield error("only one of targetRefs or workloadSelector can be set", "targetRefs")
    yield from workload_selector({"selector": spec.get("selector")})
    if spec.get("targetRef") is not None:
        yield from _target(spec["targetRef"])
    for reference in spec.get("targetRefs") or ():
        yield from _target(reference)


def _target(reference: Json) -> Problems:
    if not reference.get("name"):
        yield error("targetRef name must be set")
    if reference.get("namespace"):
        yield error("targetRef namespace must not be set; cross namespace referencing is not supported")
    group, kind = reference.get("group") or "", reference.get("kind") or ""
    if (group or "core", kind) not in _TARGETS:
        yield error(f"targetRef must be to one of {_TARGET_NAMES} but was {group}/{kind}")


def exported_to(namespace: str, given: Sequence[str], *, nobody: bool = False, selecting: bool = False) -> Problems:
    """Check `exportTo`; `nobody` allows `~`, `selecting` is for a DestinationRule with a workload selector."""
    seen: list[str] = []
    for entry in given:
        key = namespace if entry == "." else entry
        if key in seen:
            if key != entry:
                yield error(f"duplicate entries in exportTo: . and current namespace {namespace}", "exportTo")
            else:
                yield error(f"duplicate entries in exportTo for entry {entry}", "exportTo")
        elif key == "~" and not nobody:
            yield error("exportTo ~ (none) is not allowed for Istio configuration objects", "exportTo")
        elif key not in ("~", "*", ".") and not is_label(key):
            yield error("only .,*, or a valid DNS 1123 label is allowed as exportTo entry", "exportTo")
        else:
            seen.append(key)
    yield from _export_conflicts(namespace, given, seen, selecting=selecting)


def _export_conflicts(namespace: str, given: Sequence[str], seen: list[str], *, selecting: bool) -> Problems:
    if selecting and seen:
        if namespace not in seen:
            text = "destination rule with workload selector cannot have exportTo beyond current namespace"
            yield error(text, "exportTo")
        elif len(seen) > 1:
            yield error("destination rule with workload selector cannot have multiple entries in exportTo", "exportTo")
    if "*" in seen and len(given) > 1:
        yield error("cannot have both public (*) and non-public exportTo values for a resource", "exportTo")
    if "~" in seen and len(given) > 1:
        yield error("cannot export service entry to no one (~) and someone", "exportTo")

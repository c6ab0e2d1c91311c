"""Which webhook injects a pod, and why, or why not?

istioctl: pkg/checkinject/checkinject.go.
"""

from collections.abc import Mapping

from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of
from kubectl_mesh.reports.injection import WebhookCheck
from simulator.model.labels import Labels, label_selector_selects
from simulator.model.wire import Json

NAMESPACE_LABEL = "istio-injection"
REVISION_LABEL = "istio.io/rev"
_EVERY_NAMESPACE = "kubernetes.io/metadata.name"
_DEACTIVATED = "The injection webhook is deactivated, and will never match labels."
_NEVER = {"matchLabels": {"istio.io/deactivated": "never-match"}}


def webhooks(lookup: Lookup) -> list[Json]:
    """Return the webhooks of Istio, by name."""
    found = lookup.all("MutatingWebhookConfiguration")
    ours = [each for each in found if any(str(hook.get("name", "")).endswith("istio.io") for hook in hooks_of(each))]
    return sorted(ours, key=name_of)


def hooks_of(configuration: Json) -> list[Json]:
    """Return the webhooks in a webhook configuration."""
    return [hook for hook in listed(configuration.get("webhooks")) if isinstance(hook, dict)]


def check(lookup: Lookup, *, namespace: Labels, pod: Labels) -> tuple[WebhookCheck, ...]:
    """Return for each webhook whether it injects a pod with these labels in a namespace with those, and why."""
    checks = []
    for configuration in webhooks(lookup):
        reason, injected = judge(hooks_of(configuration), namespace=namespace, pod=pod)
        checks.append(
            WebhookCheck(
                webhook=name_of(configuration),
                revision=labels(configuration).get(REVISION_LABEL, ""),
                injected=injected,
                reason=reason,
            )
        )
    return tuple(checks)


def judge(hooks: list[Json], *, namespace: Labels, pod: Labels) -> tuple[str, bool]:
    """Return why a webhook injects or does not, in istioctl's words, and whether it does."""
    for hook in hooks:
        in_namespace, by_namespace = _match(hook.get("namespaceSelector"), namespace)
        on_pod, by_pod = _match(hook.get("objectSelector"), pod)
        if in_namespace and on_pod:
            if reason := _reason(by_namespace, by_pod):
                return reason, True
        elif in_namespace:
            if reason := _prevented(hook.get("objectSelector") or {}, pod):
                return reason, False
        elif on_pod and namespace.get(NAMESPACE_LABEL, "enabled") != "enabled":
            return f"Namespace has {NAMESPACE_LABEL}={namespace[NAMESPACE_LABEL]} label, preventing injection", False
    return _unmatched(hooks), False


def _reason(by_namespace: str, by_pod: str) -> str:
    if by_namespace and by_pod:
        return f"Namespace label {by_namespace} matches, and pod label {by_pod} matches"
    if by_namespace:
        everywhere = " (Automatic injection is enabled in all namespaces)." if _EVERY_NAMESPACE in by_namespace else ""
        return f"Namespace label {by_namespace} matches{everywhere}"
    return f"Pod label {by_pod} matches" if by_pod else ""


def _prevented(selector: Json, pod: Labels) -> str:
    for expression in listed(selector.get("matchExpressions")):
        key = expression.get("key", "")
        if key not in pod:
            continue
        unwanted = expression.get("operator") == "DoesNotExist"
        excluded = expression.get("operator") == "NotIn" and pod[key] in listed(expression.get("values"))
        if unwanted or excluded:
            return f"Pod has {key}={pod[key]} label, preventing injection"
    return ""


def _match(selector: Json | None, given: Labels) -> tuple[bool, str]:
    """Return whether a selector selects, and the label that decided it; no selector selects everything."""
    if selector is None:
        return True, ""
    if not label_selector_selects(selector, given):
        return False, ""
    for expression in listed(selector.get("matchExpressions")):
        if expression.get("operator") in ("In", "NotIn") and expression.get("key") in given:
            return True, f"{expression['key']}={given[expression['key']]}"
    return True, ""


def _unmatched(hooks: list[Json]) -> str:
    if any(hook.get("namespaceSelector") == _NEVER and hook.get("objectSelector") == _NEVER for hook in hooks):
        return _DEACTIVATED
    namespaces = [text for hook in hooks for text in _wanted(hook.get("namespaceSelector"))]
    pods = [text for hook in hooks for text in _wanted(hook.get("objectSelector"))]
    return f"No matching namespace labels ({', '.join(namespaces)}) or pod labels ({', '.join(pods)})"


def _wanted(selector: Json | None) -> list[str]:
    return [
        f"{expression.get('key')}={value}"
        for expression in listed((selector or {}).get("matchExpressions"))
        if expression.get("operator") == "In"
        for value in listed(expression.get("values"))
    ]


def read_labels(text: str) -> Mapping[str, str]:
    """Read `key=value,key=value`."""
    return dict(part.partition("=")[::2] for part in text.split(",") if part)

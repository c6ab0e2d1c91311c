"""Injection webhooks: at most one for any pod, and a service behind each.

istiod: pkg/config/analysis/analyzers/webhook/webhook.go.
"""

from collections.abc import Iterator
from itertools import product

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.references import full_name, name_text
from kubectl_mesh.analysis.world import World
from simulator.model.labels import label_selector_selects
from simulator.model.resources import Resource
from simulator.model.wire import Json

_REVISION = "istio.io/rev"
_NAMESPACES: tuple[dict[str, str], ...] = ({}, {"istio-injection": "enabled"}, {"istio-injection": "disabled"})
_OBJECTS: tuple[dict[str, str], ...] = (
    {},
    {"sidecar.istio.io/inject": "true"},
    {"sidecar.istio.io/inject": "false"},
)


def _hooks(resource: Resource) -> list[Json]:
    return resource.document.get("webhooks") or []


def _revisions(resource: Resource) -> set[str]:
    found = {resource.labels[_REVISION]} if _REVISION in resource.labels else set()
    for hook in _hooks(resource):
        for key in ("namespaceSelector", "objectSelector"):
            selector = hook.get(key) or {}
            if _REVISION in (selector.get("matchLabels") or {}):
                found.add(selector["matchLabels"][_REVISION])
            for expression in selector.get("matchExpressions") or ():
                if expression.get("key") == _REVISION:
                    found |= set(expression.get("values") or ())
    return found


def _webhooks(world: World) -> Iterator[Finding]:
    configurations = []
    revisions: set[str] = set()
    for resource in world.of_kind("MutatingWebhookConfiguration"):
        own = _revisions(resource)
        if own or any(str(hook.get("name") or "").endswith("istio.io") for hook in _hooks(resource)):
            configurations.append(resource)
            revisions |= own
    yield from _overlaps(configurations, revisions)
    for resource in configurations:
        for hook in _hooks(resource):
            service = (hook.get("clientConfig") or {}).get("service")
            if service is None:
                continue
            name = (service.get("namespace") or "", service.get("name") or "")
            if world.find("Service", *name) is None:
                text = f"Injector refers to a control plane service that does not exist: {name_text(name)}."
                yield Finding(code="IST0139", resource=resource, arguments=(text,))


def _overlaps(configurations: list[Resource], revisions: set[str]) -> Iterator[Finding]:
    owners = {f"{full_name(each)}/{hook.get('name')}": each for each in configurations for hook in _hooks(each)}
    seen = set()
    for namespace, labels in product(_with_revisions(_NAMESPACES, revisions), _with_revisions(_OBJECTS, revisions)):
        matches = {
            f"{full_name(each)}/{hook.get('name')}"
            for each in configurations
            for hook in _hooks(each)
            if label_selector_selects(hook.get("namespaceSelector") or {}, namespace)
            and label_selector_selects(hook.get("objectSelector") or {}, labels)
        }
        for match in sorted(matches) if len(matches) > 1 else ():
            others = " ".join(sorted(matches - {match}))
            if (match, others) not in seen:
                seen.add((match, others))
                text = f"Webhook overlaps with others: [{others}]. This may cause injection to occur twice."
                yield Finding(code="IST0139", resource=owners[match], arguments=(text,))


def _with_revisions(bases: tuple[dict[str, str], ...], revisions: set[str]) -> list[dict[str, str]]:
    return [*bases, *({**base, _REVISION: revision} for revision in sorted(revisions) for base in bases)]


ANALYZERS = (
    Check(
        name="webhook.Analyzer",
        description="Checks the validity of Istio webhooks",
        inputs=("MutatingWebhookConfiguration", "Service"),
        run=_webhooks,
    ),
)

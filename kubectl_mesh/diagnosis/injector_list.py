"""Which namespaces are injected, by which revision, and which pods have to be restarted?

istioctl: pkg/injector/injector-list.go.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from kubectl_mesh.diagnosis.describe_pod import revision as revision_of_pod
from kubectl_mesh.diagnosis.injection import NAMESPACE_LABEL, REVISION_LABEL, hooks_of
from kubectl_mesh.diagnosis.lookup import Lookup, labels, meta, name_of
from kubectl_mesh.reports.injection import HookRow, NamespaceRow
from simulator.model.labels import label_selector_selects
from simulator.model.wire import Json

_SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
_BY_NAMESPACE = frozenset({"rev.namespace.sidecar-injector.istio.io", "namespace.sidecar-injector.istio.io"})
_INJECT = "sidecar.istio.io/inject"
_NONE = "<non-Istio>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Injectors:
    """The rows of two tables: namespaces and webhooks."""

    namespaces: tuple[NamespaceRow, ...]
    hooks: tuple[HookRow, ...]


def diagnose(lookup: Lookup) -> Injectors:
    """Return namespaces and webhooks, without system namespaces, Istio's own and ambient ones."""
    namespaces = [each for each in lookup.all("Namespace") if _is_shown(each, lookup.istio_namespace)]
    namespaces = sorted((each for each in namespaces if lookup.home in ("", name_of(each))), key=name_of)
    hooks = [
        each for each in lookup.all("MutatingWebhookConfiguration") if labels(each).get("app") == "sidecar-injector"
    ]
    hooks.sort(key=name_of)
    return Injectors(
        namespaces=tuple(row for namespace in namespaces for row in _pods(lookup, namespace, hooks)),
        hooks=tuple(row for hook in hooks for row in _hook(lookup, hook, namespaces)),
    )


def _is_shown(namespace: Json, istio_namespace: str) -> bool:
    ambient = labels(namespace).get("istio.io/dataplane-mode") == "ambient"
    return not ambient and name_of(namespace) not in _SYSTEM and name_of(namespace) != istio_namespace


def _pods(lookup: Lookup, namespace: Json, hooks: list[Json]) -> Iterator[NamespaceRow]:
    expected = injected_revision(namespace, hooks)
    pods, disabled, stale = Counter[str](), Counter[str](), Counter[str]()
    for pod in lookup.all("Pod", name_of(namespace)):
        found = revision_of_pod(pod)
        pods[found or _NONE] += 1
        if _is_disabled(pod):
            disabled[found or _NONE] += 1
        elif found != expected:
            stale[found or _NONE] += 1
    if not pods and expected:
        yield NamespaceRow(namespace=name_of(namespace), revision=expected, pods="<no pods>")
    for name in sorted(pods):
        text = f"{name}: {pods[name]}"
        text += f" (injection disabled: {disabled[name]})" if disabled[name] else ""
        text += f" NEEDS RESTART: {stale[name]}" if stale[name] else ""
        yield NamespaceRow(namespace=name_of(namespace), revision=expected, pods=text)


def _is_disabled(pod: Json) -> bool:
    annotated = (meta(pod).get("annotations") or {}).get(_INJECT, "")
    return str(labels(pod).get(_INJECT, annotated)).lower() == "false"


def injected_revision(namespace: Json, hooks: list[Json]) -> str:
    """Return the revision that injects a namespace; `MISSING/…` where its label asks for one that has no webhook."""
    for configuration in hooks:
        for hook in hooks_of(configuration):
            selector = hook.get("namespaceSelector")
            if selector is not None and label_selector_selects(selector, labels(namespace)):
                return labels(configuration).get(REVISION_LABEL, "")
    wanted, old = labels(namespace).get(REVISION_LABEL, ""), labels(namespace).get(NAMESPACE_LABEL)
    if wanted:
        return f"MISSING/{wanted}"
    return "" if old in (None, "disabled") else f"MISSING/{NAMESPACE_LABEL}"


def _hook(lookup: Lookup, configuration: Json, namespaces: list[Json]) -> Iterator[HookRow]:
    revision = labels(configuration).get(REVISION_LABEL, "")
    selectors = [hook.get("namespaceSelector") for hook in hooks_of(configuration) if hook.get("name") in _BY_NAMESPACE]
    matching = [
        name_of(each)
        for each in namespaces
        if any(selector is not None and label_selector_selects(selector, labels(each)) for selector in selectors)
    ]
    for name in matching or ["DOES NOT AUTOINJECT"]:
        yield HookRow(namespaces=name, hook=name_of(configuration), revision=revision, image=_image(lookup, revision))


def _image(lookup: Lookup, revision: str) -> str:
    """Return the proxy image of a revision's injector configuration; empty when it is unknown."""
    import json

    for configuration in lookup.all("ConfigMap"):
        if labels(configuration).get(REVISION_LABEL) != revision:
            continue
        try:
            values = json.loads((configuration.get("data") or {}).get("values") or "{}")
            world, proxy = values["global"], values["global"]["proxy"]
        except (ValueError, KeyError, TypeError):
            continue
        image = str(proxy.get("image", ""))
        return image if "/" in image else f"{world.get('hub', '')}/{image}:{world.get('tag', '')}"
    return ""

"""Sidecar injection: namespaces without it, pods without a proxy, and proxies of another image.

istiod: pkg/config/analysis/analyzers/injection.
"""

import json
from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.pods import PROXY
from kubectl_mesh.analysis.proxy_images import image_type, proxy_configs
from kubectl_mesh.analysis.references import at, full_name
from kubectl_mesh.analysis.world import World
from simulator.model.labels import label_selector_selects
from simulator.model.resources import Resource
from simulator.model.wire import Json

_LABEL = "istio-injection"
_REVISION = "istio.io/rev"
_MODE = "istio.io/dataplane-mode"
_INJECT = "sidecar.istio.io/inject"
_INJECTOR = "istio-sidecar-injector"
_NEVER_INJECTED = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage", "istio-system"})


def _injector_name(revision: str) -> str:
    return _INJECTOR if revision in ("", "default") else f"{_INJECTOR}-{revision}"


def _values(config_map: Resource) -> Json:
    try:
        values = json.loads((config_map.document.get("data") or {}).get("values") or "")
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _injection(world: World) -> Iterator[Finding]:
    injectors = {each.name: each for each in world.of_kind("ConfigMap") if each.name.startswith(_INJECTOR)}
    injected = set()
    for namespace in world.of_kind("Namespace"):
        if namespace.name in _NEVER_INJECTED:
            continue
        labels = namespace.labels
        chosen = _chosen(namespace)
        if len(chosen) > 1:
            yield Finding(code="IST0123", resource=namespace, arguments=(chosen,))
        if labels.get(_MODE) == "ambient":
            continue
        if not labels.get(_LABEL) and _REVISION not in labels:
            yield _not_injected(namespace, injectors)
        elif labels.get(_LABEL) == "enabled":
            injected.add(namespace.name)
    for pod in world.of_kind("Pod"):
        if pod.namespace in injected and _misses_proxy(pod):
            yield Finding(code="IST0103", resource=pod, arguments=(full_name(pod),))


def _chosen(namespace: Resource) -> tuple[str, ...]:
    labels = namespace.labels
    chosen = [f"{_LABEL}={labels[_LABEL]}"] if _LABEL in labels else []
    if labels.get(_LABEL, "enabled") == "enabled":
        chosen += [f"{key}={labels[key]}" for key in (_REVISION, _MODE) if key in labels]
    return tuple(chosen)


def _not_injected(namespace: Resource, injectors: dict[str, Resource]) -> Finding:
    injector = injectors.get(_INJECTOR)
    webhook = (_values(injector) if injector else {}).get("sidecarInjectorWebhook") or {}
    if webhook.get("enableNamespacesByDefault"):
        return Finding(code="IST0148", resource=namespace)
    path = at(namespace, "metadata", "name")
    return Finding(code="IST0102", resource=namespace, arguments=(namespace.name, namespace.name), path=path)


def _misses_proxy(pod: Resource) -> bool:
    said = pod.labels.get(_INJECT, pod.annotations.get(_INJECT, ""))
    if str(said).lower() == "false" or pod.spec.get("hostNetwork"):
        return False
    return not any(each.get("image") for each in _proxies(pod))


def _proxies(pod: Resource) -> list[Json]:
    containers = [*(pod.spec.get("containers") or ()), *(pod.spec.get("initContainers") or ())]
    return [each for each in containers if each.get("name") == PROXY]


def _images(world: World) -> Iterator[Finding]:
    wanted = {
        each.name: _configured_image(each) for each in world.of_kind("ConfigMap") if each.name.startswith(_INJECTOR)
    }
    if not wanted:
        return
    revisions = {
        each.name: each.labels.get(_REVISION, "default")
        for each in world.of_kind("Namespace")
        if each.labels.get(_LABEL) == "enabled" or _REVISION in each.labels
    }
    configs = world.once(proxy_configs)
    mismatched: dict[str, list[str]] = {}
    for pod in world.of_kind("Pod"):
        image = wanted.get(_injector_name(revisions[pod.namespace])) if pod.namespace in revisions else None
        if image is None or pod.annotations.get("sidecar.istio.io/proxyImage"):
            continue
        allowed = (image, f"{image}-{image_type(configs, pod)}")
        if any(proxy.get("image") not in allowed for proxy in _proxies(pod)):
            mismatched.setdefault(pod.namespace, []).append(pod.name)
    for name, pod_names in sorted(mismatched.items()):
        namespace = world.find("Namespace", "", name)
        yield Finding(code="IST0158", resource=namespace, arguments=(tuple(sorted(pod_names)),))


def _configured_image(injector: Resource) -> str:
    settings = _values(injector).get("global") or {}
    image = str((settings.get("proxy") or {}).get("image") or "")
    return image if "/" in image else f"{settings.get('hub', '')}/{image}:{settings.get('tag', '')}"


def _automatic_images(world: World) -> Iterator[Finding]:
    for pod in world.of_kind("Pod"):
        if _has_automatic_image(pod.spec):
            yield Finding(code="IST0147", resource=pod, arguments=("Pod", pod.name))
    hooks = [
        hook
        for each in world.of_kind("MutatingWebhookConfiguration")
        for hook in each.document.get("webhooks") or ()
        if str(hook.get("name") or "").endswith("istio.io")
    ]
    for deployment in world.of_kind("Deployment") if hooks else ():  # without any, injection is not part of the input
        template = deployment.get("spec", "template") or {}
        if not _has_automatic_image(template.get("spec") or {}):
            continue
        namespace = world.find("Namespace", "", deployment.namespace)
        namespace_labels = namespace.labels if namespace else {}
        labels = (template.get("metadata") or {}).get("labels") or {}
        if not any(
            label_selector_selects(hook.get("namespaceSelector") or {}, namespace_labels)
            and label_selector_selects(hook.get("objectSelector") or {}, labels)
            for hook in hooks
        ):
            yield Finding(code="IST0146", resource=deployment, arguments=("Deployment", deployment.name))


def _has_automatic_image(spec: Json) -> bool:
    return any(each.get("name") == PROXY and each.get("image") == "auto" for each in spec.get("containers") or ())


ANALYZERS = (
    Check(
        name="injection.Analyzer",
        description="Checks conditions related to Istio sidecar injection",
        inputs=("Namespace", "Pod", "ConfigMap"),
        run=_injection,
    ),
    Check(
        name="injection.ImageAnalyzer",
        description="Checks the image of auto-injection configured with the running proxies on pods",
        inputs=("Namespace", "Pod", "ConfigMap", "MeshConfig", "ProxyConfig"),
        run=_images,
    ),
    Check(
        name="injection.ImageAutoAnalyzer",
        description="Makes sure that Pods and Deployments with `image: auto` are going to be injected",
        inputs=("Namespace", "Pod", "Deployment", "MutatingWebhookConfiguration"),
        run=_automatic_images,
    ),
)

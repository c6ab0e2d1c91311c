"""What istiod's injection webhook makes of a pod.

istiod: pkg/kube/inject/inject.go (RunTemplate), webhook.go (injectPod, postProcessPod, reorderPod).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.manifests.container_json import printed_containers
from simulator.manifests.injection import STATUS
from simulator.manifests.injector import Injector
from simulator.manifests.overlays import overlay
from simulator.manifests.owners import WorkloadMeta, workload_of
from simulator.manifests.probes import PROBERS, REWRITE, SCRAPING, is_true, merged_metrics, rewritten_probes
from simulator.manifests.quantities import canonical_resources
from simulator.manifests.reinjection import (
    FIELDS,
    OVERRIDES,
    added_names,
    kept_overrides,
    merged_probers,
    stripped,
    was_injected,
)
from simulator.manifests.template_context import Context
from simulator.manifests.templates import gateway, sidecar
from simulator.model.wire import Json

TEMPLATES = "inject.istio.io/templates"
_PROXY = "istio-proxy"
_NATIVE = "sidecar.istio.io/nativeSidecar"
_NETWORK = "topology.istio.io/network"
_RENDERERS: dict[str, Callable[[Context], Json]] = {"sidecar": sidecar, "gateway": gateway}


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """A pod after injection, with a warning for each template that is not simulated."""

    pod: Json
    warnings: tuple[str, ...] = ()


def inject(
    pod: Json, *, namespace: str, injector: Injector, native: bool, workload: WorkloadMeta | None = None
) -> Injected:
    """Return a pod with the webhook's additions; an annotation overrides `native` (nodes support native sidecars).

    `workload` is the owner of a pod template, which does not name it itself.
    """
    own = stripped(pod, status_port=_status_port(injector))
    metadata = own.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    wanted = annotations.get(_NATIVE)
    context = Context(
        injector=injector,
        namespace=namespace,
        labels=metadata.get("labels") or {},
        annotations=annotations,
        spec=own.get("spec") or {},
        workload=workload or workload_of(pod),
        proxy_config=injector.proxy_config(
            namespace=namespace, labels=metadata.get("labels") or {}, annotations=annotations
        ),
        native=native if wanted is None else wanted != "false",
    )
    merged, rendered, unknown = _rendered(pod, context)
    merged = _with_user(_with_overrides(merged, pod, rendered), pod, context)
    merged = _post_processed(merged, rendered, context)
    return Injected(pod=merged, warnings=tuple(f"injection template {name} is not simulated" for name in unknown))


def _rendered(pod: Json, context: Context) -> tuple[Json, Json, list[str]]:
    named = [name.strip() for name in context.annotations.get(TEMPLATES, "").split(",") if name.strip()]
    names: list[str] = []
    for name in named or context.injector.default_templates:
        names.extend(context.injector.aliases.get(name, (name,)))
    merged, rendered = pod, dict[str, Any]()
    unknown: list[str] = []
    for name in names:
        renderer = _RENDERERS.get(name)
        if renderer is None:
            unknown.append(name)
            continue
        addition = renderer(context)
        if any(container["name"] == _PROXY for container in addition["spec"].get("initContainers", ())):
            merged = _moved_to_init(merged)
        merged, rendered = overlay(merged, addition), overlay(rendered, addition)
    return merged, rendered, unknown


def _moved_to_init(pod: Json) -> Json:
    """Move the user's settings for the proxy, written as a container, to the init containers, for a native sidecar."""
    spec = pod.get("spec") or {}
    containers = spec.get("containers") or []
    own = [container for container in containers if container.get("name") == _PROXY]
    if not own:
        return pod
    others = [container for container in containers if container.get("name") != _PROXY]
    init = [*(spec.get("initContainers") or ()), *own]
    return {**pod, "spec": {**spec, "containers": others, "initContainers": init}}


def _with_overrides(merged: Json, original: Json, rendered: Json) -> Json:
    """Apply the user's settings for injected containers on top again, except the image `auto`; record them."""
    spec = dict(merged.get("spec") or {})
    overrides: Json = {}
    for field in FIELDS:
        for template in (rendered.get("spec") or {}).get(field) or ():
            own = _written_by_user(original, template["name"], field)
            if own is None:
                continue
            own = {key: value for key, value in own.items() if key != "image" or value != "auto"}
            overrides.setdefault(field, []).append(own)
            spec = overlay(spec, {field: [own]})
    if not overrides:
        return merged
    changed = {**merged, "spec": spec}
    annotated = {OVERRIDES: printed_containers(overrides)}
    return changed if was_injected(original) else overlay(changed, {"metadata": {"annotations": annotated}})


def _written_by_user(pod: Json, name: str, field: str) -> Json | None:
    """Return what the user wrote for a container that injection adds; nothing for one that it added before."""
    if name in added_names(pod, field):
        return None
    spec = pod.get("spec") or {}
    places = FIELDS if field == "initContainers" else (field,)
    written = {each.get("name"): each for place in places for each in spec.get(place) or ()}
    return kept_overrides(pod, field).get(name) or written.get(name)


def _with_user(merged: Json, original: Json, context: Context) -> Json:
    """Exempt the user ID that the proxy was given from redirection; under TPROXY the proxy itself stays root."""
    before, spec = original.get("spec") or {}, merged.get("spec") or {}
    everyone = (*(before.get("containers") or ()), *(before.get("initContainers") or ()))
    proxy: Json = next((each for each in everyone if each.get("name") == _PROXY), {})
    given = proxy.get("securityContext") or {}
    ids = {name: given[name] for name in ("runAsUser", "runAsGroup") if given.get(name) is not None}
    if not ids:
        return merged
    user = ids.get("runAsUser")
    transparent = context.interception_mode == "TPROXY"
    root = {"runAsUser": 0} if transparent and user is not None else {}
    secured = {_PROXY: root, "istio-validation": {} if transparent else ids}
    changed = dict(spec)
    for field in ("containers", "initContainers"):
        if field in spec:
            found = [_secured(container, secured.get(container.get("name", ""), {})) for container in spec[field]]
            changed[field] = [_sparing(container, user) for container in found]
    return {**merged, "spec": changed}


def _secured(container: Json, ids: Json) -> Json:
    return {**container, "securityContext": (container.get("securityContext") or {}) | ids} if ids else container


def _sparing(container: Json, user: int | None) -> Json:
    args = list(container.get("args") or ())
    if container.get("name") not in ("istio-init", "istio-validation") or not user or "-u" not in args[:-1]:
        return container
    args[args.index("-u") + 1] = str(user)
    return {**container, "args": args}


def _post_processed(pod: Json, rendered: Json, context: Context) -> Json:
    metadata = dict(pod.get("metadata") or {})
    labels, annotations = dict(metadata.get("labels") or {}), dict(metadata.get("annotations") or {})
    status_port = _status_port(context.injector)
    environment: list[Json] = []
    merge = context.injector.mesh.get("enablePrometheusMerge") is not False
    metrics = merged_metrics(annotations, enabled=merge, status_port=status_port)
    if metrics is not None:
        annotations, scraping = metrics
        environment += [{"name": SCRAPING, "value": scraping}] if scraping else []
    spec = pod.get("spec") or {}
    default = bool(context.injector.value("sidecarInjectorWebhook.rewriteAppHTTPProbe", True))
    has_agent = any(each.get("name") == _PROXY for field in FIELDS for each in spec.get(field) or ())
    if has_agent and is_true(annotations.get(REWRITE, ""), default=default):
        spec, probers = rewritten_probes(spec, annotations=annotations, status_port=status_port)
        before = _probers(spec) if STATUS in annotations and probers else ""
        probers = merged_probers(before, probers) if before else probers
        environment += [{"name": PROBERS, "value": probers}] if probers else []
    network = labels.get(_NETWORK) or context.injector.value("global.network")
    if network:
        labels[_NETWORK] = network
    place = {"ISTIO_META_CLUSTER_ID": context.injector.value("global.multiCluster.clusterName")}
    place = {name: value for name, value in {**place, "ISTIO_META_NETWORK": network}.items() if value}
    annotations[STATUS] = _status(rendered.get("spec") or {}, context.injector.revision)
    annotations |= context.injector.annotations
    metadata |= {"labels": labels, "annotations": annotations}
    spec = _with_environment(spec, [{"name": name, "value": value} for name, value in place.items()] + environment)
    return {**pod, "metadata": metadata, "spec": _ordered(spec, context)}


def _status_port(injector: Injector) -> int:
    return int((injector.mesh.get("defaultConfig") or {}).get("statusPort") or 15020)


def _probers(spec: Json) -> str:
    """Return the agent's table of probes from an earlier injection, as JSON; empty when there is none."""
    everyone = (each for field in FIELDS for each in spec.get(field) or () if each.get("name") == _PROXY)
    entries = (entry for each in everyone for entry in each.get("env") or ())
    return next((str(entry.get("value") or "") for entry in entries if entry.get("name") == PROBERS), "")


def _with_environment(spec: Json, environment: Sequence[Json]) -> Json:
    """Append variables to the proxy's, and write the resources of all containers in canonical form."""
    names = {entry["name"] for entry in environment}
    changed = dict(spec)
    for field in ("containers", "initContainers"):
        containers = [canonical_resources(container) for container in spec.get(field) or ()]
        for proxy in (container for container in containers if container.get("name") == _PROXY):
            kept = [entry for entry in proxy.get("env") or () if entry.get("name") not in names]
            containers[containers.index(proxy)] = {**proxy, "env": [*kept, *environment]}
        changed |= {field: containers} if containers else {}
    return changed


def _status(spec: Json, revision: str) -> str:
    def names(field: str) -> list[str] | None:
        return [item["name"] for item in spec.get(field) or ()] or None

    status = {field: names(field) for field in ("initContainers", "containers", "volumes", "imagePullSecrets")}
    return json.dumps({**status, "revision": revision}, separators=(",", ":"))


def _ordered(spec: Json, context: Context) -> Json:
    """Order containers so that the proxy starts when the application needs it, as reorderPod does."""
    held = context.proxy_config.get("holdApplicationUntilProxyStarts") or context.injector.value(
        "global.proxy.holdApplicationUntilProxyStarts", False
    )
    changed = {**spec, "containers": _moved(spec.get("containers") or [], _PROXY, first=bool(held))}
    init: list[Json] = spec.get("initContainers") or []
    if any(container.get("name") == _PROXY for container in init):
        for name in ("enable-core-dump", _PROXY, "istio-validation", "istio-init"):
            init = _moved(init, name, first=True)
    else:
        init = _moved(init, "istio-validation", first=True)
        init = _moved(_moved(init, "istio-init", first=False), "enable-core-dump", first=False)
    return {**changed, "initContainers": init} if init or "initContainers" in spec else changed


def _moved(containers: Sequence[Json], name: str, *, first: bool) -> list[Json]:
    others = [container for container in containers if container.get("name") != name]
    moved = [container for container in containers if container.get("name") == name]
    return [*moved, *others] if first else [*others, *moved]

"""Policies without effect: a selector that selects nothing, or a target that does not exist.

AuthorizationPolicies, Sidecars and Telemetries with selectors are checked by istioctl's own analyzers.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.grants import GATEWAY_API
from kubectl_mesh.analysis.pods import WORKLOAD_KINDS, pods
from kubectl_mesh.analysis.references import Name, selector_path, selector_text
from kubectl_mesh.analysis.world import World
from simulator.model.labels import selects
from simulator.model.resources import Resource
from simulator.model.wire import Json

_SELECTING = {
    "PeerAuthentication": ("spec", "selector", "matchLabels"),
    "RequestAuthentication": ("spec", "selector", "matchLabels"),
    "WasmPlugin": ("spec", "selector", "matchLabels"),
    "ProxyConfig": ("spec", "selector", "matchLabels"),
    "EnvoyFilter": ("spec", "workloadSelector", "labels"),
    "DestinationRule": ("spec", "workloadSelector", "matchLabels"),
}
_EVERYWHERE = ("PeerAuthentication", "RequestAuthentication", "WasmPlugin", "EnvoyFilter")
"""Kinds whose selectors apply to all namespaces when they are in the root namespace."""
_TARGETING = ("AuthorizationPolicy", "RequestAuthentication", "Telemetry", "WasmPlugin", "EnvoyFilter")
_TARGETS = {
    (GATEWAY_API, "Gateway"): f"{GATEWAY_API}/Gateway",
    ("", "Service"): "Service",
    ("networking.istio.io", "ServiceEntry"): "ServiceEntry",
}


def _selectors(world: World) -> Iterator[Finding]:
    known = world.once(pods)
    root = world.mesh.get("rootNamespace") or "istio-system"
    for kind, path in _SELECTING.items():
        for resource in world.of_kind(kind):
            labels = resource.get(*path) or {}
            if not labels:
                continue
            namespace = None if resource.namespace == root and kind in _EVERYWHERE else resource.namespace
            if world.partial and (namespace is None or namespace not in known.by_namespace):
                continue
            if next(known.selected(labels, namespace=namespace), None) or _selects_entry(world, resource, labels):
                continue
            yield Finding(
                code="KM0016",
                resource=resource,
                arguments=(f"no pod has the labels {selector_text(labels)}",),
                path=selector_path(resource, *path),
                witness=f"labels {selector_text(labels)} in namespace {namespace or 'any'}: 0 pods",
            )


def _selects_entry(world: World, resource: Resource, labels: dict[str, str]) -> bool:
    """Tell whether a selector selects a workload outside Kubernetes."""
    entries = (entry for entry in world.of_kind("WorkloadEntry") if entry.namespace == resource.namespace)
    groups = (group for group in world.of_kind("WorkloadGroup") if group.namespace == resource.namespace)
    written = [entry.spec.get("labels") or {} for entry in entries]
    written += [(group.spec.get("metadata") or {}).get("labels") or {} for group in groups]
    return any(selects(labels, each) for each in written)


def _targets(world: World) -> Iterator[Finding]:
    for kind in _TARGETING:
        for resource in world.of_kind(kind):
            for path, reference in _references(resource):
                group = str(reference.get("group") or "")
                key = ("" if group == "core" else group, str(reference.get("kind") or ""))
                name = (reference.get("namespace") or resource.namespace, str(reference.get("name") or ""))
                if key not in _TARGETS or _TARGETS[key] in world.absent or world.leaves_out(_TARGETS[key]):
                    continue
                if name not in world.once(_targetable)[key]:
                    text = f"{key[1]} {'/'.join(name)}"
                    yield Finding(
                        code="KM0016",
                        resource=resource,
                        arguments=(f"its target {text} does not exist",),
                        path=path,
                        witness=f"{text}: not found; no proxy enforces the policy",
                    )


def _targetable(world: World) -> dict[tuple[str, str], set[Name]]:
    return {key: {(each.namespace, each.name) for each in world.of_kind(kind)} for key, kind in _TARGETS.items()}


def _references(resource: Resource) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    for index, reference in enumerate(resource.spec.get("targetRefs") or ()):
        yield ("spec", "targetRefs", index), reference
    if resource.spec.get("targetRef"):
        yield ("spec", "targetRef"), resource.spec["targetRef"]


ANALYZERS = (
    Check(
        name="mesh.PolicySelectors",
        description="Finds policies and other selecting resources that select no pod",
        inputs=(*_SELECTING, "Pod"),
        hints=(*WORKLOAD_KINDS, "WorkloadEntry", "WorkloadGroup"),
        run=_selectors,
    ),
    Check(
        name="mesh.PolicyTargets",
        description="Finds policies whose target does not exist",
        inputs=_TARGETING,
        hints=tuple(_TARGETS.values()),
        run=_targets,
    ),
)

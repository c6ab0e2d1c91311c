"""The injectors of a mesh: each revision's webhook policy, chart values and mesh config, read from manifests.

istiod: pkg/kube/inject/webhook.go (ConfigMap `istio-sidecar-injector[-REV]`: keys `config` and `values`), and the
chart's values.yaml for values that are not given.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.manifests import control_plane
from simulator.manifests.injection import (
    Decision,
    Policy,
    Webhook,
    configured_webhooks,
    decide,
    standard_webhooks,
)
from simulator.manifests.mesh_documents import read_mesh_document
from simulator.manifests.proxy_config import effective, parse
from simulator.model.labels import Labels
from simulator.model.resources import Resource
from simulator.model.wire import Json

ISTIO_VERSION = "1.30.3"
_NATIVE_SINCE = (1, 33)
_RESOURCES: Json = {
    "requests": {"cpu": "100m", "memory": "128Mi"},
    "limits": {"cpu": "2", "memory": "1Gi"},
}
_VALUES: Json = {
    "global": {
        "hub": "registry.istio.io/release",
        "tag": ISTIO_VERSION,
        "istioNamespace": "istio-system",
        "caName": "",
        "caAddress": "",
        "logging": {"level": "default:info"},
        "multiCluster": {"clusterName": ""},
        "pilotCertProvider": "istiod",
        "sds": {"token": {"aud": "istio-ca"}},
        "proxy": {
            "image": "proxyv2",
            "clusterDomain": "cluster.local",
            "componentLogLevel": "misc:error",
            "excludeInboundPorts": "",
            "includeInboundPorts": "*",
            "includeIPRanges": "*",
            "excludeIPRanges": "",
            "includeOutboundPorts": "",
            "excludeOutboundPorts": "",
            "logLevel": "warning",
            "privileged": False,
            "readinessFailureThreshold": 4,
            "readinessInitialDelaySeconds": 0,
            "readinessPeriodSeconds": 15,
            "startupProbe": {"enabled": True, "failureThreshold": 600},
            "resources": _RESOURCES,
            "statusPort": 15020,
        },
    },
    "pilot": {"cni": {"enabled": False}},
    "sidecarInjectorWebhook": {"rewriteAppHTTPProbe": True, "enableNamespacesByDefault": False},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Injector:
    """What one revision's istiod knows when it injects a pod."""

    revision: str = "default"
    values: Json = field(default_factory=lambda: _VALUES, repr=False)
    mesh: Json = field(default_factory=dict, repr=False)
    policy: Policy = field(default_factory=Policy)
    default_templates: tuple[str, ...] = ("sidecar",)
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    annotations: Labels = field(default_factory=dict)
    proxy_configs: tuple[Resource, ...] = ()
    native: str = "auto"
    """`true`, `false`, or `auto`: native sidecars where the kubelet of every node supports them."""
    _by_path: Mapping[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_path", dict(_paths(self.values)))  # every pod asks for dozens of values

    def value(self, path: str, default: Any = "") -> Any:
        """Read a chart value by its dotted path."""
        return self._by_path.get(path, default)

    def proxy_config(self, *, namespace: str, labels: Labels, annotations: Labels) -> Json:
        """Return the effective ProxyConfig of a pod."""
        return effective(
            mesh=self.mesh,
            root_namespace=self.mesh.get("rootNamespace") or "istio-system",
            resources=self.proxy_configs,
            namespace=namespace,
            labels=labels,
            annotations=annotations,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Injectors:
    """Every injector of a mesh, and the webhooks that lead to them."""

    webhooks: tuple[Webhook, ...]
    by_revision: Mapping[str, Injector]
    namespace_labels: Mapping[str, Labels]
    kubelets: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Version of the kubelet on each node."""

    @property
    def first(self) -> Injector:
        """The injector of the default revision, or of the first when there is no default."""
        return next(iter(self.by_revision.values()), Injector())

    def decide(self, pod: Json, *, namespace: str) -> Decision:
        """Decide whether a pod of a namespace is injected, and by whom."""
        return decide(
            pod,
            namespace=namespace,
            namespace_labels=self.namespace_labels.get(namespace, {}),
            webhooks=self.webhooks,
            policies={revision: injector.policy for revision, injector in self.by_revision.items()},
        )

    def injector(self, revision: str) -> Injector:
        """Return the injector of a revision, with the chart's defaults for one that the manifests do not configure."""
        return self.by_revision.get(revision) or Injector(revision=revision)

    def uses_native_sidecars(self, injector: Injector, *, node_name: str) -> bool:
        """Tell whether proxies run as native sidecars on a node (on every node, when none is named)."""
        if injector.native != "auto":
            return injector.native == "true"
        versions = [self.kubelets[node_name]] if node_name in self.kubelets else self.kubelets.values()
        return all(version >= _NATIVE_SINCE for version in versions)


def find_injectors(resources: Sequence[Resource], *, nodes: Sequence[Resource]) -> Injectors:
    """Read the injectors of a mesh from its resources; without any, that of the default profile."""
    revisions = control_plane.revisions(resources) or ("default",)
    configs = tuple(
        sorted(
            (resource for resource in resources if resource.kind == "ProxyConfig"),
            key=lambda resource: (resource.created, resource.name, resource.namespace),
        )
    )
    injectors = {revision: _injector(revision, resources, configs) for revision in revisions}
    webhooks = configured_webhooks(resources) or tuple(
        webhook
        for revision, injector in injectors.items()
        for webhook in standard_webhooks(
            revision, by_default=bool(injector.value("sidecarInjectorWebhook.enableNamespacesByDefault", False))
        )
    )
    return Injectors(
        webhooks=webhooks,
        by_revision=injectors,
        namespace_labels={resource.name: resource.labels for resource in resources if resource.kind == "Namespace"},
        kubelets={node.name: _kubelet_version(node) for node in nodes},
    )


def _injector(revision: str, resources: Sequence[Resource], configs: tuple[Resource, ...]) -> Injector:
    data = _data(resources, "istio-sidecar-injector", revision)
    config, values = parse(data.get("config", "")), parse(data.get("values", ""))
    flags = control_plane.istiod_environment(resources, revision)
    webhook = values.get("sidecarInjectorWebhook") or {}
    templates = config.get("defaultTemplates")
    aliases = config.get("aliases")
    return Injector(
        revision=revision,
        values=_overlaid(_overlaid(_VALUES, _evident_values(resources, revision)), values),
        mesh=read_mesh_document(_data(resources, "istio", revision).get("mesh", ""))[0],
        policy=Policy(
            enabled=config.get("policy", "enabled") != "disabled",
            never=_selectors(config.get("neverInjectSelector") or webhook.get("neverInjectSelector")),
            always=_selectors(config.get("alwaysInjectSelector") or webhook.get("alwaysInjectSelector")),
        ),
        default_templates=tuple(templates) if isinstance(templates, list) and templates else ("sidecar",),
        aliases=aliases if isinstance(aliases, dict) else {},
        annotations=config.get("injectedAnnotations") or {},
        proxy_configs=configs,
        native=flags.get("ENABLE_NATIVE_SIDECARS", "auto").lower(),
    )


def _evident_values(resources: Sequence[Resource], revision: str) -> Json:
    """Return the chart values that can be inferred from the installed objects."""
    return {
        "global": control_plane.image_source(resources, revision),
        "pilot": {"cni": {"enabled": control_plane.uses_cni(resources)}},
    }


def _data(resources: Sequence[Resource], name: str, revision: str) -> Json:
    wanted = name if revision == "default" else f"{name}-{revision}"
    for resource in resources:
        if resource.kind == "ConfigMap" and resource.name == wanted and resource.namespace == "istio-system":
            return resource.document.get("data") or {}
    return {}


def _selectors(value: Any) -> tuple[Json, ...]:
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _overlaid(base: Json, overlay: Json) -> Json:
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        merged[key] = _overlaid(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _paths(values: Json, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value that is set, mappings too, under its dotted path."""
    for name, value in values.items():
        if value is not None and "." not in name:
            yield prefix + name, value
            if isinstance(value, dict):
                yield from _paths(value, f"{prefix}{name}.")


def _kubelet_version(node: Resource) -> tuple[int, ...]:
    text = str(node.get("status", "nodeInfo", "kubeletVersion", default="")).removeprefix("v")
    parts = text.split(".")[:2]
    return tuple(int(part) for part in parts) if len(parts) == 2 and all(map(str.isdigit, parts)) else (0, 0)

"""Which variant of the proxy's image a pod should run.

istiod: pkg/config/analysis/analyzers/util/proxyconfig.go.
"""

from dataclasses import dataclass, field

from kubectl_mesh.analysis.world import World
from simulator.model.labels import selects
from simulator.model.resources import Resource


@dataclass(slots=True)
class ProxyConfigs:
    """ProxyConfigs by scope: mesh, namespace or workload."""

    mesh: str = ""
    by_namespace: dict[str, str] = field(default_factory=dict)
    by_workload: dict[str, list[Resource]] = field(default_factory=dict)


def _type(resource: Resource) -> str:
    return str((resource.spec.get("image") or {}).get("imageType") or "")


def proxy_configs(world: World) -> ProxyConfigs:
    """Index the ProxyConfigs of a world."""
    root = world.mesh.get("rootNamespace") or "istio-system"
    default = (world.mesh.get("defaultConfig") or {}).get("image") or {}
    configs = ProxyConfigs(mesh=default.get("imageType") or "")
    for resource in world.of_kind("ProxyConfig"):
        if resource.namespace == root:
            configs.mesh = _type(resource) or configs.mesh
        elif resource.spec.get("selector") is None:
            configs.by_namespace[resource.namespace] = _type(resource)
        else:
            configs.by_workload.setdefault(resource.namespace, []).append(resource)
    return configs


def image_type(configs: ProxyConfigs, pod: Resource) -> str:
    """Return the variant that the injector would choose for a pod; empty for the default one."""
    chosen = configs.by_namespace.get(pod.namespace) or configs.mesh
    for resource in configs.by_workload.get(pod.namespace, ()):
        if selects(resource.spec["selector"].get("matchLabels") or {}, pod.labels):
            chosen = _type(resource) or chosen
    chosen = _annotated(pod) or chosen
    return "" if chosen == "default" else chosen


def _annotated(pod: Resource) -> str:
    text = pod.annotations.get("proxy.istio.io/config")
    if not text:
        return ""
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return ""
    image = document.get("image") if isinstance(document, dict) else None
    return str(image.get("imageType") or "") if isinstance(image, dict) else ""

"""The ambient profile's changes to the default control plane, for manifests that bring a ztunnel and no istiod.

Istio: manifests/helm-profiles/ambient.yaml. Its distroless images are left out: they change no configuration.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

from simulator.model.resources import Resource
from simulator.model.wire import Json

_FLAG = {"name": "PILOT_ENABLE_AMBIENT", "value": "true"}
_HBONE = {"ISTIO_META_ENABLE_HBONE": "true"}
_GLOBAL = {
    "servicesSelector": {"matchExpressions": [{"key": "istio.io/global", "operator": "In", "values": ["true"]}]},
    "scope": "GLOBAL",
}


def with_ambient(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """Return the objects of the default profile as the ambient profile would install them."""
    return tuple(_changed(resource) for resource in resources)


def _changed(resource: Resource) -> Resource:
    if (resource.kind, resource.name) == ("Deployment", "istiod"):
        document = deepcopy(resource.document)
        for container in document["spec"]["template"]["spec"]["containers"]:
            container["env"] = [*(container.get("env") or ()), dict(_FLAG)]
        return replace(resource, document=document)
    if (resource.kind, resource.name) == ("ConfigMap", "istio"):
        data = dict(resource.document["data"])
        data["mesh"] = _mesh(data["mesh"])
        return replace(resource, document={**resource.document, "data": data})
    return resource


def _mesh(text: str) -> str:
    import yaml

    mesh: Json = yaml.safe_load(text)
    defaults = mesh.setdefault("defaultConfig", {})
    defaults["proxyMetadata"] = {**(defaults.get("proxyMetadata") or {}), **_HBONE}
    mesh["serviceScopeConfigs"] = [deepcopy(_GLOBAL)]
    return yaml.safe_dump(mesh)

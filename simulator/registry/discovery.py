"""What istiod looks at: namespaces that its discovery selectors admit, configuration of its own revision.

istiod: pkg/kube/namespace/filter.go, pkg/config/model.go (LabelsInRevision), pilot/pkg/config/kube/crdclient/client.go.
"""

from simulator.model.labels import label_selector_selects
from simulator.model.resources import Resource
from simulator.registry.mesh_config import MeshSettings
from simulator.registry.resource_index import KUBERNETES_GATEWAY, ResourceIndex, kind_key

_REVISION = "istio.io/rev"
_CONFIGURATION = (".istio.io", "gateway.networking.k8s.io")


def watched(index: ResourceIndex, settings: MeshSettings) -> ResourceIndex:
    """Return the resources that istiod sees; the same index when that is all of them."""
    selectors = settings.mesh.get("discoverySelectors") or ()
    namespaces = index.of_kind("Namespace")
    admitted = {one.name for one in namespaces if any(label_selector_selects(item, one.labels) for item in selectors)}

    def is_seen(resource: Resource) -> bool:
        namespace = resource.name if resource.kind == "Namespace" else resource.namespace
        if selectors and namespace and namespace not in admitted:
            return False
        return _in_revision(resource, settings.revision)

    kept = [resource for resource in index.all if is_seen(resource)]
    return index if len(kept) == len(index.all) else ResourceIndex(kept)


def _in_revision(resource: Resource, revision: str) -> bool:
    """Tell whether a resource is for this istiod; Gateways of the Gateway API are read whatever their revision."""
    if not resource.group.endswith(_CONFIGURATION) or kind_key(resource) == KUBERNETES_GATEWAY:
        return True
    return resource.labels.get(_REVISION, revision) == revision

"""Changes to a cluster's resources: server-side apply, labels, deletion."""

from collections.abc import Mapping
from urllib.parse import quote

from kubectl_mesh.errors import SourceError
from kubectl_mesh.sources.live.api import ApiServer
from kubectl_mesh.sources.live.types import KUBERNETES_GATEWAY, ServedTypes
from simulator.model.wire import Json

_MANAGER = "kubectl-mesh"
_APPLY, _MERGE = "application/apply-patch+yaml", "application/merge-patch+json"


def apply(api: ApiServer, types: ServedTypes, document: Json) -> None:
    """Apply a document. Raises SourceError, also when the cluster has no such kind."""
    metadata = document["metadata"]
    is_gateway = document["kind"] == "Gateway" and document["apiVersion"].startswith("gateway.networking.k8s.io/")
    kind = KUBERNETES_GATEWAY if is_gateway else document["kind"]
    path = _path(types, kind, metadata.get("namespace", ""), metadata["name"])
    api.send("PATCH", f"{path}?fieldManager={_MANAGER}", document, content=_APPLY)


def label(api: ApiServer, types: ServedTypes, kind: str, name: str, labels: Mapping[str, str]) -> None:
    """Set labels of a cluster-scoped resource. Raises SourceError or NothingFound."""
    path = _path(types, kind, "", name)
    api.send("PATCH", path, {"metadata": {"labels": dict(labels)}}, content=_MERGE)


def delete(api: ApiServer, types: ServedTypes, kind: str, namespace: str, name: str) -> None:
    """Delete a resource. Raises SourceError or NothingFound."""
    api.send("DELETE", _path(types, kind, namespace, name), None)


def _path(types: ServedTypes, kind: str, namespace: str, name: str) -> str:
    found = types.find(kind)
    if found is None:
        hint = "install its CustomResourceDefinitions: kubectl get crd"
        raise SourceError(f"the cluster serves no kind {kind}", hint=hint)
    known, path = found
    scope = f"/namespaces/{quote(namespace)}" if known.namespaced else ""
    return f"{path}{scope}/{known.plural}/{quote(name)}"

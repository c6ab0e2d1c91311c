"""Resources of a mesh by kind, namespace and name; each kind is read once."""

import re
from dataclasses import dataclass, field
from typing import Any

from kubectl_mesh.errors import SourceError, Unreachable
from kubectl_mesh.sources.base import Caveats, Incomplete, MeshSource
from simulator.model.caveats import CaveatKind
from simulator.model.wire import Json

_MESH_CONFIG = "istio"


@dataclass(slots=True)
class Lookup:
    """Finds resources of one mesh. `home` is the namespace whose resources are called by their names alone."""

    source: MeshSource
    home: str = ""
    istio_namespace: str = "istio-system"
    _kinds: dict[str, list[Json]] = field(default_factory=dict, repr=False)

    def all(self, kind: str, namespace: str | None = None) -> list[Json]:
        """Return the resources of a kind; none when the source does not have the kind. Raises Unreachable."""
        if kind not in self._kinds:
            try:
                self._kinds[kind] = list(self.source.resources(kind))
            except Unreachable:
                raise
            except SourceError:
                self._kinds[kind] = []
        return [each for each in self._kinds[kind] if namespace in (None, namespace_of(each))]

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """Return one resource; None when it does not exist."""
        return next((each for each in self.all(kind, namespace) if name_of(each) == name), None)

    def unseen(self, kind: str) -> bool:
        """Tell whether a kind could not be read completely, so that a resource that is not found may exist."""
        if isinstance(self.source, Incomplete) and self.source.refusal(kind):
            return True
        if not isinstance(self.source, Caveats):
            return False
        return any(each.kind is CaveatKind.UNSEEN and each.ref.kind == kind for each in self.source.caveats())

    def absence(self, kind: str, namespace: str, name: str) -> str:
        """Return the line about a resource that a proxy refers to and that is not found."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()
        if self.unseen(kind):
            return f"Skipping {words} {name}.{namespace} (may not be read)"
        return f"WARNING: Proxy is stale; it references to non-existent {words} {name}.{namespace}"

    def called(self, resource: Json) -> str:
        """Return a resource's name, followed by its namespace unless that is `home`."""
        name, namespace = name_of(resource), namespace_of(resource)
        return name if namespace == self.home else f"{name}.{namespace}"

    @property
    def mesh_config(self) -> Json:
        """The mesh configuration of the default revision; empty when there is none."""
        import yaml

        found = self.get("ConfigMap", self.istio_namespace, _MESH_CONFIG)
        try:
            loaded = yaml.safe_load(((found or {}).get("data") or {}).get("mesh") or "{}")
        except yaml.YAMLError:
            return {}
        return loaded if isinstance(loaded, dict) else {}

    @property
    def root_namespace(self) -> str:
        """The namespace whose policies apply to the whole mesh."""
        return str(self.mesh_config.get("rootNamespace") or self.istio_namespace)


def meta(resource: Json) -> Json:
    """Return the metadata, empty when absent."""
    return resource.get("metadata") or {}


def spec(resource: Json) -> Json:
    """Return the spec, empty when absent."""
    return resource.get("spec") or {}


def labels(resource: Json) -> dict[str, str]:
    """Return the labels, empty when absent."""
    return meta(resource).get("labels") or {}


def selector(policy: Json) -> dict[str, str]:
    """Return the labels by which a policy selects pods; none where it selects all."""
    body = spec(policy)
    chosen: Json = body.get("selector") or body.get("workloadSelector") or {}
    return dict(chosen.get("matchLabels") or chosen.get("labels") or {})


def is_running(pod: Json) -> bool:
    """Tell whether a pod runs, and is not being deleted."""
    return (pod.get("status") or {}).get("phase") == "Running" and not meta(pod).get("deletionTimestamp")


def name_of(resource: Json) -> str:
    """Return the name."""
    return str(meta(resource).get("name", ""))


def namespace_of(resource: Json) -> str:
    """Return the namespace; empty for cluster-scoped resources."""
    return str(meta(resource).get("namespace", ""))


def oldest_first(resources: list[Json]) -> list[Json]:
    """Sort by age, then name, then namespace, as istiod does."""

    def key(resource: Json) -> tuple[Any, str, str]:
        return str(meta(resource).get("creationTimestamp") or ""), name_of(resource), namespace_of(resource)

    return sorted(resources, key=key)

"""Resources by kind and namespace, in the order in which istiod reads configuration.

istiod: pilot/pkg/model/config.go (sortConfigByCreationTime): oldest first, then by name, then by namespace.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from simulator.manifests.kinds import kinds
from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.resources import Resource

KUBERNETES_GATEWAY = "KubernetesGateway"


def kind_key(resource: Resource) -> str:
    """Return the name under which a resource is indexed.

    It is the kind; the Gateway of the Gateway API is `KubernetesGateway`, as in istiod, and a kind of an API group that
    istiod does not read (Knative's Service) carries its group.
    """
    if resource.kind == "Gateway" and resource.group == "gateway.networking.k8s.io":
        return KUBERNETES_GATEWAY
    return resource.kind if (resource.group, resource.kind) in kinds() else f"{resource.kind}.{resource.group}"


def order(resource: Resource) -> tuple[str, str, str]:
    """Sort key of configuration: creation, name, namespace."""
    return (resource.created, resource.name, resource.namespace)


class ResourceIndex:
    """All resources of a mesh, indexed once. A resource read twice counts once: the later one replaces the earlier."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        unique: dict[tuple[str, str, str], Resource] = {}
        repeated: list[Caveat] = []
        for resource in resources:
            key = (kind_key(resource), resource.namespace, resource.name)
            if (earlier := unique.get(key)) is not None and earlier.document != resource.document:
                message = f"defined again at {resource.origin}; the last definition counts"
                repeated.append(Caveat(kind=CaveatKind.ORDER_DEPENDENT, ref=resource.ref, message=message))
            unique[key] = resource
        self._by_key = unique
        self.caveats = tuple(repeated)
        by_kind: defaultdict[str, list[Resource]] = defaultdict(list)
        for (kind, _, _), resource in unique.items():
            by_kind[kind].append(resource)
        self._by_kind = {kind: tuple(sorted(found, key=order)) for kind, found in by_kind.items()}
        namespaced: defaultdict[tuple[str, str], list[Resource]] = defaultdict(list)
        for kind, found in self._by_kind.items():
            for resource in found:
                namespaced[kind, resource.namespace].append(resource)
        self._by_namespace = {key: tuple(found) for key, found in namespaced.items()}

    def of_kind(self, kind: str, namespace: str | None = None) -> Sequence[Resource]:
        """Return the resources of a kind, oldest first, of one namespace or of all."""
        if namespace is None:
            return self._by_kind.get(kind, ())
        return self._by_namespace.get((kind, namespace), ())

    def get(self, kind: str, namespace: str, name: str) -> Resource | None:
        """Return one resource; None when there is none."""
        return self._by_key.get((kind, namespace, name))

    @property
    def all(self) -> Sequence[Resource]:
        """Every resource, in no particular order."""
        return tuple(self._by_key.values())

    @property
    def kinds(self) -> Sequence[str]:
        """Names of the kinds there are."""
        return tuple(sorted(self._by_kind))

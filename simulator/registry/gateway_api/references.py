"""References between namespaces, and the ReferenceGrants that allow them.

istiod: pilot/pkg/config/kube/gatewaycommon/references.go.
"""

from simulator.model.labels import Labels, label_selector_selects
from simulator.model.wire import Json
from simulator.registry.resource_index import ResourceIndex

GROUP = "gateway.networking.k8s.io"
Kind = tuple[str, str]
"""API group and kind; the core group is empty."""
_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")
_FROM = frozenset((GROUP, kind) for kind in ("Gateway", "ListenerSet", *_ROUTES))
_TO = frozenset({("", "ConfigMap"), ("", "Secret"), ("", "Service"), ("inference.networking.k8s.io", "InferencePool")})


def referenced_kind(reference: Json, default: Kind) -> Kind:
    """Return group and kind of a reference; what it leaves out is the default's."""
    group, kind = reference.get("group"), reference.get("kind")
    return (default[0] if group is None else group, default[1] if kind is None else kind)


class ReferenceGrants:
    """What may refer to what in another namespace."""

    def __init__(self, index: ResourceIndex) -> None:
        self._allowed: dict[tuple[Kind, str, Kind, str], set[str | None]] = {}
        for grant in index.of_kind("ReferenceGrant"):
            for source in grant.spec.get("from") or ():
                origin = (source.get("group") or "", source.get("kind") or "")
                for target in grant.spec.get("to") or ():
                    aim = (target.get("group") or "", target.get("kind") or "")
                    if origin in _FROM and aim in _TO:
                        key = (origin, source.get("namespace") or "", aim, grant.namespace)
                        self._allowed.setdefault(key, set()).add(target.get("name"))

    def allow(self, origin: Kind, namespace: str, *, target: Kind, target_namespace: str, name: str) -> bool:
        """Tell whether resources of kind `origin` in `namespace` may refer to a resource of another namespace."""
        names = self._allowed.get((origin, namespace, target, target_namespace), set())
        return None in names or name in names


def namespace_labels(index: ResourceIndex, name: str) -> Labels | None:
    """Return the labels of a namespace, its name among them; None when there is no such namespace."""
    namespace = index.get("Namespace", "", name)
    return None if namespace is None else {**namespace.labels, "kubernetes.io/metadata.name": name}


def selected_namespaces(index: ResourceIndex, selector: Json) -> list[str]:
    """Return the names of the namespaces that a selector selects, sorted."""
    names = (namespace.name for namespace in index.of_kind("Namespace"))
    return sorted(name for name in names if label_selector_selects(selector, namespace_labels(index, name) or {}))

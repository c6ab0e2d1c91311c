"""Who may see a service or rule: `exportTo`.

istiod: pilot/pkg/model/push_context.go (initDefaultExportMaps, initServiceRegistry), pkg/config/visibility.
`*` is everybody, `.` the resource's own namespace, `~` nobody, anything else a namespace. `*` wins over `~`, `~` over
the rest.
"""

from collections.abc import Iterable, Mapping

from simulator.model.wire import Json

PUBLIC = "*"
PRIVATE = "."
NONE = "~"


def default_export(mesh: Json, field: str) -> frozenset[str]:
    """Return the mesh's default for one kind, such as `defaultServiceExportTo`; everybody when it is empty."""
    return frozenset(mesh.get(field) or ()) or frozenset({PUBLIC})


def namespaces(export_to: Iterable[str], *, namespace: str, default: frozenset[str]) -> frozenset[str]:
    """Resolve `exportTo` of a resource in `namespace` to `{"*"}`, to nothing, or to a set of namespaces."""
    chosen = frozenset(export_to) or default
    if PUBLIC in chosen:
        return frozenset({PUBLIC})
    if NONE in chosen:
        return frozenset()
    return frozenset(namespace if item == PRIVATE else item for item in chosen)


def annotated_export(annotations: Mapping[str, str]) -> frozenset[str]:
    """Read `networking.istio.io/exportTo` of a Kubernetes Service."""
    text = annotations.get("networking.istio.io/exportTo") or ""
    return frozenset(item.strip() for item in text.split(",")) if text else frozenset()

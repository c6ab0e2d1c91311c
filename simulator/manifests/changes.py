"""Apply changed manifests to others, as `kubectl apply` and `kubectl delete` would."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from simulator.manifests import control_plane
from simulator.manifests.kinds import named_kind
from simulator.model.errors import SimulatorError
from simulator.model.resources import ObjectRef, Resource
from simulator.model.wire import Json

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""Creation time given to the oldest object where an order of creation is stated."""


def changed(
    resources: Sequence[Resource], *, applied: Sequence[Resource] = (), deleted: Sequence[ObjectRef] = ()
) -> tuple[Resource, ...]:
    """Return `resources` with those of `applied` in place of their namesakes, and without the deleted ones.

    A ref without namespace deletes from any namespace, when only one has the object. Raises SimulatorError for an
    object to delete that does not exist.
    """
    found = {resource.ref: resource for resource in (*resources, *applied)}
    for ref in deleted:
        matches = [each for each in found if (each.kind, each.name) == (ref.kind, ref.name)]
        matches = [each for each in matches if ref.namespace in ("", each.namespace)]
        if len(matches) != 1:
            where = " or ".join(sorted(each.namespace for each in matches))
            reason = f"is in namespaces {where}" if matches else "is not in the manifests"
            raise SimulatorError(f"cannot delete {ref}: it {reason}", hint="name it as KIND/NAMESPACE/NAME")
        del found[matches[0]]
    return tuple(found.values())


def with_mesh_config(resources: Sequence[Resource], text: str) -> tuple[Resource, ...]:
    """Return `resources` and their control plane, with the fields of `text` (YAML) laid over its MeshConfig.

    Raises SimulatorError for text that is not a YAML mapping.
    """
    import yaml

    try:
        fields = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise SimulatorError(f"the mesh config is not valid YAML: {error}") from error
    if not isinstance(fields, dict):
        raise SimulatorError("the mesh config is not an object", hint="it has fields such as enableAutoMtls: true")
    everything = (*resources, *control_plane.missing(resources))
    return tuple(_configured(each, fields) for each in everything)


def _configured(resource: Resource, fields: Json) -> Resource:
    import yaml

    data = resource.document.get("data") or {}
    if resource.kind != "ConfigMap" or resource.namespace != control_plane.NAMESPACE or "mesh" not in data:
        return resource
    mesh = yaml.safe_dump((yaml.safe_load(data["mesh"]) or {}) | fields)
    return replace(resource, document=resource.document | {"data": data | {"mesh": mesh}})


def dated(resources: Sequence[Resource], *, oldest_first: Sequence[ObjectRef]) -> tuple[Resource, ...]:
    """Return `resources` with a creation time for those listed, each a second younger than the one before.

    A ref without namespace means every object of that kind and name. Objects that are not listed keep theirs, or none.
    """
    ages = {(ref.kind, ref.name, ref.namespace): number for number, ref in enumerate(oldest_first)}
    return tuple(_dated(each, ages) for each in resources)


def _dated(resource: Resource, ages: Mapping[tuple[str, str, str], int]) -> Resource:
    for namespace in (resource.namespace, ""):
        age = ages.get((resource.kind, resource.name, namespace))
        if age is not None:
            created = {"creationTimestamp": (_EPOCH + timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")}
            return replace(resource, document=resource.document | {"metadata": resource.metadata | created})
    return resource


def parse_ref(text: str) -> ObjectRef:
    """Read `KIND/NAME` or `KIND/NAMESPACE/NAME`; the kind may be a plural or a short name. Raises SimulatorError."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise SimulatorError(f"{text}: not an object", hint="write KIND/NAME or KIND/NAMESPACE/NAME")
    kinds = named_kind(parts[0])
    return ObjectRef(
        kind=kinds[0].name if kinds else parts[0], namespace=parts[1] if len(parts) == 3 else "", name=parts[-1]
    )

"""Lay changed manifests over others, as `kubectl apply` and `kubectl delete` would."""

from collections.abc import Sequence

from simulator.manifests.kinds import named_kind
from simulator.model.errors import SimulatorError
from simulator.model.resources import ObjectRef, Resource


def changed(
    resources: Sequence[Resource], *, applied: Sequence[Resource] = (), deleted: Sequence[ObjectRef] = ()
) -> tuple[Resource, ...]:
    """Return `resources` with those of `applied` in place of their namesakes, and without the deleted ones.

    A ref without namespace deletes from any namespace, when only one has the object. Raises SimulatorError for an
    object to delete that is not there.
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


def parse_ref(text: str) -> ObjectRef:
    """Read `KIND/NAME` or `KIND/NAMESPACE/NAME`; the kind may be a plural or a short name. Raises SimulatorError."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise SimulatorError(f"{text}: not an object", hint="write KIND/NAME or KIND/NAMESPACE/NAME")
    kinds = named_kind(parts[0])
    return ObjectRef(
        kind=kinds[0].name if kinds else parts[0], namespace=parts[1] if len(parts) == 3 else "", name=parts[-1]
    )

"""Configuration that istiod's webhook refuses, and that istiod therefore never sees.

istiod: pkg/webhooks/validation/server/server.go, pilot/pkg/config/kube/crd/conversion.go. Problems with a code of their
own are istioctl's, not the webhook's.
"""

from collections.abc import Iterator, Sequence

from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.resources import Resource
from simulator.registry.resource_index import ResourceIndex
from simulator.validation.crd import Misfit, misfits
from simulator.validation.problems import Path
from simulator.validation.rules import RULES, rules_of

_GROUP = ".istio.io"


def without_refused(index: ResourceIndex) -> tuple[ResourceIndex, tuple[Caveat, ...]]:
    """Return the resources that istiod accepts, why it refuses the others, and fields that no resource has."""
    refused: dict[tuple[str, str, str], Caveat] = {}
    unknown: list[Caveat] = []
    for resource in _judged(index):
        found = tuple(misfits(resource))
        problem = _problem(resource, found)
        if problem is not None:
            path, text = problem
            message = f"istiod refuses it, so it has no effect: {text}"
            refused[resource.kind, resource.namespace, resource.name] = _caveat(resource, path, message)
        unknown += (
            _caveat(resource, each.path, "not a field, so it has no effect" + each.text.partition("not a field")[2])
            for each in found
            if each.is_unknown and not each.respelt
        )
    if not refused:
        return index, tuple(unknown)
    kept = [
        one for one in index.all if not one.group.endswith(_GROUP) or (one.kind, one.namespace, one.name) not in refused
    ]
    return ResourceIndex(kept), (*refused.values(), *unknown)


def _judged(index: ResourceIndex) -> Iterator[Resource]:
    return (one for kind in RULES for one in index.of_kind(kind) if one.group.endswith(_GROUP))


def _caveat(resource: Resource, path: Path, message: str) -> Caveat:
    return Caveat(kind=CaveatKind.INVALID, ref=resource.ref, message=message, path=path)


def _problem(resource: Resource, found: Sequence[Misfit]) -> tuple[Path, str] | None:
    """Return the first field for which istiod drops a resource, since it cannot read it or does not accept it."""
    unreadable = next((one for one in found if one.is_unreadable), None)
    if unreadable is not None:
        return unreadable.path, unreadable.text
    problem = next((one for one in rules_of(resource.kind)(resource) if not one.is_warning and not one.code), None)
    return (problem.path, problem.text) if problem is not None else None

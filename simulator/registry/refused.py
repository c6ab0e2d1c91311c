"""Configuration that istiod's webhook refuses, and that istiod therefore never sees.

istiod: pkg/webhooks/validation/server/server.go, pilot/pkg/config/kube/crd/conversion.go. Problems with a code of their
own are istioctl's, not the webhook's.
"""

from collections.abc import Iterator

from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.resources import Resource
from simulator.registry.resource_index import ResourceIndex
from simulator.validation.crd import misfits
from simulator.validation.problems import Path
from simulator.validation.rules import RULES, rules_of

_GROUP = ".istio.io"


def without_refused(index: ResourceIndex) -> tuple[ResourceIndex, tuple[Caveat, ...]]:
    """Return the resources that istiod accepts, and why it refuses the others."""
    refused = {(caveat.ref.kind, caveat.ref.namespace, caveat.ref.name): caveat for caveat in _refusals(index)}
    if not refused:
        return index, ()
    kept = [
        one for one in index.all if not one.group.endswith(_GROUP) or (one.kind, one.namespace, one.name) not in refused
    ]
    return ResourceIndex(kept), tuple(refused.values())


def _refusals(index: ResourceIndex) -> Iterator[Caveat]:
    for kind in RULES:
        for resource in index.of_kind(kind):
            if not resource.group.endswith(_GROUP):
                continue
            problem = _problem(resource)
            if problem is not None:
                path, text = problem
                message = f"istiod refuses it, so it has no effect: {text}"
                yield Caveat(kind=CaveatKind.INVALID, ref=resource.ref, message=message, path=path)


def _problem(resource: Resource) -> tuple[Path, str] | None:
    """Return the first field for which istiod drops a resource, since it cannot read it or does not accept it."""
    unreadable = next((one for one in misfits(resource) if one.is_unreadable), None)
    if unreadable is not None:
        return unreadable.path, unreadable.text
    found = next((one for one in rules_of(resource.kind)(resource) if not one.is_warning and not one.code), None)
    return (found.path, found.text) if found is not None else None

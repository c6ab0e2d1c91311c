"""What does not fit the schemas of CRDs, worked out once for each kind of a world."""

from collections.abc import Callable, Mapping
from functools import cache

from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource
from simulator.validation.crd import Misfit, misfits


@cache
def misfits_of(kind: str) -> Callable[[World], Mapping[Resource, tuple[Misfit, ...]]]:
    """Return what a world works out once: the misfits of the resources of a kind, those without left out."""

    def find(world: World) -> Mapping[Resource, tuple[Misfit, ...]]:
        return {each: found for each in world.of_kind(kind) if (found := tuple(misfits(each)))}

    return find

"""Violations of the schemas of CRDs, computed once for each kind of a world."""

from collections.abc import Callable, Mapping
from functools import cache

from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource
from simulator.validation.crd import Misfit, misfits


@cache
def misfits_of(kind: str) -> Callable[[World], Mapping[Resource, tuple[Misfit, ...]]]:
    """Return a function for `World.once`: the misfits of each resource of a kind that has any."""

    def find(world: World) -> Mapping[Resource, tuple[Misfit, ...]]:
        return {each: found for each in world.of_kind(kind) if (found := tuple(misfits(each)))}

    return find

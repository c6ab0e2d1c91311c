"""Analyzers side by side: in a large mesh, those that judge each resource by itself run in a second process.

They are the schema analyzers, close to half of the work; the others run here meanwhile.
"""

from collections.abc import Callable, Sequence
from typing import Any

from kubectl_mesh.analysis.analyzer import Analyzer
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.world import World
from simulator.manifests.second_process import Child, can_fork
from simulator.model.resources import Resource

_MANY = 2_000
"""Resources below which a second process costs more than it saves."""
_SCHEMA = "schema."

Run = Callable[[Analyzer, World], Sequence[Finding]]


def findings_of(analyzers: Sequence[Analyzer], world: World, run: Run) -> list[Finding]:
    """Return what `run` yields for each analyzer, in their order."""
    if len(world.resources) < _MANY or not can_fork():
        return [finding for analyzer in analyzers for finding in run(analyzer, world)]
    apart = [analyzer for analyzer in analyzers if analyzer.name.startswith(_SCHEMA)]
    child = Child(lambda: _packed(apart, world, run))
    try:
        found = {analyzer.name: run(analyzer, world) for analyzer in analyzers if analyzer not in apart}
    finally:
        packed = child.value()
    if packed is None:
        found |= {analyzer.name: run(analyzer, world) for analyzer in apart}
    else:
        for analyzer, values in zip(apart, packed, strict=True):
            found[analyzer.name] = [_unpacked(each, world.resources) for each in values]
    return [finding for analyzer in analyzers for finding in found[analyzer.name]]


def _packed(analyzers: Sequence[Analyzer], world: World, run: Run) -> list[list[tuple[Any, ...]]]:
    """Return findings as plain values with numbers of resources; raise KeyError for a resource outside the world."""
    numbers = {id(resource): number for number, resource in enumerate(world.resources)}

    def pack(one: Finding) -> tuple[Any, ...]:
        resource = numbers[id(one.resource)] if one.resource is not None else None
        return one.code, resource, one.arguments, one.path, one.witness, [numbers[id(each)] for each in one.related]

    return [[pack(one) for one in run(analyzer, world)] for analyzer in analyzers]


def _unpacked(values: tuple[Any, ...], resources: Sequence[Resource]) -> Finding:
    code, resource, arguments, path, witness, related = values
    return Finding(
        code=code,
        resource=resources[resource] if resource is not None else None,
        arguments=arguments,
        path=path,
        witness=witness,
        related=tuple(resources[each] for each in related),
    )

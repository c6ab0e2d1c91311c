"""Files that give one name to two different objects: where both are applied, the later replaces the earlier."""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.world import World


def _replaced(world: World) -> Iterator[Finding]:
    for earlier, later in world.replaced:
        yield Finding(code="KM0104", resource=later, arguments=(str(earlier.origin),), related=(earlier,))


ANALYZERS = (
    Check(
        name="mesh.DuplicateAnalyzer",
        description="Checks that no two objects of the files have one kind, namespace and name",
        inputs=(),
        run=_replaced,
    ),
)

"""Resources of kinds and versions that no API server accepts. Other analyzers skip those of the mesh."""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.world import World
from simulator.manifests.served_kinds import not_served


def _refused(world: World) -> Iterator[Finding]:
    for resource, reason in not_served(world.resources):
        yield Finding(code="KM0103", resource=resource, arguments=(reason,))


ANALYZERS = (
    Check(
        name="mesh.KindAnalyzer",
        description="Checks that kinds and versions of objects exist",
        inputs=("CustomResourceDefinition",),
        run=_refused,
    ),
)

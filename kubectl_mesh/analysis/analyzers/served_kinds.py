"""Resources of kinds and versions that no API server takes, which every other analyzer passes over."""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.served_kinds import refusal
from kubectl_mesh.analysis.world import World


def _refused(world: World) -> Iterator[Finding]:
    definitions = [each.spec for each in world.of_kind("CustomResourceDefinition")]
    defined = {(spec.get("group"), (spec.get("names") or {}).get("kind")) for spec in definitions}
    for resource in world.resources:
        reason = refusal(resource.api_version, resource.kind)
        if reason and (resource.group, resource.kind) not in defined:
            yield Finding(code="KM0103", resource=resource, arguments=(reason,))


ANALYZERS = (
    Check(
        name="mesh.KindAnalyzer",
        description="Checks that kinds and versions of Istio and Gateway API objects exist",
        inputs=("CustomResourceDefinition",),
        run=_refused,
    ),
)

"""Sidecars: do they select anything, do they collide, does a proxy read them.

istiod: pkg/config/analysis/analyzers/sidecar.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.pods import WORKLOAD_KINDS, is_ambient_namespace, pods
from kubectl_mesh.analysis.selection import Selectors, sorted_names, unselective_by_namespace
from kubectl_mesh.analysis.world import World

_SELECTORS = Selectors(path=("spec", "workloadSelector", "labels"), conflict="IST0110")
_AMBIENT_POD = "selected workload is in ambient mode, the policy has no impact"
_AMBIENT_NAMESPACE = "namespace is in ambient mode, the policy has no impact"


def _sidecars(world: World) -> Iterator[Finding]:
    everything = world.of_kind("Sidecar")
    nothing, by_pod = _SELECTORS.selected(filter(_SELECTORS.labels, everything), world.once(pods))
    yield from nothing
    reported = set()
    for pod, sidecars in by_pod:
        if pod.ambient:
            for sidecar in sidecars:
                if sidecar not in reported:
                    reported.add(sidecar)
                    yield Finding(code="IST0167", resource=sidecar, arguments=(_AMBIENT_POD,))
        elif len(sidecars) > 1:
            yield from _SELECTORS.conflicts(pod, sidecars)
    unselective = [each for each in everything if not _SELECTORS.labels(each)]
    for name, sidecars in unselective_by_namespace(unselective).items():
        if is_ambient_namespace(world.find("Namespace", "", name)):
            for sidecar in sidecars:
                yield Finding(code="IST0167", resource=sidecar, arguments=(_AMBIENT_NAMESPACE,))
        elif len(sidecars) > 1:
            for sidecar in sidecars:
                yield Finding(code="IST0111", resource=sidecar, arguments=(sorted_names(sidecars), name))


ANALYZERS = (
    Check(
        name="sidecar.SelectorAnalyzer",
        description="Validates that sidecars that define a workload selector match at least one pod, "
        "and that there aren't multiple sidecar resources that select overlapping pods",
        inputs=("Sidecar", "Pod"),
        hints=("Namespace", *WORKLOAD_KINDS),
        run=_sidecars,
    ),
)

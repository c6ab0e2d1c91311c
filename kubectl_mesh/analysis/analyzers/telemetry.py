"""Telemetries: providers that exist, selectors that select and do not collide.

istiod: pkg/config/analysis/analyzers/telemetry.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.pods import WORKLOAD_KINDS, pods
from kubectl_mesh.analysis.selection import Selectors, sorted_names, unselective_by_namespace
from kubectl_mesh.analysis.world import World

_SELECTORS = Selectors(path=("spec", "selector", "matchLabels"), conflict="IST0159")


def _providers(world: World) -> Iterator[Finding]:
    if (world.mesh.get("defaultProviders") or {}).get("accessLogging"):
        return
    for telemetry in world.of_kind("Telemetry"):
        for logging in telemetry.spec.get("accessLogging") or ():
            if not logging.get("disabled") and not logging.get("providers"):
                yield Finding(code="IST0157", resource=telemetry, arguments=(telemetry.name, telemetry.namespace))


def _selection(world: World) -> Iterator[Finding]:
    selective = filter(_SELECTORS.labels, world.of_kind("Telemetry"))
    nothing, by_pod = _SELECTORS.selected(selective, world.once(pods))
    yield from nothing
    for pod, telemetries in by_pod:
        if len(telemetries) > 1:
            yield from _SELECTORS.conflicts(pod, telemetries)


def _defaults(world: World) -> Iterator[Finding]:
    unselective = [
        each
        for each in world.of_kind("Telemetry")
        if each.spec.get("selector") is None and not (each.spec.get("targetRefs") or each.spec.get("targetRef"))
    ]
    for namespace, telemetries in unselective_by_namespace(unselective).items():
        if len(telemetries) > 1:
            names = sorted_names(telemetries)
            for telemetry in telemetries:
                yield Finding(code="IST0160", resource=telemetry, arguments=(names, namespace))


def _lightstep(world: World) -> Iterator[Finding]:
    providers = world.mesh.get("extensionProviders") or ()
    outdated = {each.get("name") for each in providers if each.get("lightstep") is not None}
    for telemetry in world.of_kind("Telemetry") if outdated else ():
        for tracing in telemetry.spec.get("tracing") or ():
            for provider in tracing.get("providers") or ():
                if (name := provider.get("name")) in outdated:
                    text = f"The Lightstep provider {name} is deprecated, please migrate to OpenTelemetry provider."
                    yield Finding(code="IST0002", resource=telemetry, arguments=(text,))


ANALYZERS = (
    Check(
        name="telemetry.ProviderAnalyzer",
        description="Validates that providers in telemetry resource is valid",
        inputs=("Telemetry", "MeshConfig"),
        run=_providers,
    ),
    Check(
        name="telemetry.SelectorAnalyzer",
        description="Validates that telemetries that define a selector match at least one pod, "
        "and that there aren't multiple telemetry resources that select overlapping pods",
        inputs=("Telemetry", "Pod"),
        hints=WORKLOAD_KINDS,
        run=_selection,
    ),
    Check(
        name="telemetry.DefaultSelectorAnalyzer",
        description="Validates that there aren't multiple telemetry resources that have no selector",
        inputs=("Telemetry",),
        run=_defaults,
    ),
    Check(
        name="telemetry.LightstepAnalyzer",
        description="Validates that lightstep provider is still used",
        inputs=("Telemetry", "MeshConfig"),
        run=_lightstep,
    ),
)

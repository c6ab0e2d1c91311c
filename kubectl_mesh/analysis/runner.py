"""Runs analyzers, and records which of them had all of their inputs.

istioctl: pkg/config/analysis/analyzer.go (an analyzer one of whose inputs is missing does not run).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kubectl_mesh.analysis.analyzer import Analyzer
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.messages import level_of, message_of, text
from kubectl_mesh.analysis.side_by_side import findings_of
from kubectl_mesh.analysis.world import World
from simulator.validation.crd import misfits


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether an analyzer ran, and if not, why."""

    name: str
    description: str
    skipped: str = ""
    """The missing inputs in words; empty when it ran."""
    needs: tuple[str, ...] = ()
    """The kinds that were missing."""

    def __str__(self) -> str:
        return f"skipped: needs {self.skipped}" if self.skipped else "checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Findings in the order in which istioctl prints them, and the analyzers that ran or were skipped."""

    findings: tuple[Finding, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def skipped(self) -> tuple[Outcome, ...]:
        """The analyzers that did not run."""
        return tuple(outcome for outcome in self.outcomes if outcome.skipped)


def analyze(world: World, analyzers: Sequence[Analyzer]) -> Analysis:
    """Run every analyzer whose inputs the world shows."""
    runnable: list[Analyzer] = []
    outcomes: list[Outcome] = []
    for analyzer in analyzers:
        missing = [kind for kind in analyzer.inputs if kind in world.absent]
        needs = ", ".join(f"{kind} ({world.absent[kind]})" if world.absent[kind] else kind for kind in missing)
        outcomes.append(
            Outcome(name=analyzer.name, description=analyzer.description, skipped=needs, needs=tuple(missing))
        )
        if not missing:
            runnable.append(analyzer)
    return Analysis(findings=in_order(findings_of(runnable, world, _run)), outcomes=tuple(outcomes))


def _run(analyzer: Analyzer, world: World) -> list[Finding]:
    """Return what an analyzer finds; a defect in it is a finding too, and does not stop the others.

    When an analyzer fails, it runs again without malformed resources, such as those with a list in place of a mapping.
    """
    try:
        return list(analyzer.analyze(world))
    except Exception as error:
        readable = _readable(world)
        if len(readable.resources) < len(world.resources):
            return _run(analyzer, readable)
        reason = " ".join(f"{analyzer.name}: {type(error).__name__}: {error}".split())
        return [Finding(code="IST0001", resource=None, arguments=(reason,))]


def _readable(world: World) -> World:
    unreadable = {each for each in world.resources if any(misfit.is_unreadable for misfit in misfits(each))}
    if not unreadable:
        return world
    return replace(world, resources=[each for each in world.resources if each not in unreadable])


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings as istioctl does: level, code, resource, text; the same text about one place counts once."""
    unique = {(_place(each), text(each), each.code, _field(each)): each for each in findings}
    keyed = sorted((_key(each), number) for number, each in enumerate(unique.values()))
    ordered = list(unique.values())
    return tuple(ordered[number] for _, number in keyed)


def _place(finding: Finding) -> str:
    resource = finding.resource
    return f"{resource.group}/{resource.kind}/{resource.name}/{resource.namespace}" if resource else ""


def _field(finding: Finding) -> tuple[str | int, ...]:
    return () if message_of(finding).whole_document else finding.path


def _key(finding: Finding) -> tuple[int, str, str, str]:
    resource = finding.resource
    place = f"{resource.kind}/{resource.name}/{resource.namespace}" if resource else ""
    return -level_of(finding), finding.code, place, text(finding)

"""What a run of tests found: a verdict for each case and invariant."""

from dataclasses import dataclass
from enum import StrEnum

from kubectl_mesh.reports.annotated import Place


class Verdict(StrEnum):
    """How a test ended."""

    PASS = "pass"
    FAIL = "fail"
    UNDECIDED = "cannot decide"
    """An input is missing; the message names it."""
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One case or invariant."""

    name: str
    suite: str
    position: str
    """`file:line` of the case."""
    verdict: Verdict
    messages: tuple[str, ...] = ()
    """What does not hold, or what is missing; the first line is the short form."""
    sources: tuple[str, ...] = ()
    """`file:line` of the rules at fault."""
    path: str = ""
    """The whole trace as text, for those who need it."""
    flow: tuple[Place, ...] = ()
    """The way of the request that failed, decision by decision."""
    request: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of the mesh cases and invariants touched."""

    what: str
    """`routes` or `authzRules`."""
    hit: int
    total: int
    wanted: float = 0.0
    """Least per cent; 0 for no threshold."""
    missed: tuple[str, ...] = ()
    """`KIND/namespace/name rule file:line` of what none touched."""
    asked: bool = False
    """Somebody wants to see what was missed, whatever the threshold."""

    @property
    def percent(self) -> float:
        """Part that was touched, 100 when there is nothing to touch."""
        return 100.0 * self.hit / self.total if self.total else 100.0

    @property
    def met(self) -> bool:
        """The threshold is reached."""
        return self.percent >= self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRun:
    """The verdicts of all files of one call."""

    results: tuple[Result, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    seconds: float = 0.0

    def count(self, verdict: Verdict) -> int:
        """Return how many ended so."""
        return sum(result.verdict is verdict for result in self.results)

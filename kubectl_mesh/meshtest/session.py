"""One run of `kubectl mesh test`: every suite of every file, each over the mesh that it names."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.errors import MeshError
from kubectl_mesh.meshtest.coverage import coverage
from kubectl_mesh.meshtest.findings import Inspector
from kubectl_mesh.meshtest.invariants import Quantifier
from kubectl_mesh.meshtest.model import Case, Given, Invariant, Suite
from kubectl_mesh.meshtest.observing import Observed
from kubectl_mesh.meshtest.ordering import Orders
from kubectl_mesh.meshtest.running import UNDECIDABLE, Clock, Explain, Runner
from kubectl_mesh.reports.verdicts import Coverage, Result, TestRun, Verdict
from kubectl_mesh.sources.base import MeshSource

Opener = Callable[[Given, str], MeshSource]
"""(given, test file) → the mesh under test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which of the tests to run."""

    keyword: str = ""
    """Part of the name of a case, `not PART`, or several joined by `and` or `or`."""
    fail_fast: bool = False
    shard: tuple[int, int] = (1, 1)
    """(number of the shard from 1, number of shards)."""
    coverage: bool = False

    @property
    def is_all(self) -> bool:
        """Whether every test is to run."""
        return not self.keyword and self.shard[1] == 1

    def has_name(self, name: str) -> bool:
        """Tell whether the keyword selects a name."""
        return any(
            all(_selects(part, name) for part in alternative.split(" and "))
            for alternative in self.keyword.split(" or ")
        )


def undecided(test: Case | Invariant, error: MeshError, *, suite: str) -> Result:
    """Return the result of a test that could not be decided because of an error."""
    messages = (str(error), *([error.hint] if error.hint else []))
    return Result(name=test.name, suite=suite, position=test.position, verdict=Verdict.UNDECIDED, messages=messages)


def _mistake(suite: Suite) -> Result:
    """Return the result of a file that cannot be read, at the position with which its error begins."""
    file, _, rest = suite.mistake.removeprefix(suite.source).partition(": ")
    known = suite.mistake.startswith(suite.source)
    position, problem = (f"{suite.source}{file}", rest) if known and rest else (suite.source, suite.mistake)
    messages = (problem, *([suite.hint] if suite.hint else []))
    return Result(name=suite.source, suite=suite.name, position=position, verdict=Verdict.UNDECIDED, messages=messages)


def _selects(part: str, name: str) -> bool:
    text = part.strip().lower()
    return text.removeprefix("not ").strip() not in name.lower() if text.startswith("not ") else text in name.lower()


@dataclass(slots=True)
class Session:
    """Runs suites; a mesh that several suites share is loaded once."""

    open: Opener
    explain: Explain
    clock: Clock
    choice: Choice
    namespace: str = ""
    sources: list[MeshSource] = field(default_factory=list)
    """The meshes of the suites that have run, in their order."""
    _predictors: dict[tuple[Given, str], Predictor] = field(default_factory=dict)
    _count: int = 0

    def run(self, suites: Sequence[Suite]) -> TestRun:
        """Run the chosen tests of all suites."""
        started = self.clock()
        results: list[Result] = []
        covered: list[Coverage] = []
        for suite in suites:
            if suite.mistake:
                results.append(_mistake(suite))
                if self.choice.fail_fast:
                    break
                continue
            seen: list[Observed] = []
            for result in self._suite(suite, seen):
                results.append(result)
                if self.choice.fail_fast and result.verdict in (Verdict.FAIL, Verdict.UNDECIDED):
                    return TestRun(results=tuple(results), seconds=self.clock() - started)
            covered += self._coverage(suite, seen)
        return TestRun(results=tuple(results), coverage=tuple(covered), seconds=self.clock() - started)

    def asked(self, suite: Suite) -> Iterator[tuple[Case, Observed]]:
        """Yield the cases of a suite that can be decided, with their answers."""
        try:
            runner = self._runner(suite, [])
        except MeshError:
            return
        for case in suite.cases:
            try:
                seen = runner.ask(case.sender, case.request)
            except MeshError:
                continue
            if seen.trace.disposition not in UNDECIDABLE and not case.skip:
                yield case, seen

    def _runner(self, suite: Suite, seen: list[Observed]) -> Runner:
        predictor = self._predictor(suite)
        self.sources.append(predictor.source)
        return Runner(
            suite=suite,
            predictor=predictor,
            namespace=self.namespace,
            explain=self.explain,
            clock=self.clock,
            orders=Orders(predictor=predictor, reordered=lambda order: self._reordered(suite, order)),
            seen=seen,
        )

    def _reordered(self, suite: Suite, order: tuple[str, ...]) -> Predictor | None:
        given = suite.given
        if given.bundle or given.live:
            return None
        stated = given.creation_order if isinstance(given.creation_order, tuple) else ()
        try:
            return self._predictor(replace(suite, given=replace(given, creation_order=(*order, *stated))))
        except MeshError:
            return None  # the ages in this source are known and cannot be changed

    def _suite(self, suite: Suite, seen: list[Observed]) -> Iterator[Result]:
        tests: list[Case | Invariant] = [*suite.cases, *suite.invariants]
        chosen = [each for each in tests if self._is_chosen(each)]
        if not chosen:
            return
        try:
            runner = self._runner(suite, seen)
        except MeshError as error:
            for each in chosen:
                yield undecided(each, error, suite=suite.name)
            return
        yield from runner.run(lambda case: case in chosen)
        quantifier = Quantifier(
            suite=suite.name, predictor=runner.predictor, explain=self.explain, orders=runner.orders, seen=seen
        )
        inspector = Inspector(suite=suite.name, predictor=runner.predictor, revision=suite.given.revision)
        for each in chosen:
            if isinstance(each, Invariant):
                yield self._invariant(each, inspector if each.no_finding else quantifier)

    def _invariant(self, invariant: Invariant, judge: Inspector | Quantifier) -> Result:
        started = self.clock()
        try:
            result = judge.decide(invariant)
        except MeshError as error:
            result = undecided(invariant, error, suite=judge.suite)
        return replace(result, seconds=round(self.clock() - started, 6))

    def _is_chosen(self, test: Case | Invariant) -> bool:
        if not self.choice.has_name(test.name):
            return False
        self._count += 1
        number, parts = self.choice.shard
        return (self._count - 1) % parts == number - 1

    def _predictor(self, suite: Suite) -> Predictor:
        key = (suite.given, suite.source)
        if key not in self._predictors:
            self._predictors[key] = Predictor(self.open(suite.given, suite.source))
        return self._predictors[key]

    def _coverage(self, suite: Suite, seen: list[Observed]) -> Sequence[Coverage]:
        """Return the coverage of the suite; when only some of its tests run, thresholds do not apply."""
        wanted = suite.coverage if self.choice.is_all else {}
        if not (wanted or self.choice.coverage):
            return ()
        try:
            found = coverage(self._predictor(suite), seen, wanted)
        except MeshError:
            return ()  # the result of every case has the reason already
        asked = self.choice.coverage
        return [replace(each, asked=asked) for each in found if asked or each.wanted]

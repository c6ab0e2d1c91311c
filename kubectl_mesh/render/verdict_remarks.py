"""A run of tests as remarks and cases, which formats of CI systems hold: only what failed is remarked on."""

from collections.abc import Iterator

from kubectl_mesh.reports.annotated import Case, Ending, Place, Remark, Rule, Severity, place_of
from kubectl_mesh.reports.verdicts import Coverage, Result, TestRun, Verdict

_ENDINGS = {
    Verdict.PASS: Ending.PASSED,
    Verdict.FAIL: Ending.FAILED,
    Verdict.UNDECIDED: Ending.ERROR,
    Verdict.SKIP: Ending.SKIPPED,
}
FAILED = Rule(
    id="test-failed",
    name="TestFailed",
    summary="Traffic does not do what a test says.",
    help="Correct the rule that the result names, or the expectation (kubectl mesh test --update).",
    severity=Severity.ERROR,
)
UNDECIDED = Rule(
    id="test-undecided",
    name="TestUndecided",
    summary="A test cannot be decided: an input is missing.",
    help="Give the input that the message names.",
    severity=Severity.WARNING,
)
UNCOVERED = Rule(
    id="coverage-low",
    name="CoverageLow",
    summary="Cases touch fewer rules than the file asks for.",
    help="Write cases for the rules listed, or lower spec.coverage.",
    severity=Severity.ERROR,
)
_RULES = {Verdict.FAIL: FAILED, Verdict.UNDECIDED: UNDECIDED}


def remarks(run: TestRun) -> tuple[Remark, ...]:
    """Return a remark for each test that did not pass, at the rule at fault where one is known."""
    found = [_remark(result) for result in run.results if result.verdict in _RULES]
    return (*found, *(_uncovered(each) for each in run.coverage if not each.met))


def _remark(result: Result) -> Remark:
    rule = _RULES[result.verdict]
    test = place_of(result.position, result.name)
    decided = [*map(_fault, result.sources)]
    faults = [place for place in decided if place.file]
    why = f"decided by {decided[0].text}" if decided else ""
    return Remark(
        rule=rule,
        severity=rule.severity,
        message=". ".join(part for part in ("; ".join(result.messages), result.request, why) if part),
        subject=result.name,
        place=faults[0] if faults else test,
        related=(test, *faults[1:]) if faults else (),
        flow=result.flow,
        identity=f"{result.suite}\n{result.name}",
    )


def _fault(source: str) -> Place:
    """Read `what decided  file:line`, or a text without a place."""
    name, gap, position = source.rpartition("  ")
    return place_of(position, name) if gap else Place(text=source)


def _uncovered(coverage: Coverage) -> Remark:
    places = [_fault(each) for each in coverage.missed]
    return Remark(
        rule=UNCOVERED,
        severity=UNCOVERED.severity,
        message=_coverage_text(coverage),
        subject=f"coverage of {coverage.what}",
        place=next((place for place in places if place.file), Place()),
        related=tuple(places),
    )


def _coverage_text(coverage: Coverage) -> str:
    return f"{coverage.hit} of {coverage.total} ({coverage.percent:.0f} %), {coverage.wanted:g} % wanted"


def cases(run: TestRun) -> tuple[Case, ...]:
    """Return a case for each test, and one for each threshold of coverage."""
    return (*map(_case, run.results), *_thresholds(run))


def _case(result: Result) -> Case:
    place = place_of(result.position)
    first, *_ = (*result.messages, "")
    details = [*result.messages, *([result.request] if result.request else []), *(f"at {at}" for at in result.sources)]
    return Case(
        suite=result.suite,
        name=result.name,
        ending=_ENDINGS[result.verdict],
        message=first,
        details="" if result.verdict in (Verdict.PASS, Verdict.SKIP) else "\n".join(details),
        output=result.path,
        file=place.file,
        line=place.line,
        seconds=result.seconds,
    )


def _thresholds(run: TestRun) -> Iterator[Case]:
    for each in run.coverage:
        if each.wanted:
            yield Case(
                suite="coverage",
                name=each.what,
                ending=Ending.PASSED if each.met else Ending.FAILED,
                message="" if each.met else _coverage_text(each),
                details="" if each.met else "\n".join(f"not touched: {name}" for name in each.missed),
            )

"""A run of tests for a person: what failed, with the hop and the rule at fault, then the count."""

from collections.abc import Iterator
from itertools import groupby

from kubectl_mesh.render.color import Palette
from kubectl_mesh.render.terminal import printable
from kubectl_mesh.reports.verdicts import Coverage, Result, TestRun, Verdict

_STYLES = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.UNDECIDED: "yellow", Verdict.SKIP: "dim"}
_LISTED = 10


def render(run: TestRun, *, palette: Palette, verbose: bool = False) -> str:
    """Return the report; `verbose` lists passing tests and the whole path of failing ones."""
    lines: list[str] = []
    for _, group in groupby(run.results, key=_reason):
        first, *rest = group
        lines += _result(first, palette, verbose)
        if first.verdict is Verdict.UNDECIDED:
            lines += [f"    and {len(rest)} more, for the same reason"] if rest else []
        else:
            lines += [line for result in rest for line in _result(result, palette, verbose)]
    lines += [line for each in run.coverage for line in _coverage(each, palette)]
    return "\n".join([*lines, summary(run, palette=palette)]) + "\n"


def _reason(result: Result) -> tuple[object, ...]:
    """Return what tests have in common that one sentence can be said about."""
    return (result.suite, result.verdict, result.messages if result.verdict is Verdict.UNDECIDED else ())


def summary(run: TestRun, *, palette: Palette) -> str:
    """Say in one line how it went."""
    counts = [(verdict, run.count(verdict)) for verdict in Verdict]
    words = {Verdict.PASS: "passed", Verdict.FAIL: "failed", Verdict.UNDECIDED: "undecided", Verdict.SKIP: "skipped"}
    parts = [palette(_STYLES[verdict], f"{count} {words[verdict]}") for verdict, count in counts if count]
    return f"{', '.join(parts) or 'no tests ran'} in {run.seconds:.2f}s"


def _result(result: Result, palette: Palette, verbose: bool) -> Iterator[str]:
    if result.verdict is Verdict.PASS and not verbose:
        return
    word = palette(_STYLES[result.verdict], result.verdict.upper())
    yield f"{word} {printable(result.name)}  {palette('dim', printable(result.position))}"
    if result.request:
        yield f"    {printable(result.request)}"
    yield from (f"    {printable(message)}" for message in result.messages)
    yield from (palette("dim", f"    at {printable(source)}") for source in result.sources)
    if verbose and result.path:
        yield from (f"    │ {line}" for line in result.path.rstrip("\n").splitlines())


def _coverage(coverage: Coverage, palette: Palette) -> Iterator[str]:
    wanted = f", {coverage.wanted:g} % wanted" if coverage.wanted else ""
    text = f"coverage of {coverage.what}: {coverage.hit} of {coverage.total} ({coverage.percent:.0f} %{wanted})"
    yield palette("green" if coverage.met else "red", text)
    if coverage.met and not coverage.asked:
        return
    yield from (f"    not touched: {printable(name)}" for name in coverage.missed[:_LISTED])
    if len(coverage.missed) > _LISTED:
        yield f"    … {len(coverage.missed) - _LISTED} more (-o json has all)"

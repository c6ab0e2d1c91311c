"""Cases in the Test Anything Protocol, version 14: a line for each, a YAML block below what did not pass.

https://testanything.org/tap-version-14-specification.html
"""

import json
from collections.abc import Iterator, Sequence

from kubectl_mesh.render.terminal import printable
from kubectl_mesh.reports.annotated import Case, Ending


def render(cases: Sequence[Case]) -> str:
    """Return the stream; what could not be decided is not ok, and its severity says why."""
    lines = ["TAP version 14", f"1..{len(cases)}"]
    for number, case in enumerate(cases, start=1):
        lines += _case(case, number)
    return "\n".join(lines) + "\n"


def _case(case: Case, number: int) -> Iterator[str]:
    word = "ok" if case.ending in (Ending.PASSED, Ending.SKIPPED) else "not ok"
    skipped = f" # SKIP {_escaped(case.message)}".rstrip() if case.ending is Ending.SKIPPED else ""
    yield f"{word} {number} - {_escaped(f'{case.suite}: {case.name}')}{skipped}"
    if word == "ok":
        return
    yield "  ---"
    yield f"  message: {_quoted(case.message)}"
    yield f"  severity: {'fail' if case.ending is Ending.FAILED else 'error'}"
    if case.file:
        yield "  at:"
        yield f"    file: {_quoted(case.file)}"
        yield f"    line: {case.line}"
    if case.details:
        yield "  details:"
        yield from (f"    - {_quoted(line)}" for line in case.details.splitlines())
    yield "  ..."


def _quoted(text: str) -> str:
    """Write a YAML string: JSON's strings are among them."""
    return json.dumps(text, ensure_ascii=False)


def _escaped(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace("#", "\\#")

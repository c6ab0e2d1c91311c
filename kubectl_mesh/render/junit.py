"""Cases as JUnit XML, after the guide of testmoapp/junitxml: what CI servers read."""

import re
from collections.abc import Sequence

from kubectl_mesh.reports.annotated import Case, Ending

_INVALID = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS = {Ending.FAILED: "failure", Ending.ERROR: "error", Ending.SKIPPED: "skipped"}
_COUNTED = {"failures": Ending.FAILED, "errors": Ending.ERROR, "skipped": Ending.SKIPPED}


def render(cases: Sequence[Case], *, name: str) -> str:
    """Return an XML document with a suite for each that the cases name, in their order."""
    suites: dict[str, list[Case]] = {}
    for case in cases:
        suites.setdefault(case.suite, []).append(case)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {_counts(name, cases)}>"]
    for suite, members in suites.items():
        lines.append(f"  <testsuite {_counts(suite, members)}>")
        lines += [line for case in members for line in _case(case)]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _counts(name: str, cases: Sequence[Case]) -> str:
    counted = {word: sum(case.ending is ending for case in cases) for word, ending in _COUNTED.items()}
    seconds = sum(case.seconds for case in cases)
    counts = " ".join(f'{word}="{count}"' for word, count in counted.items())
    return f'name={_quoted(name)} tests="{len(cases)}" {counts} time="{seconds:.3f}"'


def _case(case: Case) -> list[str]:
    head = f'    <testcase name={_quoted(case.name)} classname={_quoted(case.suite)} time="{case.seconds:.3f}"'
    if case.file:
        head += f" file={_quoted(case.file)}" + (f' line="{case.line}"' if case.line else "")
    body: list[str] = []
    if element := _ELEMENTS.get(case.ending):
        details = f">{_text(case.details)}</{element}>" if case.details else "/>"
        kind = "" if case.ending is Ending.SKIPPED else f' type="{case.ending.value}"'
        body.append(f"      <{element} message={_quoted(case.message)}{kind}{details}")
    if case.output:
        body.append(f"      <system-out>{_text(case.output)}</system-out>")
    return [f"{head}>", *body, "    </testcase>"] if body else [f"{head}/>"]


def _quoted(text: str) -> str:
    quoted = _text(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
    return f'"{quoted}"'


def _text(text: str) -> str:
    """Escape markup; xml.sax, which could, loads the standard library's HTTP client."""
    plain = _INVALID.sub("\N{REPLACEMENT CHARACTER}", text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

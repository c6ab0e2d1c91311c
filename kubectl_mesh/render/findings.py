"""Findings as istioctl prints them, and as the remarks and cases that formats of CI systems hold.

istioctl: istioctl/pkg/util/formatting. Its lines and documents are kept; what it does not say follows after a blank
line, or under keys of its own.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from kubectl_mesh.render.color import Palette
from kubectl_mesh.render.structured import to_yaml
from kubectl_mesh.render.terminal import printable
from kubectl_mesh.reports.annotated import Case, Ending, Place, Remark, Rule, Severity
from kubectl_mesh.reports.findings import Change, FindingRow, FindingsReport
from simulator.model.wire import Json

_NAMED = 8
"""Kinds that a summary names; of more it tells the number."""
_SEVERITIES = {"Error": Severity.ERROR, "Warning": Severity.WARNING, "Info": Severity.NOTE}
_COLORS = {"Error": "\x1b[1;31m", "Warning": "\x1b[33m", "Info": ""}
_HEADINGS = {Change.INTRODUCED: "Introduced", Change.FIXED: "Fixed", Change.UNCHANGED: "Unchanged"}
_SUITE = "kubectl mesh analyze"


def text(report: FindingsReport, *, palette: Palette, verbose: bool = False) -> str:
    """Return a line for each finding, and a last line that says what was checked; `verbose` adds how to fix it."""
    if any(each.change is not None for each in report.findings):
        lines = list(_by_change(report, palette, verbose))
    else:
        lines = [line for each in report.findings for line in _lines(each, palette, verbose)]
    return "\n".join([*lines, *([""] if lines else []), summary(report)]) + "\n"


def listing(report: FindingsReport, *, palette: Palette) -> str:
    """Return a line for each finding, and nothing else."""
    return "".join(f"{line}\n" for each in report.findings for line in _lines(each, palette, False))


def _by_change(report: FindingsReport, palette: Palette, verbose: bool) -> Iterator[str]:
    for change, heading in _HEADINGS.items():
        members = [each for each in report.findings if each.change is change]
        if members:
            is_listed = verbose or change is not Change.UNCHANGED
            yield f"{heading} ({len(members)}){':' if is_listed else '; -v lists them'}"
            yield from (line for each in members if is_listed for line in _lines(each, palette, verbose))


def _lines(row: FindingRow, palette: Palette, verbose: bool) -> Iterator[str]:
    place = f" ({row.origin}{' ' if row.reference else ''}{row.reference})" if row.origin else ""
    level = f"{_COLORS[row.level]}{row.level}\x1b[0m" if palette.enabled else row.level
    first, *rest = f"[{row.code}]{place} {row.message}".split("\n")
    yield f"{level} {printable(first)}"
    yield from map(printable, rest)
    if verbose:
        yield from (palette("dim", f"    {printable(line)}") for line in _details(row))


def _details(row: FindingRow) -> Iterator[str]:
    if row.line and f"{row.file}:{row.line}" != row.reference:
        yield f"at {row.file}:{row.line} {row.field}"
    yield from (f"see {name} {file}:{line}" if file else f"see {name}" for name, file, line in row.related)
    if row.witness:
        yield f"for example: {row.witness}"
    yield f"{row.summary} {row.fix}".strip()


def summary(report: FindingsReport) -> str:
    """Say in one line what was found, and what was not looked at."""
    current = [each for each in report.findings if each.change in (None, Change.INTRODUCED)]
    ran, skipped = len(report.checks) - len(report.skipped), report.skipped
    is_whole = not skipped and not report.unread and not report.unseen
    if current:
        new = "new " if report.findings[0].change else ""
        found = f"{_count(len(current), f'{new}finding')} ({_levels(current)}) when analyzing {report.target}"
    elif is_whole:
        found = f"✔ No validation issues found when analyzing {report.target}"
    else:
        found = f"No findings when analyzing {report.target}"
    parts = [f"{ran} checked" if not skipped else f"{ran} of {len(report.checks)} checks ran"]
    if skipped:
        parts.append(f"{len(skipped)} skipped: need {', '.join(_needs(report))}")
    if report.unread:
        parts.append(f"{_count(len(report.unread), 'document')} could not be read")
    if report.unseen:
        parts.append(f"{_count(len(report.unseen), 'kind')} could not be listed")
    return printable(f"{found}; {'; '.join(parts)}.")


def _needs(report: FindingsReport) -> list[str]:
    kinds = sorted({each.strip() for check in report.skipped for each in check.needs})
    return kinds if len(kinds) <= _NAMED else [f"{len(kinds)} kinds"]


def _levels(rows: Sequence[FindingRow]) -> str:
    counted = [(level, sum(row.level == level for row in rows)) for level in _SEVERITIES]
    return ", ".join(
        _count(number, level.lower()) if level != "Info" else f"{number} info" for level, number in counted if number
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def documents(report: FindingsReport) -> list[Json]:
    """Return istioctl's documents, with keys of our own beside its keys."""
    return [_document(row) for row in report.findings]


def _document(row: FindingRow) -> Json:
    own: dict[str, Any] = {
        "origin": row.origin,
        "reference": row.reference,
        "documentationUrl": row.documentation,
        "file": row.file,
        "line": row.line,
        "field": row.field,
        "summary": row.summary,
        "fix": row.fix,
        "witness": row.witness,
        "related": [
            {"origin": name, "reference": f"{file}:{line}" if file else ""} for name, file, line in row.related
        ],
        "change": row.change.value if row.change else "",
    }
    required = {"code": row.code, "level": row.level, "message": row.message, "name": row.name}
    return required | {key: value for key, value in own.items() if value}


def structured(report: FindingsReport, *, form: str) -> str:
    """Return the documents as `json` (indented by tabs, as istioctl does) or `yaml`."""
    if form == "yaml":
        return to_yaml(documents(report))
    return json.dumps(documents(report), indent="\t", ensure_ascii=False, sort_keys=True) + "\n"


def remarks(report: FindingsReport) -> tuple[Remark, ...]:
    """Return findings as remarks, in their order."""
    return tuple(_remark(row) for row in report.findings)


def _remark(row: FindingRow) -> Remark:
    severity = _SEVERITIES[row.level]
    rule = Rule(id=row.code, name=row.name, summary=row.summary, help=row.fix, url=row.documentation, severity=severity)
    return Remark(
        rule=rule,
        severity=severity,
        message=row.message + (f" For example: {row.witness}" if row.witness else ""),
        subject=row.origin,
        identity="\n".join(row.identity[1:]),
        place=Place(file=row.file, line=row.line),
        related=tuple(Place(file=file, line=line, text=name) for name, file, line in row.related),
        change=row.change.value if row.change else "",
    )


def cases(report: FindingsReport, *, failing: Sequence[str]) -> tuple[Case, ...]:
    """Return a case for each finding, failed when its level is one of `failing`, and one for each check."""
    found = [_case(row, failing) for row in report.findings if row.change is not Change.FIXED]
    checks = [
        Case(
            suite=f"{_SUITE}: checks",
            name=each.name,
            ending=Ending.SKIPPED if each.skipped else Ending.PASSED,
            message=f"needs {each.skipped}" if each.skipped else "",
        )
        for each in report.checks
    ]
    unread = [_input(each.reason, details=each.hint) for each in report.unread]
    return (*found, *checks, *unread, *map(_input, report.unseen))


def _input(reason: str, *, details: str = "") -> Case:
    return Case(suite=f"{_SUITE}: input", name=reason, ending=Ending.ERROR, message=reason, details=details)


def _case(row: FindingRow, failing: Sequence[str]) -> Case:
    is_failed = row.level in failing and row.change is not Change.UNCHANGED
    details = "\n".join(_details(row))
    return Case(
        suite=f"{_SUITE}: findings",
        name=f"{row.code} {row.origin}".strip(),
        ending=Ending.FAILED if is_failed else Ending.PASSED,
        message=row.message,
        details=details,
        output="" if is_failed else f"{row.level}: {row.message}",
        file=row.file,
        line=row.line,
    )

"""Findings → rows, with their texts and places; and two sets of rows compared."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.messages import Level, message_of, text
from kubectl_mesh.analysis.origins import field_name, friendly_name, place, reference
from kubectl_mesh.reports.findings import Change, FindingRow
from simulator.model.resources import Resource


def row(finding: Finding) -> FindingRow:
    """Return a finding as it is printed."""
    message = message_of(finding)
    file, line = place(finding)
    return FindingRow(
        code=finding.code,
        name=message.name,
        level=str(message.level),
        message=text(finding),
        origin=friendly_name(finding.resource) if finding.resource is not None else "",
        reference=reference(finding),
        file=file,
        line=line,
        field=field_name(finding),
        summary=message.summary,
        fix=message.fix,
        documentation=message.documentation,
        witness=finding.witness,
        related=tuple(_related(each) for each in finding.related),
    )


def _related(resource: Resource) -> tuple[str, str, int]:
    return friendly_name(resource), resource.origin.source if resource.origin.line else "", resource.origin.line


def at_least(level: str) -> tuple[str, ...]:
    """Return the names of a level and of those above it."""
    lowest = Level[level.upper()]
    return tuple(str(each) for each in Level if each >= lowest)


def compared(before: Sequence[FindingRow], after: Sequence[FindingRow]) -> tuple[FindingRow, ...]:
    """Return the findings of two analyses, each marked as introduced, unchanged or fixed; fixed ones come last."""
    known = Counter(each.identity for each in before)
    rows: list[FindingRow] = []
    for each in after:
        is_known = known[each.identity] > 0
        known[each.identity] -= is_known
        rows.append(replace(each, change=Change.UNCHANGED if is_known else Change.INTRODUCED))
    for each in before:
        if known[each.identity] > 0:
            known[each.identity] -= 1
            rows.append(replace(each, change=Change.FIXED))
    return tuple(rows)

"""What an analysis found, ready to be printed in any format."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_LINE = re.compile(r":\d+(?=\.?\Z)")


class Change(StrEnum):
    """What became of a finding between two analyses."""

    INTRODUCED = "introduced"
    FIXED = "fixed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One finding. `reference` is the place as istioctl names it, `file` and `line` are the field at fault."""

    code: str
    name: str
    level: str
    """Info, Warning or Error."""
    message: str
    origin: str = ""
    """`Kind namespace/name`."""
    reference: str = ""
    file: str = ""
    line: int = 0
    field: str = ""
    summary: str = ""
    fix: str = ""
    documentation: str = ""
    witness: str = ""
    related: tuple[tuple[str, str, int], ...] = ()
    """(name, file, line) of other resources that take part."""
    change: Change | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it the same finding after lines moved, those that its message names as well."""
        return self.code, self.origin, _LINE.sub("", self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """What became of one analyzer: `skipped` says what it needed."""

    name: str
    description: str
    skipped: str = ""
    needs: tuple[str, ...] = ()
    """The kinds that were missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A document that could not be read. `hint` is the next thing to do; it may be empty."""

    reason: str
    """Begins with the file and the line."""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsReport:
    """Findings in order, what was checked, and what could not be read."""

    target: str
    """What was analysed, in words."""
    findings: tuple[FindingRow, ...] = ()
    checks: tuple[CheckRow, ...] = ()
    unread: tuple[Unread, ...] = ()
    unseen: tuple[str, ...] = ()
    """Kinds that could not be listed, with the reason."""

    @property
    def skipped(self) -> tuple[CheckRow, ...]:
        """Analyzers that did not run."""
        return tuple(each for each in self.checks if each.skipped)

    def has(self, levels: Sequence[str]) -> bool:
        """Tell whether a finding has one of these levels; of compared ones, only those introduced count."""
        return any(each.level in levels and each.change in (None, Change.INTRODUCED) for each in self.findings)

"""Remarks about lines of files, and results of cases: what formats of CI systems hold, whatever command found it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a remark is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a file; the name is empty where the file is unknown. `text` says what stands on the line."""

    file: str = ""
    line: int = 0
    text: str = ""


def place_of(position: str, text: str = "") -> Place:
    """Read `file:line`, or a file alone."""
    file, colon, line = position.rpartition(":")
    return Place(file=file, line=int(line), text=text) if colon and line.isdigit() else Place(file=position, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A kind of remark."""

    id: str
    name: str
    summary: str
    help: str = ""
    url: str = ""
    severity: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One remark. `subject` is the object it is about; `change` is introduced, fixed or unchanged where known."""

    rule: Rule
    severity: Severity
    message: str
    subject: str = ""
    place: Place = Place()
    related: tuple[Place, ...] = ()
    flow: tuple[Place, ...] = ()
    """The way of a request, step by step."""
    change: str = ""
    identity: str = ""
    """What stays the same while the remark does; its subject and message where it is empty."""


class Ending(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test or check."""

    suite: str
    name: str
    ending: Ending
    message: str = ""
    details: str = ""
    output: str = ""
    file: str = ""
    line: int = 0
    seconds: float = 0.0

"""The catalogue of message codes, and the text of a finding as istioctl prints it.

Follows istio: pkg/config/analysis/diag/message.go, whose templates are Go's: `%s` and `%v` print lists as `[a b]`, `%q`
quotes, in lists item by item.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

from kubectl_mesh.analysis.finding import Finding
from simulator.model.go_text import quote

_VERB = re.compile(r"%([%svdq])")
_DOCUMENTATION = "https://istio.io/v1.30/docs/reference/config/analysis"
ISTIO_PREFIX = "IST"


class Level(IntEnum):
    """The severity of a finding; greater is worse."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One kind of finding."""

    code: str
    name: str
    level: Level
    template: str
    arguments: tuple[str, ...]
    summary: str
    """What is wrong, in a sentence."""
    fix: str
    """What to do about it."""
    whole_document: bool = False
    """Whether istioctl names the line where the document begins instead of the field at fault."""

    @property
    def documentation(self) -> str:
        """Address of the page about the code; empty for codes of our own, whose page is part of this project."""
        if not self.code.startswith(ISTIO_PREFIX):
            return ""
        return f"{_DOCUMENTATION}/{self.code.lower()}/?ref=istioctl-analyze"


@cache
def catalogue() -> Mapping[str, Message]:
    """Return every message by its code, in the order of the codes."""
    from pkgutil import get_data

    import yaml

    entries = yaml.load(get_data(__name__, "messages.yaml") or b"[]", Loader=yaml.CSafeLoader)
    return {entry["code"]: _message(entry) for entry in entries}


def _message(entry: dict[str, Any]) -> Message:
    return Message(**{**entry, "level": Level[entry["level"].upper()], "arguments": tuple(entry["arguments"])})


def message_of(finding: Finding) -> Message:
    """Return the catalogue's entry of a finding."""
    return catalogue()[finding.code]


def level_of(finding: Finding) -> Level:
    """Return the severity of a finding."""
    return message_of(finding).level


def text(finding: Finding) -> str:
    """Return the text that istioctl prints after the origin."""
    arguments = iter(finding.arguments)

    def fill(match: re.Match[str]) -> str:
        return "%" if match[1] == "%" else _print(next(arguments), quoted=match[1] == "q")

    return _VERB.sub(fill, message_of(finding).template)


def _print(value: Any, *, quoted: bool) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(_print(item, quoted=quoted) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return quote(value) if quoted and isinstance(value, str) else str(value)

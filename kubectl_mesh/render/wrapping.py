"""Long lines in a terminal: broken at blanks, what follows set below the column that it belongs to.

Names and values are never broken, so that they can be copied; text for pipes and files is not wrapped at all.
"""

import re
from collections.abc import Iterator

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_CELL = re.compile(r"(?:^|(?<=  ))\S")
_NARROWEST = 32
"""A column that leaves less than this to its text is not continued below itself, but below one before it."""


def wrapped(text: str, *, width: int) -> str:
    """Return text whose lines are at most `width` wide where blanks allow it; 0 leaves them as they are."""
    if not width:
        return text
    return "".join(f"{part}\n" for line in text.splitlines() for part in _parts(line, width))


def _parts(line: str, width: int) -> Iterator[str]:
    if _length(line) <= width:
        yield line
        return
    indent = " " * _hanging(_STYLE.sub("", line), width)
    current, empty = "", True
    for blanks, word in re.findall(r"( *)(\S+)", line):
        if not empty and _length(current) + len(blanks) + _length(word) > width:
            yield current
            current, blanks = indent, ""
        current += blanks + word
        empty = False
    yield current


def _hanging(plain: str, width: int) -> int:
    """Return where the rest of a line goes on: below its last column that is wide enough, else below its start."""
    first = len(plain) - len(plain.lstrip())
    starts = (match.start() for match in _CELL.finditer(plain, first + 1))
    return max((start for start in starts if width - start >= _NARROWEST), default=first + 2)


def _length(text: str) -> int:
    return len(_STYLE.sub("", text))

"""Standard input, which can be read once and is asked for several times: what is in it decides who reads it."""

import sys
from typing import TextIO

_read: list[tuple[TextIO, bytes]] = []


def standard_input() -> bytes:
    """Return all of standard input, however often it is asked for."""
    if not _read or _read[0][0] is not sys.stdin:
        _read[:] = [(sys.stdin, sys.stdin.buffer.read())]
    return _read[0][1]

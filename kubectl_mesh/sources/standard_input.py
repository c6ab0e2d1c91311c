"""Standard input, read once and kept: its content decides which of several readers takes it."""

import sys
from typing import TextIO

_read: list[tuple[TextIO, bytes]] = []


def standard_input() -> bytes:
    """Return all of standard input, however often it is asked for."""
    if not _read or _read[0][0] is not sys.stdin:
        _read[:] = [(sys.stdin, sys.stdin.buffer.read())]
    return _read[0][1]

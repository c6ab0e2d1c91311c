"""A second process for a part of much work, where that is safe and worth it.

Composing YAML, or analyzing it, is pure computation under the interpreter's lock, so a second process is the only way
to use a second core. A forked child shares what was read and sends back plain values in `marshal`'s form, which costs
a tenth of composing them.
"""

import marshal
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")

WORTH_IT = 400_000
"""Characters of text below which a second process costs more than it saves."""


def can_fork() -> bool:
    """Tell whether a forked child is safe here and has a core of its own to run on."""
    return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


def halved(items: Sequence[Item], *, size: Callable[[Item], int]) -> int:
    """Return the index at which to cut a list into two parts of about the same size."""
    half, reached = sum(map(size, items)) / 2, 0
    for index, item in enumerate(items):
        if reached >= half:
            return index
        reached += size(item)
    return len(items)


class Child:
    """A forked process that computes one value; anything that goes wrong in it makes the value None."""

    def __init__(self, compute: Callable[[], Any]) -> None:
        self._reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._run(compute, writer)
        os.close(writer)

    def _run(self, compute: Callable[[], Any], writer: int) -> None:
        try:
            os.close(self._reader)
            with os.fdopen(writer, "wb") as file:
                file.write(marshal.dumps(compute()))
        finally:
            os._exit(0)  # neither the parent's buffers nor its exit handlers are the child's

    def value(self) -> Any:
        """Wait for the child and return its value; None when it has none."""
        with os.fdopen(self._reader, "rb") as file:
            data = file.read()
        os.waitpid(self._pid, 0)
        try:
            return marshal.loads(data)
        except (EOFError, ValueError, TypeError):
            return None

"""How far the reading of large manifests is, on stderr; nothing where stderr is no terminal, or for small ones."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

Progress = Callable[[str, int], None]
_LARGE = 500
"""As many documents are read in well under a second."""


@contextlib.contextmanager
def counted(stream: TextIO | None = None) -> Iterator[Progress | None]:
    """Give what shows the number of documents read, and wipe that off when the block is left."""
    out = stream if stream is not None else sys.stderr
    if not out.isatty():
        yield None
        return
    shown = False

    def show(source: str, count: int) -> None:
        nonlocal shown
        if count >= _LARGE - 1:
            shown = True
            out.write(f"\rreading {source}: {count:,} documents\033[K")
            out.flush()

    try:
        yield show
    finally:
        if shown:
            out.write("\r\033[K")
            out.flush()

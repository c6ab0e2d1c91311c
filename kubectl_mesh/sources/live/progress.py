"""A word on stderr for whatever takes longer than a second; nothing where stderr is no terminal."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

PATIENCE = 1.0
_INTERVAL = 0.2
_FRAMES = "|/-\\"


@contextlib.contextmanager
def waiting(words: str, *, stream: TextIO | None = None) -> Iterator[None]:
    """Show `words` from the second second on, until the block is left."""
    out = stream if stream is not None else sys.stderr
    if not out.isatty():
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_spin, args=(words, out, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _spin(words: str, out: TextIO, done: threading.Event) -> None:
    start = time.monotonic()
    if done.wait(PATIENCE):
        return
    count = 0
    while not done.wait(_INTERVAL):
        count += 1
        out.write(f"\r{_FRAMES[count % len(_FRAMES)]} {words} ({int(time.monotonic() - start)}s)\033[K")
        out.flush()
    out.write("\r\033[K")
    out.flush()

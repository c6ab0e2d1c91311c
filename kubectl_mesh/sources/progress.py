"""Progress on stderr for whatever takes longer than a second; nothing where stderr is not a terminal.

A bar where the total is known, else a sign of life. Waits may nest, in threads too: only the outermost is shown, so
that a single writer owns the line.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TextIO

Progress = Callable[[str, int, int], None]
PATIENCE = 1.0
_INTERVAL = 0.2
_FRAMES = "|/-\\"
_WIDTH = 20
_shown = threading.Lock()


class Wait:
    """One wait and how far it has come; `total` is 0 where that is unknown."""

    def __init__(self, words: str, *, total: int = 0) -> None:
        self.words = words
        self.total = total
        self._done = 0
        self._lock = threading.Lock()

    def advance(self, count: int = 1) -> None:
        """Count so many more as done; from any thread."""
        with self._lock:
            self._done += count

    def reach(self, done: int, *, total: int) -> None:
        """Set how many of how many are done."""
        with self._lock:
            self._done, self.total = done, total

    def line(self, *, seconds: float, frame: int) -> str:
        """Return the line to show after so many seconds, in its n-th version."""
        if not self.total:
            return f"{_FRAMES[frame % len(_FRAMES)]} {self.words} ({int(seconds)}s)"
        done = min(self._done, self.total)
        filled = _WIDTH * done // self.total
        return f"[{'#' * filled}{'-' * (_WIDTH - filled)}] {done}/{self.total} {self.words} ({int(seconds)}s)"


@contextlib.contextmanager
def waiting(words: str, *, total: int = 0, stream: TextIO | None = None) -> Iterator[Wait]:
    """Show progress until the block is left, once it has taken a second."""
    out, wait = stream if stream is not None else sys.stderr, Wait(words, total=total)
    if not out.isatty() or not _shown.acquire(blocking=False):
        yield wait
        return
    left = threading.Event()
    thread = threading.Thread(target=_show, args=(wait, out, left), daemon=True)
    try:
        thread.start()
        yield wait
    finally:
        left.set()
        thread.join()
        _shown.release()


@contextlib.contextmanager
def counted(stream: TextIO | None = None) -> Iterator[Progress]:
    """Give what takes the number of documents read, and of all, with their source; show it like any other wait."""
    with waiting("reading manifests", stream=stream) as wait:

        def show(source: str, count: int, total: int) -> None:
            wait.words = f"documents read: {source}"
            wait.reach(count, total=total)

        yield show


def _show(wait: Wait, out: TextIO, left: threading.Event) -> None:
    start = time.monotonic()
    if left.wait(PATIENCE):
        return
    frame = 0
    while not left.wait(_INTERVAL):
        frame += 1
        out.write(f"\r{wait.line(seconds=time.monotonic() - start, frame=frame)}\033[K")
        out.flush()
    out.write("\r\033[K")
    out.flush()

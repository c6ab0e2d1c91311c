"""`kubectl mesh test --watch`: run again whenever a file that takes part has changed, until Ctrl-C."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from kubectl_mesh.errors import MeshError

_PAUSE = 0.3
"""Seconds between two looks: people save a file and look up."""
Stamps = Mapping[str, tuple[int, int]]


def stamps(paths: Iterable[str]) -> Stamps:
    """Return time and size of every file that paths, directories and globs lead to."""
    found = {}
    for path in paths:
        for file in _files(path):
            try:
                state = os.stat(file)
            except OSError:
                continue  # deleted meanwhile, which is a change too
            found[str(file)] = (state.st_mtime_ns, state.st_size)
    return found


def _files(path: str) -> Iterator[Path]:
    from glob import glob

    for match in glob(path) if any(sign in path for sign in "*?[") else [path]:
        if os.path.isdir(match):
            yield from (Path(folder) / name for folder, _, names in os.walk(match) for name in names)
        else:
            yield Path(match)


def watch(
    once: Callable[[], None],
    paths: Callable[[], Iterable[str]],
    *,
    note: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Run, then again after each change; an error is told and the next change waited for. Ctrl-C ends it."""
    try:
        while True:
            before = stamps(paths())
            try:
                once()
            except MeshError as error:
                note(f"error: {error}" + (f"\nhint: {error.hint}" if error.hint else ""))
            note("waiting for a change; Ctrl-C ends")
            while stamps(paths()) == before:
                pause(_PAUSE)
    except KeyboardInterrupt:
        return

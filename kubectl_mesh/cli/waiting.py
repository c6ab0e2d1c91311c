"""Asking a mesh again until it answers what is waited for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from kubectl_mesh.cli.context import Call, open_source
from kubectl_mesh.sources.base import MeshSource

Answer = TypeVar("Answer")
_PAUSE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Whether to wait, and how long at most."""

    wanted: bool
    seconds: float


def until(
    call: Call, ask: Callable[[MeshSource], Answer], *, done: Callable[[Answer], bool], waiting: Waiting
) -> Answer:
    """Return the first answer that is done, or the last one in time. Files and bundles do not change: asked once."""
    settings, start = call.settings, time.monotonic()
    answer = ask(call.source)
    if settings.files or settings.demo or settings.bundle or not waiting.wanted:
        return answer
    while not done(answer) and time.monotonic() - start < waiting.seconds:
        time.sleep(min(_PAUSE, max(0.0, waiting.seconds - (time.monotonic() - start))))
        answer = ask(open_source(settings))  # reopened, since a live source keeps what it listed
    if not done(answer):
        call.note(f"not yet, after {waiting.seconds:g} seconds")
    return answer

"""The cycle collector, kept from searching large trees again and again while they grow."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the cycle collector: documents are trees, so nothing of what is made here needs it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()
            gc.unfreeze()  # both together make old what is young: the next collection does not start with all of it
            gc.enable()

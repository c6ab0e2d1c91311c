"""Pausing Python's cyclic garbage collector while large trees grow, which it would search again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the cyclic collector: documents are trees, so reference counting alone frees them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()
            gc.unfreeze()  # moves all objects to the oldest generation, so that the next collection skips them
            gc.enable()

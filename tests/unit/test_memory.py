"""A mesh that is no longer referenced is freed."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.mesh import Mesh

EXAMPLE = Path(__file__).parents[2] / "examples" / "shop" / "base"


@pytest.fixture(autouse=True)
def _without_collector() -> Iterator[None]:
    """Leave the freeing to reference counts."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _use() -> None:
    mesh = Mesh.from_manifests([str(EXAMPLE)])
    for proxy in mesh.proxies():
        mesh.config_dump(proxy)
    mesh.directory()


def test_a_mesh_is_freed_when_it_is_let_go() -> None:
    """Nothing of a mesh is tied to itself: servers that simulate one after the other do not grow."""
    _use()
    gc.collect()
    _use()
    assert gc.collect() == 0

"""The pytest plugin: `mesh` and `mesh_from`, and beside every failure the paths of the requests that the test asked.

It is loaded in every run of pytest where the package is installed, so it imports the engine only when a test asks.
"""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from simulator.testing.answers import Answer
    from simulator.testing.meshes import TestMesh

_INI = "mesh_manifests"
_ASKED: "pytest.StashKey[list[Answer]]" = pytest.StashKey()
_MESHES: "pytest.StashKey[dict[Any, TestMesh]]" = pytest.StashKey()
_SHOWN = 5


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting that names the manifests of the `mesh` fixture."""
    parser.addini(_INI, "manifests of the `mesh` fixture: files, directories, globs, relative to rootdir", type="args")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and keep meshes for the whole run: they never change."""
    config.addinivalue_line(
        "markers", "mesh(*paths, yaml='', overlay=()): manifests of the `mesh` fixture in this test"
    )
    config.stash[_MESHES] = {}


@pytest.fixture
def mesh_from(request: pytest.FixtureRequest) -> "Callable[..., TestMesh]":
    """Return a function that simulates manifests: `mesh_from("k8s/", yaml="…", overlay=["change/"])`.

    Paths are relative to rootdir. The mesh of equal arguments is one mesh.
    """
    root = request.config.rootpath
    meshes = request.config.stash[_MESHES]
    asked = request.node.stash.setdefault(_ASKED, [])

    def make(*paths: str, yaml: str = "", overlay: "tuple[str, ...] | list[str]" = ()) -> "TestMesh":
        from dataclasses import replace

        from simulator.testing.meshes import TestMesh

        key = (tuple(map(str, paths)), yaml, tuple(map(str, overlay)))
        if key not in meshes:
            there, laid_over = ([str(root / Path(path)) for path in each] for each in (paths, overlay))
            meshes[key] = TestMesh.from_manifests(*there, yaml=yaml, overlay=laid_over)
        return replace(meshes[key], listener=asked.append)

    return make


@pytest.fixture
def mesh(request: pytest.FixtureRequest, mesh_from: "Callable[..., TestMesh]") -> "TestMesh":
    """Return the mesh of the manifests that the marker `mesh` names, or the setting `mesh_manifests`."""
    marker = request.node.get_closest_marker("mesh")
    if marker is not None:
        return mesh_from(*marker.args, **marker.kwargs)
    paths = request.config.getini(_INI)
    if not paths:
        pytest.fail(f"no manifests: set {_INI} in the configuration of pytest, or mark the test mesh(PATH)")
    return mesh_from(*paths)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Add the paths that a failing test asked for to its report."""
    outcome = yield
    report = outcome.get_result()
    answers = item.stash.get(_ASKED, [])
    if report.when == "call" and report.failed and answers:
        texts = [str(answer) for answer in answers[-_SHOWN:]]
        report.sections.append(("Paths of requests", "\n\n".join(texts)))
    if report.when == "call":
        answers.clear()


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Explain a comparison of an answer with something else by its path."""
    for one, other in ((left, right), (right, left)):
        if type(one).__name__ == "Answer" and hasattr(one, "trace"):
            return [f"an answer {op} {other!r}", *str(one).splitlines()]
    return None

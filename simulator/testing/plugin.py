"""The pytest plugin: the fixtures `mesh` and `mesh_from`, and reports of failures with the paths of all requests.

It is loaded in every run of pytest where the package is installed, so it imports the engine only when a test uses it.
Meshes never change, so both fixtures have session scope: Hypothesis rejects function-scoped ones.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from simulator.testing.answers import Answer
    from simulator.testing.meshes import TestMesh

_INI = "mesh_manifests"
_SHOWN = 5
_RUN: "pytest.StashKey[_Run]" = pytest.StashKey()


class _Run:
    """The plugin's state during a run: the meshes made, and the answers that the running test got."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.meshes: dict[Any, TestMesh] = {}
        self.item: pytest.Item | None = None
        self.marked: TestMesh | None = None
        self.asked: deque[Answer] = deque(maxlen=_SHOWN)
        self.caveats: dict[str, None] = {}

    def begin(self, item: pytest.Item) -> None:
        """Forget the answers of the previous test."""
        self.item, self.marked = item, None
        self.asked.clear()
        self.caveats.clear()

    def make(self, *paths: str, yaml: str = "", overlay: Sequence[str] = (), inject: Sequence[str] = ()) -> "TestMesh":
        """Simulate manifests, or return the mesh made of the same arguments before."""
        from dataclasses import replace

        from simulator.model.errors import SimulatorError
        from simulator.testing.meshes import TestMesh

        __tracebackhide__ = True
        key = (tuple(map(str, paths)), yaml, tuple(map(str, overlay)), tuple(inject))
        if key not in self.meshes:
            there, laid_over = ([self._place(path) for path in each] for each in (paths, overlay))
            try:
                self.meshes[key] = TestMesh.from_manifests(*there, yaml=yaml, overlay=laid_over, inject=inject)
            except SimulatorError as error:
                error.add_note(f"hint: {error.hint}")
                raise error.with_traceback(None) from None
        made = self.meshes[key]

        def heard(answer: "Answer") -> None:
            self.asked.append(answer)
            self.caveats |= dict.fromkeys(map(str, made.caveats))

        return replace(made, listener=heard)

    def current(self) -> "TestMesh":
        """Return the mesh of the running test's marker, or of the setting."""
        __tracebackhide__ = True
        if self.marked is None:
            marker = self.item.get_closest_marker("mesh") if self.item is not None else None
            paths = self.config.getini(_INI)
            if marker is None and not paths:
                pytest.fail(f"no manifests: set {_INI} in the configuration of pytest, or mark the test mesh(PATH)")
            self.marked = self.make(*marker.args, **marker.kwargs) if marker is not None else self.make(*paths)
        return self.marked

    def _place(self, path: str) -> str:
        """Return a path below rootdir relative to the working directory, as pytest names files."""
        there = str(self.config.rootpath / Path(path))
        try:
            return os.path.relpath(there)
        except ValueError:
            return there  # on another drive


class _Current:
    """A proxy for the mesh of the running test."""

    def __init__(self, run: _Run) -> None:
        self._run = run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run.current(), name)

    def __repr__(self) -> str:
        return "the mesh of this test"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting that names the manifests of the `mesh` fixture."""
    parser.addini(_INI, "manifests of the `mesh` fixture: files, directories, globs, relative to rootdir", type="args")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and create the state of the run."""
    config.addinivalue_line(
        "markers", "mesh(*paths, yaml='', overlay=(), inject=()): manifests of the `mesh` fixture in this test"
    )
    config.stash[_RUN] = _Run(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Note which test runs, and make its mesh now, so that a mistake in it is an error of the setup."""
    run = item.config.stash[_RUN]
    run.begin(item)
    yield
    if any(isinstance(each, _Current) for each in getattr(item, "funcargs", {}).values()):
        from simulator.model.errors import SimulatorError

        mistake = ""
        try:
            run.current()
        except SimulatorError as error:
            mistake = "\n".join([str(error), *error.__notes__])
        if mistake:  # raised outside of the handler, so that the error is shown once
            pytest.fail(mistake, pytrace=False)


@pytest.fixture(scope="session")
def mesh_from(pytestconfig: pytest.Config) -> "Callable[..., TestMesh]":
    """Return a function that simulates manifests: `mesh_from("k8s/", yaml="…", overlay=["change/"], inject=["shop"])`.

    Paths are relative to rootdir. The mesh of equal arguments is one mesh.
    """
    return pytestconfig.stash[_RUN].make


@pytest.fixture(scope="session")
def mesh(pytestconfig: pytest.Config) -> "TestMesh":
    """Return the mesh of the manifests that the marker `mesh` names, or the setting `mesh_manifests`."""
    return cast("TestMesh", _Current(pytestconfig.stash[_RUN]))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Add to the report of a failing test the paths of its requests, and the caveats of its mesh."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and report.when in ("setup", "call"):
        said = str(call.excinfo.value) if call.excinfo is not None else ""
        report.sections += _sections(item.config.stash[_RUN], said)


def _sections(run: _Run, said: str) -> Iterator[tuple[str, str]]:
    texts = [text for text in map(str, run.asked) if text not in said]
    if texts:
        yield "Paths of requests", "\n\n".join(texts)
    if run.caveats:
        yield "About the mesh", "\n".join(run.caveats)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Explain the comparison of an answer with another value by the path of the request."""
    for one, other in ((left, right), (right, left)):
        if type(one).__name__ == "Answer" and hasattr(one, "trace"):
            return [f"an answer {op} {other!r}", *str(one).splitlines()]
    return None

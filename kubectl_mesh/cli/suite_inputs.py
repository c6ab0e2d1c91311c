"""The files that `kubectl mesh test` reads: suites, the meshes that they name, and everything else to watch."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_mesh.cli.context import Call, open_source
from kubectl_mesh.errors import InputError, MeshError, NothingFound

if TYPE_CHECKING:
    from kubectl_mesh.meshtest.importing import Importer
    from kubectl_mesh.meshtest.model import Given, Suite
    from kubectl_mesh.sources.base import MeshSource
    from simulator.model.directory import Directory
    from simulator.model.traces import Trace

PATTERN = "*.meshtest.yaml"


def suites(paths: list[str], importer: "Importer") -> list["Suite"]:
    """Read the suites of files, and of all test files below directories; a file with a mistake is one that says so."""
    read = files(paths)
    if not read:
        raise NothingFound(f"{', '.join(paths)}: no test files", hint=f"test files are named {PATTERN}")
    found = [suite for path in read for suite in _suites(path, importer)]
    if not found:
        raise NothingFound(
            f"{', '.join(map(str, read))}: no tests in it", hint="kubectl mesh test generate writes some"
        )
    return found


def _suites(path: Path, importer: "Importer") -> Sequence["Suite"]:
    from kubectl_mesh.meshtest.model import Given, Suite

    try:
        return importer.read(read(path), source=str(path))
    except InputError as error:
        return (Suite(name=str(path), source=str(path), given=Given(), mistake=str(error), hint=error.hint),)


def files(paths: list[str]) -> list[Path]:
    """Return the test files that paths name."""
    found: list[Path] = []
    for path in map(Path, paths):
        try:
            known = path.exists()
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        if not known:
            raise InputError(f"{path}: no such file or directory")
        found += sorted(path.rglob(PATTERN)) if path.is_dir() else [path]
    return found


def read(path: Path) -> str:
    """Return the text of a file."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(f"{path}: {reason}") from error


def open_mesh(call: Call, given: "Given", source: str) -> "MeshSource":
    """Open the mesh that a suite names; the command's own where it names none."""
    if given.stand_ins and call.settings.files:
        return _with_stand_ins(call, given)
    if given.live:
        return open_source(replace(call.settings, files=(), demo=False, bundle=""))
    folder = Path(source).parent
    if given.bundle:
        return open_source(replace(call.settings, files=(), demo=False, bundle=_beside(folder, given.bundle)))
    ordered = given.creation_order not in ("undetermined", "bundle")
    changes = given.overlay or given.mesh_config or given.inject or ordered
    if not given.manifests and not changes:
        return call.source
    from kubectl_mesh.sources.simulated import example, open_given

    completion = call.settings.completion
    paths = [_beside(folder, path) for path in given.manifests] or list(call.settings.files)
    if not paths and not call.settings.demo:
        raise InputError(f"{source}: given changes manifests, and names none", hint="write given.manifests, or use -f")
    return open_given(
        paths or [str(example())],
        replace(completion, inject=(*completion.inject, *given.inject)),
        overlay=[_beside(folder, path) for path in given.overlay],
        mesh_config=_beside(folder, given.mesh_config) if given.mesh_config else "",
        creation_order=given.creation_order,
    )


def _with_stand_ins(call: Call, given: "Given") -> "MeshSource":
    """Open the command's manifests, with what they leave out made up."""
    from kubectl_mesh.meshtest.stand_ins import stand_ins
    from kubectl_mesh.sources.simulated import open_given
    from simulator.manifests.reading import read_manifests
    from simulator.model.errors import SimulatorError

    try:
        added = stand_ins(read_manifests(call.settings.files))
    except SimulatorError as error:
        raise InputError(str(error), hint=error.hint) from error
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stand-ins.yaml"
        file.write_text(added, encoding="utf-8")
        paths = [*call.settings.files, str(file)]
        return open_given(paths, call.settings.completion, creation_order=given.creation_order)


def watched(call: Call, paths: list[str], importer: "Importer") -> list[str]:
    """Return every path that a run reads: test files, manifests and MeshConfig."""
    found = [*paths, *call.settings.files]
    try:
        for suite in suites(paths, importer):
            given, folder = suite.given, Path(suite.source).parent
            named = (*given.manifests, *given.overlay, given.bundle, given.mesh_config)
            found += [_beside(folder, path) for path in named if path not in ("", "-")]
    except MeshError:
        pass  # the run has reported it; watch the files named so far
    return found


def _beside(folder: Path, path: str) -> str:
    """Return a path that a test file names, as seen from here; `-` is stdin."""
    return path if path == "-" else os.path.normpath(folder / path)


def explain(trace: "Trace", directory: "Directory", url: str, sender: str) -> str:
    """Return a trace as `kubectl mesh trace` prints it."""
    from kubectl_mesh.diagnosis.trace import report
    from kubectl_mesh.render.color import Palette
    from kubectl_mesh.render.trace import render

    return render(report(trace, directory=directory, url=url, from_=sender), palette=Palette())

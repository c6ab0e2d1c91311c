"""Installing the program that kubectl asks for candidates."""

import sys
from pathlib import Path

import pytest

from kubectl_mesh import __version__
from kubectl_mesh.cli.app import run
from kubectl_mesh.cli.program import COMPLETER


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Call the program by a path in a folder of its own, and return that path."""
    path = tmp_path / "kubectl-mesh"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(path)])
    return path


def test_script_is_written_beside_the_program(called: Path) -> None:
    """With a Python, the completer is a script that can be executed."""
    assert run([str(called), "completion", "install"]) == 0
    made = called.with_name(COMPLETER)
    assert made.stat().st_mode & 0o111
    assert sys.executable in made.read_text()


def test_packaged_program_is_linked(called: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packaged program has no Python to call: it is linked, and answers to the other name."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert run([str(called), "completion", "install"]) == 0
    assert called.with_name(COMPLETER).readlink() == called


def test_program_called_by_its_name_alone_is_found(called: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that found the program on PATH passes on its name only."""
    monkeypatch.setattr(sys, "argv", [called.name])
    monkeypatch.setenv("PATH", str(called.parent))
    assert run([called.name, "completion", "install"]) == 0
    assert called.with_name(COMPLETER).exists()


def test_version_of_the_client_asks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """`version --client` answers without a mesh."""
    assert run(["kubectl-mesh", "--kubeconfig", "/nowhere", "version", "--client"]) == 0
    assert capsys.readouterr().out == f"client version: {__version__}\n"

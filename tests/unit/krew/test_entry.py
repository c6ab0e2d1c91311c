"""The program in an archive."""

import sys

import pytest

from krew import entry


def test_programs_we_start_get_the_library_path_of_the_user() -> None:
    """The library paths that PyInstaller's loader added are removed."""
    environment = {"LD_LIBRARY_PATH": "/ours", "LD_LIBRARY_PATH_ORIG": "/theirs", "PATH": "/bin"}
    entry.restore_library_path(environment)
    assert environment == {"LD_LIBRARY_PATH": "/theirs", "PATH": "/bin"}


def test_library_path_of_a_plain_python_is_left_alone() -> None:
    """Outside of a packaged program the environment is unchanged."""
    environment = {"LD_LIBRARY_PATH": "/theirs"}
    entry.restore_library_path(environment)
    assert environment == {"LD_LIBRARY_PATH": "/theirs"}


def test_one_program_answers_for_the_completer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Called by the name that kubectl looks for, the program completes."""
    monkeypatch.setattr(sys, "argv", ["bin/kubectl_complete-mesh", "trac"])
    entry.main()
    assert capsys.readouterr().out.startswith("trace\t")

"""The program in an archive."""

import sys

import pytest

from krew import entry


def test_programs_we_start_get_the_library_path_of_the_user() -> None:
    """What PyInstaller's loader put before the user's libraries is taken away again."""
    environment = {"LD_LIBRARY_PATH": "/ours", "LD_LIBRARY_PATH_ORIG": "/theirs", "PATH": "/bin"}
    entry.restore_library_path(environment)
    assert environment == {"LD_LIBRARY_PATH": "/theirs", "PATH": "/bin"}


def test_library_path_of_a_plain_python_is_left_alone() -> None:
    """Where nothing was packed, nothing is taken away."""
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

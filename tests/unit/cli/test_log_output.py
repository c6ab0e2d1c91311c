"""This program's own log: levels, targets, form."""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_mesh.cli.app import run
from kubectl_mesh.cli.log_options import LogOptions
from kubectl_mesh.cli.log_output import ROOT, configure, read_levels
from kubectl_mesh.errors import InputError, UsageError


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Leave no handlers and levels behind."""
    yield
    for name in (ROOT, f"{ROOT}.api"):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(logging.NOTSET)


def test_levels() -> None:
    """Scopes have levels of their own; a level alone is the default's."""
    assert read_levels("debug") == {"default": logging.DEBUG}
    assert read_levels("default:warn,api:info") == {"default": logging.WARNING, "api": logging.INFO}
    for text in ("loud", "api:", ":info", "api:info,,"):
        with pytest.raises(UsageError, match="not SCOPE:LEVEL"):
            read_levels(text)


def test_a_scope_is_heard_where_others_are_not(tmp_path: Path) -> None:
    """Messages below the level of their scope are dropped; the rest are lines of time, level, scope and text."""
    target = tmp_path / "log"
    configure(LogOptions(output_level="default:error,api:info", target=(str(target),), caller="api"))
    logging.getLogger(f"{ROOT}.api").info("asked %s", "pods")
    logging.getLogger(f"{ROOT}.api").debug("unheard")
    logging.getLogger(f"{ROOT}.other").warning("unheard")
    (line,) = target.read_text().splitlines()
    time, level, scope, caller, text = line.split("\t")
    assert time.endswith("Z")
    assert (level, scope, text) == ("info", "api", "asked pods")
    assert caller.startswith("test_log_output.py:")


def test_json_with_a_stack(tmp_path: Path) -> None:
    """Lines may be JSON, and messages from a level on come with the stack."""
    target = tmp_path / "log"
    configure(LogOptions(target=(str(target),), as_json=True, stacktrace_level="default:error"))
    logging.getLogger(f"{ROOT}.api").warning("one")
    logging.getLogger(f"{ROOT}.api").error("two")
    first, second = map(json.loads, target.read_text().splitlines())
    assert (first["msg"], first["level"], first["scope"]) == ("one", "warn", "api")
    assert "stack" not in first
    assert "test_json_with_a_stack" in second["stack"]


def test_rotated_files_that_are_old_are_deleted(tmp_path: Path) -> None:
    """Files past the age go, younger ones and others stay."""
    for name, age in (("log.1", 0), ("log.2", 40), ("log.txt", 40)):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (0, (tmp_path / name).stat().st_mtime - age * 86_400))
    configure(LogOptions(rotate=str(tmp_path / "log")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1", "log.txt"]


def test_a_target_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is not there is said."""
    with pytest.raises(InputError, match="No such file"):
        configure(LogOptions(target=(str(tmp_path / "none" / "log"),)))


@pytest.mark.parametrize("flag", ["--log_output_level", "--log-output-level"])
@pytest.mark.parametrize("command", ["proxy-status", "analyze", "trace deploy/web http://cart/"])
def test_every_command_takes_them(flag: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Both spellings are understood, and the answer is the same."""
    words = ["kubectl-mesh", *command.split(), "--demo"]
    code = run(words)
    plain = capsys.readouterr().out
    assert run([*words, f"{flag}=default:error,api:debug"]) == code
    assert capsys.readouterr().out == plain
    assert run([*words, flag, "default:loud"]) == 2

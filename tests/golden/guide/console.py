"""Pages with consoles in them: blocks of commands and what they print, read, run and written anew.

A command that serves a mesh in the background (`simulate serve … &`) is served by the test itself until the page ends.
"""

import contextlib
import io
import os
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kubectl_mesh.cli.app import run
from tests.contract.serving import serving

ROOT = Path(__file__).resolve().parents[3]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_AGE = re.compile(r"\(\d+[smh](\d+s)?\)")
_CHECKS = re.compile(r"\d+ of \d+ checks ran")
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Command:
    """One command and what it printed."""

    words: str
    output: str = ""

    def __str__(self) -> str:
        return f"$ {self.words}\n{self.output}"


def commands(page: str) -> list[Command]:
    """Return every command of a page."""
    return [command for block in _BLOCK.findall(page) for command in _commands(block)]


def _commands(block: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        words, _, output = part.partition("\n")
        yield Command(words, output)


def rewritten(page: str, printed: list[Command]) -> str:
    """Return a page with what its commands printed; an output that differs in ages only stays."""
    waiting = iter(printed)

    def block(match: re.Match[str]) -> str:
        told = []
        for before in _commands(match[1]):
            now = next(waiting)
            told.append(str(before if same(before.output, now.output) else now))
        return f"```console\n{''.join(told)}```"

    return _BLOCK.sub(block, page)


def same(one: str, other: str) -> bool:
    """Tell whether two outputs are equal except for ages, widths of columns with ages, and the number of checks."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", _CHECKS.sub("<n> checks ran", _AGE.sub("(<age>)", text)))


class Shell:
    """Runs the commands of a page, one after the other, in the project's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = contextlib.ExitStack()
        self._code = 0

    def __enter__(self) -> "Shell":
        self._open.enter_context(contextlib.chdir(ROOT))
        before = dict(os.environ)
        self._open.callback(_restore, before)
        os.environ.pop("KUBECONFIG", None)
        os.environ["TZ"] = "UTC"
        time.tzset()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def run(self, command: Command) -> Command:
        """Run a command and return it with what it prints to a terminal."""
        words = shlex.split(command.words)
        match words:
            case ["kubectl", "mesh", "simulate", "serve", *_, "&"]:
                self._open.enter_context(serving(folder=self._folder, example=True))
                return Command(command.words)
            case ["export", _]:
                os.environ["KUBECONFIG"] = str(self._folder / "kubeconfig")
                return Command(command.words)
            case ["cat", path]:
                return Command(command.words, Path(path).read_text(encoding="utf-8"))
            case ["echo", "$?"]:
                return Command(command.words, f"{self._code}\n")
            case ["kubectl", "mesh", *rest]:
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                    self._code = run(["kubectl-mesh", *rest])
                return Command(command.words, _without_trailing_blanks(printed.getvalue()))
        raise AssertionError(f"a page cannot run: {command.words}")


def _restore(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()


def _without_trailing_blanks(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())

"""Every command documents its usage and its exit codes."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from kubectl_mesh.cli.app import COMMANDS, app, run


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command that runs something, with the words that reach it."""
    root: Any = typer.main.get_command(app)
    waiting = [(entry.name, root.get_command(None, entry.name)) for entry in COMMANDS]
    while waiting:
        words, command = waiting.pop()
        if hasattr(command, "commands"):
            waiting += [(f"{words} {name}", child) for name, child in command.commands.items()]
        else:
            yield words, command


ALL = sorted(commands())
WITHOUT_EXAMPLE = frozenset({"options", "version"})


@pytest.mark.parametrize(("words", "command"), ALL, ids=[words for words, _ in ALL])
def test_help_has_an_example(words: str, command: Any) -> None:
    """Help says in a sentence what the command does, and shows a call of it."""
    assert command.help
    assert words in WITHOUT_EXAMPLE or "Example" in command.help
    assert command.help.split("\n")[0].endswith((".", "?"))


@pytest.mark.parametrize(("words", "command"), ALL, ids=[words for words, _ in ALL])
def test_options_are_explained(words: str, command: Any) -> None:
    """Each option that help shows says what it does."""
    shown = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    assert not [each.name for each in shown if not each.help]


@pytest.mark.parametrize(("words", "command"), ALL, ids=[words for words, _ in ALL])
def test_unknown_option_is_a_usage_error(words: str, command: Any) -> None:
    """A flag that does not exist ends with exit code 2."""
    assert run(["kubectl-mesh", *words.split(), "--no-such-flag"]) == 2

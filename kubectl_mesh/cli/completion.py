"""`kubectl_complete-mesh`: what kubectl (1.26 and later) runs to complete `kubectl mesh …`.

It gets the words after the plugin's name, the last one possibly empty, and prints candidates, each with a description
after a tab, then a directive: `:4` for no file names, `:0` for file names (cobra's ShellCompDirective).
"""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kubectl_mesh.cli.app import COMMANDS, app, find_entry
from kubectl_mesh.cli.options import shared_flags

_TWINS = {"-n": ("--namespace",)}
NO_FILES = ":4"
FILES = ":0"
_FILE_OPTIONS = frozenset({"--kubeconfig", "--certificate-authority", "--client-certificate", "--client-key"})
_FILE_VALUES = ("FILE", "DIR", "PATH", "BEFORE", "AFTER")
"""How help calls a value that is a file or a directory."""


def main() -> None:
    """Print the candidates for the words of the command line; never fail, since a shell is waiting."""
    try:
        lines = list(complete(sys.argv[1:]))
    except BaseException:
        lines = [NO_FILES]
    with contextlib.suppress(BrokenPipeError):
        print("\n".join(lines), flush=True)


def complete(words: Sequence[str]) -> Iterator[str]:
    """Yield candidates for the last word, then the directive."""
    *before, current = words or [""]
    command, rest = _resolve(before)
    if command is None and before and shared_flags().get(before[-1]):
        from kubectl_mesh.cli import candidates

        yield from _matching(candidates.of_option([before[-1], *_TWINS.get(before[-1], ())], before), current)
        yield NO_FILES
    elif command is None:
        yield from _matching(((entry.name, entry.help) for entry in COMMANDS if not entry.hidden), current)
        yield NO_FILES
    elif hasattr(command, "commands"):
        yield from _matching(((name, each.get_short_help_str(60)) for name, each in command.commands.items()), current)
        yield NO_FILES
    elif (option := _awaiting_value(command, rest)) is not None:
        if _FILE_OPTIONS & set(option.opts) or _is_file(option):
            yield FILES
            return
        yield from _matching(_values(option, before), current)
        yield NO_FILES
    elif current.startswith("-"):
        yield from _matching(_options(command), current)
        yield NO_FILES
    elif (argument := _awaiting_argument(command, rest)) is not None and _is_file(argument):
        yield FILES
    else:
        yield from _matching(_arguments(argument, before, current), current)
        yield NO_FILES


def _is_file(parameter: Any) -> bool:
    return (parameter.metavar or "").strip("[].").startswith(_FILE_VALUES)


def _resolve(words: Sequence[str]) -> tuple[Any, list[str]]:
    """Return the command that the words name, and those after it; None while they name none."""
    import typer

    flags, position = shared_flags(), 0
    while position < len(words) and words[position].startswith("-"):
        position += 2 if flags.get(words[position].partition("=")[0]) and "=" not in words[position] else 1
    if position >= len(words) or find_entry(words[position]) is None:
        return None, []
    command: Any = typer.main.get_command(app).get_command(None, words[position])  # type: ignore[attr-defined]
    rest = list(words[position + 1 :])
    while rest and hasattr(command, "commands"):
        child = command.get_command(None, rest[0])
        if child is None:
            break
        command, rest = child, rest[1:]
    return command, rest


def _awaiting_value(command: Any, rest: Sequence[str]) -> Any:
    """Return the option whose value is being typed."""
    if not rest or not rest[-1].startswith("-") or "=" in rest[-1]:
        return None
    for option in command.params:
        if rest[-1] in option.opts and not getattr(option, "is_flag", False):
            return option
    return None


def _options(command: Any) -> Iterator[tuple[str, str]]:
    for option in command.params:
        if option.param_type_name == "option" and not option.hidden:
            for flag in (*option.opts, *option.secondary_opts):
                if flag.startswith("--"):
                    yield flag, option.help or ""


def _values(option: Any, before: Sequence[str]) -> Iterator[tuple[str, str]]:
    from kubectl_mesh.cli import candidates

    choices = option.metavar or ""
    if choices.islower() or "|" in choices:
        yield from ((choice, "") for choice in choices.split("|"))
    elif choices.startswith("FORMAT"):
        formats, _, _ = (option.help or "").partition(".")  # its help lists them
        yield from ((each, "") for each in formats.split(", "))
    else:
        yield from candidates.of_option(option.opts, before)


def _awaiting_argument(command: Any, rest: Sequence[str]) -> Any:
    """Return the argument that is being typed; the last one when it takes several words."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    given = sum(1 for _ in _positional(command, rest))
    if given < len(arguments):
        return arguments[given]
    return arguments[-1] if arguments and arguments[-1].nargs != 1 else None


def _arguments(argument: Any, before: Sequence[str], current: str) -> Iterable[tuple[str, str]]:
    from kubectl_mesh.cli import candidates

    return candidates.of_argument(argument.name, before, current, command=_words(before)) if argument else ()


def _words(before: Sequence[str]) -> tuple[str, ...]:
    """Return the words that name the command, each in its first spelling."""
    found: list[str] = []
    for count in range(1, len(before) + 1):
        command, rest = _resolve(before[:count])
        if command is not None and not rest and before[count - 1] != "":
            found.append(str(command.name))
    return tuple(found)


def _positional(command: Any, rest: Sequence[str]) -> Iterator[str]:
    words = iter(rest)
    takes_value = {flag for option in command.params if not getattr(option, "is_flag", False) for flag in option.opts}
    for word in words:
        if word.startswith("-") and word != "-":
            if word in takes_value:
                next(words, None)
        else:
            yield word


def _matching(found: Iterable[tuple[str, str]], current: str) -> Iterator[str]:
    for value, meaning in found:
        if value.startswith(current) and value.isprintable():
            yield f"{value}\t{meaning}" if meaning else value

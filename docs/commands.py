"""The page about commands, from the commands themselves: what they do, their arguments and options, examples."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer

from kubectl_mesh.cli.app import COMMANDS, app
from kubectl_mesh.cli.global_options import MEANING
from kubectl_mesh.cli.help_layout import arguments
from kubectl_mesh.cli.options import flags, shared_flags, shared_parameters

PROGRAM = "kubectl mesh"
_HEAD = """\
# Commands

Written by `python -m docs` from the commands themselves. Every command ends with 0 (clean), 1 (findings, differences,
failed tests, proxies out of sync), 2 (wrong usage), 3 (cannot answer, or saw only part) or 5 (nothing matched).
"""
_SHARED_TEXT = """\
Options of every command. Without `-f`, `--bundle` or `--demo` the cluster of your kubeconfig is asked.
"""


def page() -> str:
    """Return the page as Markdown."""
    found = list(commands())
    index = "".join(f"- [`{PROGRAM} {words}`](#{_anchor(words)}): {_first_line(each)}\n" for words, each in found)
    sections = "\n".join(_section(words, each) for words, each in found)
    return f"{_HEAD}\n{index}\n{_shared_section(found)}\n{sections}"


def commands() -> Iterator[tuple[str, Any]]:
    """Walk every command that runs something, in the order of `--help`, with the words that reach it."""
    root: Any = typer.main.get_command(app)
    for entry in COMMANDS:
        if not entry.hidden:
            yield from _below(entry.name, root.get_command(None, entry.name))


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield words, command
        return
    for name, child in command.commands.items():
        if not child.hidden:
            yield from _below(f"{words} {name}", child)


def _anchor(words: str) -> str:
    return f"{PROGRAM} {words}".replace(" ", "-")


def _first_line(command: Any) -> str:
    return " ".join(str(command.help).split("\n\n")[0].split())


def _section(words: str, command: Any) -> str:
    usage = f"{PROGRAM} {words}{''.join(f' {name}' for name in arguments(command))} [OPTIONS]"
    names = getattr(command.callback, "other_names", ())
    others = f"Also: {', '.join(f'`{name}`' for name in names)}\n\n" if names else ""
    table = _table(_own_options(command))
    return f"## `{PROGRAM} {words}`\n\n{others}{_text(command.help)}\n\n```\n{usage}\n```\n" + (
        f"\n{table}" if table else ""
    )


def _text(help_text: str) -> str:
    r"""Return help as Markdown: what stands behind `\b` keeps its lines."""
    blocks = []
    for block in help_text.split("\n\n"):
        if block.startswith("\b\n"):
            title, _, rest = block.removeprefix("\b\n").partition("\n")
            blocks.append(f"{title}\n\n```\n{_dedented(rest)}\n```" if rest else title)
        else:
            blocks.append(" ".join(block.split()))
    return "\n\n".join(blocks)


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix("  ") for line in text.split("\n"))


def _own_options(command: Any) -> list[tuple[str, str]]:
    shared = frozenset(shared_flags())
    return [
        (_spelling(each), _meaning(each))
        for each in command.params
        if each.param_type_name == "option" and not each.hidden and not (set(each.opts) <= shared and _is_shared(each))
    ]


def _is_shared(option: Any) -> bool:
    """Tell a shared option from one of the command's own, which is shown where the shared one of its name is hidden."""
    found = next((each for each in shared_parameters() if each.name == option.name), None)
    return found is not None and bool(option.hidden) == _is_hidden(found.annotation)


def _is_hidden(annotation: Any) -> bool:
    return any(getattr(item, "hidden", False) for item in getattr(annotation, "__metadata__", ()))


def _spelling(option: Any) -> str:
    value = f" {option.metavar}" if option.metavar else ("" if option.is_flag else " VALUE")
    return ", ".join((*option.opts, *option.secondary_opts)) + value


def _meaning(option: Any) -> str:
    default = option.default
    shown = option.show_default and default not in (None, "", (), [], False, 0) and not option.is_flag
    return f"{option.help or ''}{f' Default: {default}.' if shown else ''}"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    lines = "".join(f"| `{_cell(flag)}` | {_cell(text)} |\n" for flag, text in rows)
    return f"| option | meaning |\n| --- | --- |\n{lines}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _shared_section(found: Sequence[tuple[str, Any]]) -> str:
    meanings = _shared_meanings(found)
    rows = []
    for parameter in shared_parameters():
        spellings = sorted(flags(parameter.annotation), key=lambda flag: (flag.startswith("--"), flag))
        meaning = next((meanings[flag] for flag in spellings if flag in meanings), "")
        if spellings and meaning:
            rows.append((", ".join(spellings), meaning))
    return f"## Options of every command\n\n{_SHARED_TEXT}\n{_table(rows)}"


def _shared_meanings(found: Sequence[tuple[str, Any]]) -> Mapping[str, str]:
    """Return what shared options mean, by flag: in the words of a command, or for hidden ones in those of `options`."""
    said: dict[str, str] = {}
    for _, command in found:
        for each in command.params:
            if each.param_type_name == "option" and _is_shared(each) and each.help and not each.hidden:
                said |= {flag: each.help for flag in each.opts if flag in shared_flags() and flag not in said}
    return said | MEANING

"""How help is laid out: a command's own options, then those that choose the mesh, then where the rest is listed.

kubectl and istioctl print a command's options before the inherited ones too; a list in one piece hides what matters.
"""

from collections.abc import Iterator
from typing import Any

_MESH = ("files", "demo", "bundle", "no_control_plane", "inject", "namespace", "all_namespaces")
"""Parameters of the shared options that say which mesh, and which part of it, is asked."""
_MESH_TITLE = "Which mesh (without -f, --demo and --bundle: the live cluster of your kubeconfig)"


def arguments(command: Any) -> Iterator[str]:
    """Yield the arguments as usage lines show them: in brackets what may be left out."""
    for each in command.params:
        if each.param_type_name == "argument":
            name = each.metavar or each.name.upper()
            yield name if each.required or name.startswith("[") else f"[{name}]"


def write_options(command: Any, ctx: Any, formatter: Any) -> None:
    """Write a command's arguments that have an explanation, and its options in their sections."""
    parameters = command.get_params(ctx)
    explained = [(name, each.help) for name, each in zip(arguments(command), _arguments(command), strict=True)]
    _section(formatter, "Arguments", [(name, text) for name, text in explained if text])
    options = [each for each in parameters if each.param_type_name == "option" and not each.hidden]
    own = [each for each in options if each.name not in _MESH]
    _section(formatter, "Options", [each.get_help_record(ctx) for each in own])
    _section(formatter, _MESH_TITLE, [each.get_help_record(ctx) for each in options if each.name in _MESH])


def write_pointer(ctx: Any, formatter: Any) -> None:
    """Write where the options are listed that help leaves out."""
    formatter.write_paragraph()
    program = ctx.find_root().command_path
    formatter.write(f'Use "{program} options" for the options of every command (connection, logging).\n')


def _arguments(command: Any) -> list[Any]:
    return [each for each in command.params if each.param_type_name == "argument"]


def _section(formatter: Any, title: str, rows: list[Any]) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)

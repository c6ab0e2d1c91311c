"""What follows a table: the next command, with the same source, on stderr, where somebody reads along."""

import shlex
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from kubectl_mesh.cli import program
from kubectl_mesh.cli.context import Call
from kubectl_mesh.diagnosis.chain import FEW, Follow, Step

Explain = Annotated[
    bool,
    typer.Option(
        "-v",
        "--explain",
        help="Explain Istio's generated names, and suggest the next command (a terminal always shows it).",
    ),
]


def follow(call: Call, pod: str, find: Follow, *, rows: int, explain: bool) -> None:
    """Write what names mean, where the table is short or it is asked for, and which commands follow."""
    if not explain and not (sys.stdout.isatty() and sys.stderr.isatty()):
        return
    found = find()
    if explain or rows <= FEW:
        for meaning in found.meanings:
            call.note(f"note: {meaning}")
    for step in found.steps:
        call.note(f"next: {command_line(call, pod, step)}")


def command_line(call: Call, pod: str, step: Step) -> str:
    """Return a command on the same source and proxy, ready to be pasted."""
    words = [*step.before, *([pod] if pod else []), *step.behind, *_source(call)]
    return f"{program.name_from(sys.argv[0])} {shlex.join(words)}"


def _source(call: Call) -> Iterator[str]:
    settings = call.settings
    for flag, value in (("-n", settings.namespace), ("--bundle", settings.bundle)):
        if value:
            yield from (flag, value)
    if settings.demo:
        yield "--demo"
    for path in settings.files:
        yield from ("-f", path)
    connection = settings.connection
    for flag, value in (("--kubeconfig", connection.kubeconfig), ("--context", connection.context)):
        if value:
            yield from (flag, value)

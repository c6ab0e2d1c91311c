"""`kubectl mesh bundle`: record a mesh, to be asked later or by somebody else."""

from pathlib import Path
from typing import Annotated

import typer

from kubectl_mesh.bundle import write_bundle
from kubectl_mesh.cli.context import Call, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.errors import ExitCode, InputError

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SETTINGS = {"help_option_names": ["-h", "--help"]}


@app.command(cls=MeshCommand, context_settings=_SETTINGS)
@command
def bundle(
    call: Call,
    output: Annotated[
        str, typer.Argument(metavar="FILE.tgz|DIR", help="Archive or directory to write.", show_default=False)
    ],
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="List what the mesh did not answer.")] = False,
) -> None:
    """Record a mesh in one archive: resources, config dumps, what istiod knows. Every command reads it with --bundle.

    Private keys and the data of Secrets are left out. Exits with 3 when something could not be read.

    \b
    Example:
      kubectl mesh bundle mesh.tgz
    """
    from kubectl_mesh.diagnosis.recording import record

    missed: list[str] = []
    files = record(call.source, missed=missed.append)
    try:
        write_bundle(Path(output), files)
    except OSError as error:
        raise InputError(f"{error.filename or output}: {error.strerror or error}") from error
    call.write(f"wrote {output}: {len(files)} files, {len(call.source.proxies())} proxies\n")
    for line in missed if verbose else missed[:1]:
        call.note(f"missing: {line}")
    if len(missed) > 1 and not verbose:
        call.note(f"missing: {len(missed) - 1} more, see -v")
    call.finish(ExitCode.CANNOT_ANSWER if missed else ExitCode.CLEAN)

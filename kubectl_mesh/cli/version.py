"""`kubectl mesh version`: versions of this program, of istiod and of the proxies."""

from typing import Annotated

import typer

from kubectl_mesh import __version__
from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.errors import InputError, SourceError
from kubectl_mesh.render import structured
from kubectl_mesh.reports.versions import VersionReport

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SETTINGS = {"help_option_names": ["-h", "--help"]}


@app.command(cls=MeshCommand, context_settings=_SETTINGS)
@command
def version(
    call: Call,
    remote: Annotated[bool, typer.Option("--remote/--no-remote", help="Also ask istiod and the proxies.")] = True,
    client: Annotated[bool, typer.Option("--client", help="Only show this program's version.")] = False,
    short: Annotated[
        bool, typer.Option("-s", "--short/--no-short", help="Summarize; --no-short lists every component.")
    ] = True,
    output: Annotated[str, typer.Option("-o", "--output", metavar="json|yaml", help="Output format.")] = "",
) -> None:
    """Show the versions of this program, istiod and the proxies.

    \b
    Example:
      kubectl mesh version --short=false
    """
    form = check_output(output, allowed=("", "json", "yaml"))
    found, failure = VersionReport(client=__version__, reached=False), None
    if remote and not client:
        from kubectl_mesh.diagnosis import versions

        try:
            found = versions.diagnose(
                call.source, client=__version__, istio_namespace=call.settings.connection.istio_namespace
            )
        except (InputError, SourceError) as error:
            failure = error
    if form:
        call.write(structured.render(found.document(), form=form, indent=2))
    else:
        call.write("\n".join(found.lines()) + "\n")
        for proxy in () if short else found.proxies:
            call.write(f"{proxy.proxy} version: {proxy.version}\n")
    if failure is not None:
        raise failure

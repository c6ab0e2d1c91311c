"""`kubectl mesh mtls`: what clients send, what servers accept, and whether it fits."""

from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.errors import ExitCode, NothingFound
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SETTINGS = {"help_option_names": ["-h", "--help"]}


@app.command(cls=MeshCommand, context_settings=_SETTINGS)
@command
def mtls(
    call: Call,
    from_: Annotated[str, typer.Option("--from", metavar="NAME", help="Workload that sends; all by default.")] = "",
    to: Annotated[
        str, typer.Option("--to", metavar="NAME[:PORT]", help="Service or workload that receives; all by default.")
    ] = "",
    output: Annotated[str, typer.Option("-o", "--output", metavar="text|json|yaml", help="Output format.")] = "text",
) -> None:
    """Show what clients send and servers accept. Exits with 1 where the two do not match.

    \b
    Example:
      kubectl mesh mtls --from deploy/web --to cart -n shop
    """
    from kubectl_mesh.diagnosis import mutual_tls
    from kubectl_mesh.diagnosis.lookup import Lookup
    from kubectl_mesh.diagnosis.mesh_directory import directory_of
    from kubectl_mesh.reports.security import encryption

    form = check_output(output, allowed=("text", "json", "yaml"))
    lookup = Lookup(source=call.source, istio_namespace=call.settings.connection.istio_namespace)
    found = mutual_tls.diagnose(lookup, directory_of(call.source), from_=from_, to=to, namespace=call.namespace)
    if not found:
        raise NothingFound("no workload sends to a service here", hint="try -A or another -n")
    if form == "text":
        call.write(render(encryption(found)))
    else:
        call.write(structured.render(structured.document("Encryption", {"connections": found}), form=form, indent=2))
    call.finish(ExitCode.CLEAN if all(row.works for row in found) else ExitCode.FINDINGS)

"""`kubectl mesh remote-clusters`: the clusters that each istiod reads."""

from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.errors import ExitCode
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render
from kubectl_mesh.reports.remote_clusters import table

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SETTINGS = {"help_option_names": ["-h", "--help"]}


@app.command(cls=MeshCommand, context_settings=_SETTINGS)
@command
def remote_clusters(
    call: Call,
    output: Annotated[str, typer.Option("-o", "--output", metavar="table|json|yaml", help="Output format.")] = "table",
) -> None:
    """List the remote clusters that each istiod watches, and whether they are synced. Exits with 1 when one is not.

    \b
    Example:
      kubectl mesh remote-clusters
    """
    from kubectl_mesh.diagnosis.remote_clusters import diagnose

    form = check_output(output, allowed=("table", "json", "yaml"))
    rows = diagnose(call.source)
    if form == "table":
        call.write(render(table(rows)))
    else:
        call.write(structured.render(structured.document("RemoteClusters", {"clusters": rows}), form=form, indent=2))
    call.finish(ExitCode.CLEAN if all(row.in_sync for row in rows) else ExitCode.FINDINGS)

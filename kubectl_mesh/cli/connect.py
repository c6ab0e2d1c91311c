"""`kubectl mesh connect`: can a pod reach istiod?"""

from datetime import UTC, datetime
from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.errors import ExitCode
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render
from kubectl_mesh.reports.connection import CheckResult, table

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SETTINGS = {"help_option_names": ["-h", "--help"]}


@app.command(cls=MeshCommand, context_settings=_SETTINGS)
@command
def connect(
    call: Call,
    pod: Annotated[str, typer.Argument(metavar="[NAMESPACE/][KIND/]NAME", show_default=False)],
    output: Annotated[str, typer.Option("-o", "--output", metavar="table|json|yaml", help="Output format.")] = "table",
) -> None:
    """Check that the proxy of a pod can reach istiod: DNS, ports, certificate, xDS. Exits with 1 when a check fails.

    In a live cluster, requests are made with curl from the proxy's container.

    \b
    Example:
      kubectl mesh connect deploy/web -n shop
    """
    from kubectl_mesh.diagnosis.connection import diagnose
    from kubectl_mesh.diagnosis.targets import find_proxy

    form = check_output(output, allowed=("table", "json", "yaml"))
    proxy = find_proxy(call.source, pod, namespace=call.namespace)
    home = call.settings.connection.istio_namespace
    found = diagnose(call.source, proxy, istio_namespace=home, now=datetime.now(UTC))
    if form == "table":
        call.write(render(table(found)))
        for check in found.failed:
            if check.hint:
                call.note(f"hint: {check.name}: {check.hint}")
    else:
        shown = structured.document("Connection", found) | {"connected": found.connected}
        call.write(structured.render(shown, form=form, indent=2))
    if found.failed:
        call.finish(ExitCode.FINDINGS)
    known = any(check.name == "connected" and check.result is CheckResult.OK for check in found.checks)
    call.finish(ExitCode.CLEAN if known else ExitCode.CANNOT_ANSWER)

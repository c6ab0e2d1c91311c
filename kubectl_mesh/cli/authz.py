"""`kubectl mesh authz`: which authorization policies apply, and what they allow."""

from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.cli.proxy_config import Pod
from kubectl_mesh.errors import ExitCode
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render
from kubectl_mesh.sources.recorded import RecordedProxy

app = group("Show which authorization policies apply to a pod, and what they allow.")
Output = Annotated[str, typer.Option("-o", "--output", metavar="text|json|yaml", help="Output format.")]
FORMS = ("text", "json", "yaml")


@add(app, "check")
@command
def check(call: Call, pod: Pod = "", output: Output = "text") -> None:
    """List the authorization rules that apply to a pod, in words.

    A saved config dump has only the names of rules: for it, this prints what `x authz check` does.

    \b
    Example:
      kubectl mesh authz check deploy/checkout -n payments
    """
    from kubectl_mesh.diagnosis.authorization_rules import subject, table
    from kubectl_mesh.diagnosis.lookup import Lookup

    form = check_output(output, allowed=FORMS)
    if isinstance(call.source, RecordedProxy):
        from kubectl_mesh.cli.authz_table import show

        show(call, pod)
        return
    lookup = Lookup(source=call.source, home=call.namespace, istio_namespace=call.settings.connection.istio_namespace)
    found = table(lookup, subject(lookup, pod))
    if form == "text":
        call.write(render(found))
    else:
        call.write(structured.render(structured.document("AuthorizationRules", {"rules": found.rows}), form=form))


@add(app, "can")
@command
def can(
    call: Call,
    method: Annotated[str, typer.Argument(metavar="METHOD", show_default=False)],
    path: Annotated[str, typer.Argument(metavar="PATH", show_default=False)],
    from_: Annotated[str, typer.Option("--from", metavar="NAME", help="Workload that sends the request.")],
    to: Annotated[str, typer.Option("--to", metavar="NAME[:PORT]", help="Service or workload that receives it.")],
    header: Annotated[
        list[str] | None,
        typer.Option("-H", "--header", metavar="'NAME: VALUE'", help="Header of the request. May be repeated."),
    ] = None,
    output: Output = "text",
) -> None:
    """Show whether a request would be allowed, and which rule decides. Exits with 1 when it is denied.

    \b
    Example:
      kubectl mesh authz can GET /items --from deploy/web --to cart -n shop
    """
    from kubectl_mesh.diagnosis.mesh_directory import directory_of
    from kubectl_mesh.diagnosis.permission import ask
    from kubectl_mesh.diagnosis.request_line import RequestFlags, read_request
    from kubectl_mesh.render.permission import render as text

    form = check_output(output, allowed=FORMS)
    target = path if path.startswith("/") else f"/{path}"
    request = read_request(f"http://destination{target}", RequestFlags(method=method, headers=header or ()))
    found = ask(call.source, directory_of(call.source), request, from_=from_, to=to, namespace=call.namespace)
    if form == "text":
        call.write(text(found, palette=call.palette))
    else:
        call.write(structured.render(structured.document("Permission", found), form=form, indent=2))
    call.finish(ExitCode.CLEAN if found.allowed else ExitCode.FINDINGS)

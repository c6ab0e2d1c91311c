"""`kubectl mesh injector list`: namespaces, revisions and injection webhooks."""

from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render

app = group("List the namespaces that are injected, by which revision, and which pods need a restart.")


@add(app, "list")
@command
def injectors(
    call: Call,
    output: Annotated[str, typer.Option("-o", "--output", metavar="text|json|yaml", help="Output format.")] = "text",
) -> None:
    """List the namespaces that are injected, by which revision, and which pods need a restart.

    \b
    Example:
      kubectl mesh injector list
    """
    from kubectl_mesh.diagnosis.injector_list import diagnose
    from kubectl_mesh.diagnosis.lookup import Lookup
    from kubectl_mesh.reports.injection import hooks, namespaces

    form = check_output(output, allowed=("text", "json", "yaml"))
    istio = call.settings.connection.istio_namespace
    found = diagnose(Lookup(source=call.source, home=call.namespace, istio_namespace=istio))
    if form != "text":
        call.write(structured.render(structured.document("Injectors", found), form=form, indent=2))
        return
    empty = "No Istio injected namespaces present.\n"
    call.write(render(namespaces(found.namespaces)) if found.namespaces else empty)
    call.write("\n")
    call.write(render(hooks(found.hooks)) if found.hooks else "No Istio injection hooks present.\n")

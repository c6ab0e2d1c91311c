"""`kubectl mesh check-inject`: would a pod be injected, and why."""

from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.errors import NothingFound, UsageError
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SETTINGS = {"help_option_names": ["-h", "--help"]}


@app.command(cls=MeshCommand, context_settings=_SETTINGS)
@command
def check_inject(
    call: Call,
    pod: Annotated[str, typer.Argument(metavar="[NAMESPACE/][KIND/]NAME", show_default=False)] = "",
    labels: Annotated[
        str,
        typer.Option(
            "-l", "--labels", metavar="KEY=VALUE,…", help="Ask for a pod with these labels in the namespace of -n."
        ),
    ] = "",
    output: Annotated[str, typer.Option("-o", "--output", metavar="text|json|yaml", help="Output format.")] = "text",
) -> None:
    """Show whether each injection webhook injects a pod, and which label decides.

    \b
    Example:
      kubectl mesh check-inject deploy/web -n shop
    """
    from kubectl_mesh.diagnosis import describe, injection
    from kubectl_mesh.diagnosis.lookup import Lookup, namespace_of
    from kubectl_mesh.diagnosis.lookup import labels as labels_of
    from kubectl_mesh.reports.injection import checks

    form = check_output(output, allowed=("text", "json", "yaml"))
    if bool(pod) == bool(labels):
        raise UsageError("name a pod, or use --labels, but not both", hint="kubectl mesh check-inject deploy/web")
    lookup = Lookup(source=call.source, home=call.namespace)
    document = describe.find(lookup, "Pod", pod, within=call.namespace) if pod else None
    home = namespace_of(document) if document is not None else call.home
    namespace = lookup.get("Namespace", "", home)
    if namespace is None:
        raise NothingFound(f"{home}: no such namespace", hint="kubectl get namespaces")
    wanted = labels_of(document) if document is not None else injection.read_labels(labels)
    found = injection.check(lookup, namespace=labels_of(namespace), pod=wanted)
    if form != "text":
        call.write(structured.render(structured.document("InjectionCheck", {"webhooks": found}), form=form, indent=2))
        return
    if not found:
        call.write("ERROR: no Istio injection hooks present.\n")
        return
    call.write(render(checks(found)))
    if sum(row.injected for row in found) > 1:
        call.write("ERROR: multiple webhooks will inject, which can lead to errors\n")

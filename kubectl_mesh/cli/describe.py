"""`kubectl mesh describe`: what applies to a pod or a service."""

from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.diagnosis.config_dump import reading
from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.render import structured
from kubectl_mesh.render.describe import render
from kubectl_mesh.reports.describe import DescribeReport

app = group("Show everything that applies to a pod or a service.")
Output = Annotated[str, typer.Option("-o", "--output", metavar="text|json|yaml", help="Output format.")]
IgnoreUnmeshed = Annotated[bool, typer.Option("--ignoreUnmeshed", help="Do not warn about pods outside the mesh.")]


def _lookup(call: Call) -> Lookup:
    istio = call.settings.connection.istio_namespace
    return Lookup(source=call.source, home=call.home, istio_namespace=istio)


def _show(call: Call, report: DescribeReport, form: str) -> None:
    if form == "text":
        call.write(render(report))
    else:
        call.write(structured.render(structured.document("Description", report), form=form, indent=2))


@add(app, "pod", "po", "pods")
@command
def pod(
    call: Call,
    target: Annotated[str, typer.Argument(metavar="[NAMESPACE/][KIND/]NAME", show_default=False)],
    ignore_unmeshed: IgnoreUnmeshed = False,
    output: Output = "text",
) -> None:
    """Describe a pod: its services, the rules that apply to it, its mTLS mode, and the gateways that lead to it.

    \b
    Example:
      kubectl mesh describe pod deploy/web -n shop
    """
    from kubectl_mesh.diagnosis import describe

    form = check_output(output, allowed=("text", "json", "yaml"))
    with reading("the mesh"):
        report = describe.of_pod(_lookup(call), target, within=call.namespace, ignore_unmeshed=ignore_unmeshed)
    _show(call, report, form)


@add(app, "service", "svc", "services")
@command
def service(
    call: Call,
    service: Annotated[str, typer.Argument(metavar="[NAMESPACE/]NAME", show_default=False)],
    ignore_unmeshed: IgnoreUnmeshed = False,
    output: Output = "text",
) -> None:
    """Describe a service, as the proxy of its first usable pod sees it.

    \b
    Example:
      kubectl mesh describe service cart -n shop
    """
    from kubectl_mesh.diagnosis import describe

    form = check_output(output, allowed=("text", "json", "yaml"))
    with reading("the mesh"):
        report = describe.of_service(_lookup(call), service, within=call.namespace)
    _show(call, report, form)

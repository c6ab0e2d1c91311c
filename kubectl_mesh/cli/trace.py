"""`kubectl mesh trace`: where a request goes, and why."""

from dataclasses import replace
from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.errors import UsageError
from kubectl_mesh.render import structured
from kubectl_mesh.reports.trace import TraceReport
from kubectl_mesh.sources.base import MeshSource
from kubectl_mesh.sources.progress import waiting
from kubectl_mesh.sources.recorded import RecordedProxy
from simulator.model.requests import Request

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SETTINGS = {"help_option_names": ["-h", "--help"]}

Headers = Annotated[
    list[str] | None,
    typer.Option("-H", "--header", metavar="'NAME: VALUE'", help="Header of the request. May be repeated."),
]
Resolve = Annotated[
    list[str] | None,
    typer.Option("--resolve", metavar="HOST:IP", help="Resolve HOST to IP instead of asking DNS.", show_default=False),
]


@app.command(cls=MeshCommand, context_settings=_SETTINGS)
@command
def trace(
    call: Call,
    from_: Annotated[str, typer.Argument(metavar="FROM", show_default=False)],
    url: Annotated[str, typer.Argument(metavar="URL", show_default=False)] = "",
    method: Annotated[
        str,
        typer.Option("-X", "--request", metavar="METHOD", help="HTTP method (GET; POST for gRPC).", show_default=False),
    ] = "",
    header: Headers = None,
    source_ip: Annotated[str, typer.Option("--source-ip", metavar="IP", help="Source address of the request.")] = "",
    sni: Annotated[str, typer.Option("--sni", metavar="NAME", help="Server name (SNI) of the client's TLS.")] = "",
    tls: Annotated[
        str, typer.Option("--tls", metavar="none|simple|mutual", help="TLS that the application itself speaks.")
    ] = "",
    random: Annotated[
        float | None,
        typer.Option(
            "--random", metavar="0..1", help="Decide random choices: weights, faults, endpoints.", show_default=False
        ),
    ] = None,
    resolve: Resolve = None,
    inbound: Annotated[
        bool, typer.Option("--inbound", help="With a saved dump: a request that arrives at its proxy.")
    ] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show what was tried and did not match.")] = False,
    output: Annotated[str, typer.Option("-o", "--output", metavar="text|json|yaml", help="Output format.")] = "text",
) -> None:
    """Follow a request from FROM to URL, hop by hop: what each proxy chose, why, and which line says so.

    FROM is a workload ([NAMESPACE/][KIND/]NAME), a gateway (gateway/NAME), or `outside`, a client outside the mesh.
    Leave it out when -f names a saved config dump: then that one proxy answers.

    \b
    Examples:
      kubectl mesh trace --demo deploy/web http://catalog/search -n shop -H 'x-shop-tester: true'
      kubectl mesh trace -f k8s/ outside https://shop.example.com/cart
      kubectl mesh trace -f config_dump.json http://catalog.shop/search
    """
    from kubectl_mesh.diagnosis.request_line import RequestFlags, read_request, resolutions

    form = check_output(output, allowed=("text", "json", "yaml"))
    if not url and not isinstance(call.source, RecordedProxy):
        raise UsageError("no URL", hint=f"kubectl mesh trace {from_} http://HOST:PORT/PATH")
    from_, url = (from_, url) if url else ("", from_)
    flags = RequestFlags(method=method, headers=header or (), source_ip=source_ip, sni=sni, tls=tls, random=random)
    request, known = read_request(url, flags), resolutions(resolve or ())
    source = call.source
    with waiting("following the request"):
        found = _ask(source, request, known, from_=from_, url=url, inbound=inbound, namespace=call.namespace)
    if form == "text":
        from kubectl_mesh.render import trace as text

        call.write_wrapped(text.render(found, palette=call.palette, verbose=verbose))
    else:
        call.write(structured.render(structured.document("Trace", found), form=form, indent=2))


def _ask(
    source: MeshSource,
    request: Request,
    known: dict[str, str],
    *,
    from_: str,
    url: str,
    inbound: bool,
    namespace: str,
) -> TraceReport:
    from kubectl_mesh.diagnosis import prediction
    from kubectl_mesh.diagnosis.mesh_directory import directory_of
    from kubectl_mesh.diagnosis.trace import report
    from simulator.model.directory import Directory

    if isinstance(source, RecordedProxy):
        trace = prediction.through_proxy(source, request, inbound=inbound, resolve=known)
        return report(trace, directory=Directory(), url=url, from_=from_ or trace.source)
    directory = replace(directory_of(source), resolve=known)
    trace = prediction.through_mesh(source, directory, request, from_=from_, namespace=namespace)
    return report(trace, directory=directory, url=url, from_=from_)

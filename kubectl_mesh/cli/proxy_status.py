"""`kubectl mesh proxy-status`: which proxies are in sync with istiod."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.cli.waiting import Waiting, until
from kubectl_mesh.errors import ExitCode, UsageError
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render
from kubectl_mesh.reports import proxy_status as report

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SETTINGS = {"help_option_names": ["-h", "--help"]}


@app.command(cls=MeshCommand, context_settings=_SETTINGS)
@command
def proxy_status(
    call: Call,
    pod: Annotated[str, typer.Argument(metavar="[NAMESPACE/][KIND/]NAME", show_default=False)] = "",
    verbosity: Annotated[
        int, typer.Option("-v", "--verbosity", metavar="N", help="1 shows a column for each type of configuration.")
    ] = 0,
    only: Annotated[
        str,
        typer.Option("--only", metavar="unsynced", help="Only show proxies that are not in sync.", show_default=False),
    ] = "",
    config: Annotated[
        str,
        typer.Option(
            "--config", metavar="KIND/NAME", help="Show which proxies hold this resource.", show_default=False
        ),
    ] = "",
    wait: Annotated[bool, typer.Option("-w", "--wait", help="Wait until all are in sync (or hold --config).")] = False,
    wait_timeout: Annotated[float, typer.Option("--wait-timeout", metavar="SECONDS", help="How long to wait.")] = 60,
    output: Annotated[str, typer.Option("-o", "--output", metavar="table|json|yaml", help="Output format.")] = "table",
) -> None:
    """Show which proxies are in sync with istiod, or how one differs from what istiod sent it.

    Exits with 1 when a proxy is not in sync, or not connected.

    \b
    Examples:
      kubectl mesh proxy-status
      kubectl mesh proxy-status deploy/web -n shop
      kubectl mesh proxy-status --config virtualservice/catalog -n shop --wait
    """
    from kubectl_mesh.diagnosis import proxy_status as question

    form = check_output(output, allowed=("table", "json", "yaml"))
    if only not in ("", "unsynced"):
        raise UsageError(f"--only {only}: not known", hint="--only unsynced")
    if pod:
        from kubectl_mesh.cli.proxy_difference import show

        show(call, pod)
        return
    waiting = Waiting(wanted=wait, seconds=wait_timeout)
    if config:
        from kubectl_mesh.cli.proxy_holders import show_holders

        show_holders(call, config, form=form, waiting=waiting)
        return
    found = until(
        call,
        lambda source: question.diagnose(source, namespace=call.namespace, now=datetime.now(UTC)),
        done=lambda report: report.in_sync,
        waiting=waiting,
    )
    shown = replace(found, proxies=tuple(row for row in found.proxies if not (only and row.in_sync)))
    if form == "table":
        _show(call, shown, verbosity=verbosity)
    else:
        for document in question.documents(question.responses(call.source), namespace=call.namespace):
            call.write(structured.render(document, form=form))
    call.finish(ExitCode.CLEAN if found.in_sync else ExitCode.FINDINGS)


def _show(call: Call, shown: report.ProxyStatusReport, *, verbosity: int) -> None:
    from kubectl_mesh.diagnosis import proxy_status as question

    names = question.SHORT_NAMES
    if verbosity > 0:
        call.write(render(report.by_type(shown, question.every_type(shown), short_names=names)))
    else:
        call.write(render(report.overview(shown, short_names=names)))
    if shown.disconnected:
        call.write("\n" + render(report.disconnected(shown)))
    if (refused := report.rejections(shown, short_names=names)) is not None:
        call.write("\n" + render(refused))

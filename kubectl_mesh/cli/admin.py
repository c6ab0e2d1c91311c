"""`kubectl mesh admin log`: the log levels of istiod."""

from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.diagnosis import istiod_logging as question
from kubectl_mesh.diagnosis import istiod_pods
from kubectl_mesh.errors import UsageError
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render
from kubectl_mesh.reports import istiod_logging as report
from simulator.model.proxies import ProxyId

app = group("Manage istiod.")
Levels = Annotated[str, typer.Option("--level", metavar="SCOPE:LEVEL,…", help="Set log levels.", show_default=False)]
Traces = Annotated[
    str,
    typer.Option("--stack-trace-level", metavar="SCOPE:LEVEL,…", help="Set stack trace levels.", show_default=False),
]
Selector = Annotated[str, typer.Option("-l", "--selector", metavar="LABELS", help="Labels of istiod's pods.")]


@add(app, "log", "l")
@command
def log(
    call: Call,
    pod: Annotated[str, typer.Argument(metavar="[POD]", show_default=False)] = "",
    level: Levels = "",
    stack_trace_level: Traces = "",
    reset: Annotated[bool, typer.Option("--reset", help="Reset all log and stack trace levels.")] = False,
    log_reset: Annotated[bool, typer.Option("--log-reset", help="Set all log levels to info.")] = False,
    stack_trace_reset: Annotated[
        bool, typer.Option("--stack-trace-reset", help="Set all stack trace levels to none.")
    ] = False,
    selector: Selector = istiod_pods.DEFAULT_SELECTOR,
    port: Annotated[
        int, typer.Option("--ctrlz_port", "--ctrlz-port", metavar="PORT", help="Port of ControlZ.")
    ] = question.CONTROLZ,
    revision: Annotated[
        str, typer.Option("-r", "--revision", metavar="REV", help="Revision of istiod.", show_default=False)
    ] = "",
    output: Annotated[str, typer.Option("-o", "--output", metavar="short|json|yaml", help="Output format.")] = "short",
) -> None:
    """Show or change istiod's log levels: none, error, warn, info, debug.

    \b
    Example:
      kubectl mesh admin log --level ads:debug,authorization:debug --stack-trace-level ads:error
    """
    form = check_output(output, allowed=("short", "json", "yaml"))
    if level and (reset or log_reset):
        raise UsageError("--level cannot be combined with --reset, --log-reset")
    if stack_trace_level and (reset or stack_trace_reset):
        raise UsageError("--stack-trace-level cannot be combined with --reset, --stack-trace-reset")
    levels, traces = question.read_pairs(level), question.read_pairs(stack_trace_level)
    istiod = _istiod(call, pod, selector=selector, revision=revision)
    if reset or log_reset or stack_trace_reset:
        question.reset(
            call.source, istiod, levels=reset or log_reset, stack_traces=reset or stack_trace_reset, port=port
        )
    elif levels or traces:
        question.change(call.source, istiod, levels=levels, stack_traces=traces, port=port)
    else:
        found = question.scopes(call.source, istiod, port=port)
        if form == "short":
            call.write(render(report.table(found)))
        else:
            call.write(structured.render(report.documents(found), form=form, indent=2))


def _istiod(call: Call, pod: str, *, selector: str, revision: str) -> ProxyId:
    """Return the pod that is named, or the first of those that the labels select."""
    namespace = call.settings.connection.istio_namespace
    if pod:
        return istiod_pods.named(call.source, pod, namespace=namespace)
    found = istiod_pods.find(call.source, namespace=namespace, selector=selector, revision=revision)
    if len(found) > 1:
        call.note(f"more than 1 pods fits selector: {selector}; will use pod: {found[0].name}")
    return found[0]

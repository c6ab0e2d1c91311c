"""`kubectl mesh experimental envoy-stats`: what proxies count."""

from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.diagnosis import statistics as question
from kubectl_mesh.diagnosis.config_dump import decode
from kubectl_mesh.diagnosis.dashboards import pods_selected
from kubectl_mesh.diagnosis.targets import find_proxies
from kubectl_mesh.errors import NothingFound, UsageError
from kubectl_mesh.render import structured
from simulator.model.proxies import ProxyId


@command
def envoy_stats(
    call: Call,
    pod: Annotated[str, typer.Argument(metavar="[NAMESPACE/][KIND/]NAME", show_default=False)] = "",
    kind: Annotated[
        str,
        typer.Option("-t", "--type", metavar="server|clusters", help="Statistics of the server or of its clusters."),
    ] = "server",
    selector: Annotated[
        str,
        typer.Option(
            "-l", "--selector", metavar="LABELS", help="Proxies of pods with these labels.", show_default=False
        ),
    ] = "",
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="short|json|yaml|prom|prom-merged", help="Output format.")
    ] = "short",
) -> None:
    """Show the statistics of a proxy, or of its clusters.

    \b
    Example:
      kubectl mesh experimental envoy-stats deploy/web -n shop --type clusters
    """
    form = check_output(output, allowed=question.FORMS)
    if not pod and not selector:
        raise UsageError("stats requires pod name or label selector")
    if pod and selector:
        raise UsageError("name cannot be provided when the label selector is specified")
    for proxy in _selected(call, selector) if selector else find_proxies(call.source, pod, namespace=call.namespace):
        data = question.page(call.source, proxy, kind=kind, form=form)
        if form in ("json", "yaml"):
            call.write(structured.render(decode(data, subject=f"statistics of {proxy}"), form=form))
        else:
            call.write(f"\nThe result of pod {proxy.name}:\n\n{data.decode(errors='replace').rstrip()}\n")


def _selected(call: Call, selector: str) -> list[ProxyId]:
    """Return the proxies among the pods with some labels."""
    spaces = (call.namespace,) if call.namespace else ()
    known = set(call.source.proxies())
    found = [one for one in pods_selected(call.source, selector, namespaces=spaces) if one in known]
    if not found:
        raise NothingFound(f"no proxies found with selector {selector}", hint=f"kubectl get pods -A -l {selector}")
    return found

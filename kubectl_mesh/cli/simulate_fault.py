"""`kubectl mesh simulate fault`: what a served mesh does wrong on purpose, while it runs."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.errors import InputError, NothingFound, UsageError
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render
from kubectl_mesh.reports.faults import faults_table
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

if TYPE_CHECKING:
    from kubectl_mesh.sources.live.faults import ServedFaults

app = group("Let a served mesh do something wrong, list what it does wrong, and end it.")
_OF_PODS = frozenset({"unready", "istiod-down", "istiod-slow"})
Words = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", show_default=False)]


def _text(flag: str, metavar: str, text: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=text, show_default=False)


@add(app, "add")
@command
def begin(
    call: Call,
    fault: Annotated[str, typer.Argument(metavar="FAULT", show_default=False)],
    names: Words = None,
    types: Annotated[str, _text("--type", "CDS,LDS,…", "Types of configuration.")] = "",
    message: Annotated[str, _text("--message", "TEXT", "What the proxy says of an update that it rejects.")] = "",
    resource: Annotated[str, _text("--resource", "NAME", "The Envoy resource that drifts.")] = "",
    merge: Annotated[str, _text("--merge", "JSON", "What it holds differently; without it, it lacks it.")] = "",
    version: Annotated[str, _text("--version", "VERSION", "Version of Istio that the proxy runs.")] = "",
    seconds: Annotated[float, _text("--seconds", "SECONDS", "How late answers come.")] = 0.0,
    eds_cluster: Annotated[str, _text("--fqdn", "PATTERN", "Clusters whose endpoints are ejected.")] = "",
    kinds: Annotated[str, _text("--resources", "PODS,…", "API resources that are refused or cut.")] = "",
) -> None:
    """Begin a fault on the mesh of `simulate serve`. NAMEs are proxies or pods; `*` stands for any text.

    \b
    On proxies:
      stale, not-sent (--type), rejected (--message), disconnected, old-version (--version)
      drifted (--type, --resource, --merge): holds what istiod did not send
      ejected (--fqdn): endpoints that failed too often get no requests
    On pods: unready. On istiods: istiod-down, istiod-slow (--seconds).
    On the API server: api-slow (--seconds), api-forbidden (--resources), api-expired, api-truncated (--resources).

    \b
    Examples:
      kubectl mesh simulate fault add stale deploy/web -n shop
      kubectl mesh simulate fault add rejected 'web-*.shop' --message 'Error adding listener(s) virtualInbound: …'
      kubectl mesh simulate fault add api-forbidden --resources pods/portforward
    """
    given: dict[str, Any] = {
        "types": [each.strip().upper() for each in types.split(",") if each],
        "message": message,
        "resource": resource,
        "merge": _json(merge),
        "version": version,
        "seconds": seconds,
        "cluster": eds_cluster,
        "resources": [each.strip() for each in kinds.split(",") if each],
    }
    document: Json = {"fault": fault} | {name: value for name, value in given.items() if value}
    if names:
        document["target"] = [found for name in names for found in _targets(call, fault, name)]
    elif call.namespace and not fault.startswith(("api-", "istiod-")):
        document["target"] = [f"*.{call.namespace}"]
    _show(call, [_served(call).begin(document)])


@add(app, "list")
@command
def listing(
    call: Call,
    output: Annotated[str, typer.Option("-o", "--output", metavar="table|json|yaml", help="Output format.")] = "table",
) -> None:
    """List the faults that a served mesh plays.

    \b
    Example:
      kubectl mesh simulate fault list
    """
    form = check_output(output, allowed=("table", "json", "yaml"))
    found = list(_served(call).playing())
    if form != "table":
        call.write(structured.render({"faults": found}, form=form))
    elif found:
        _show(call, found)
    else:
        call.note("no faults are being played")


@add(app, "clear")
@command
def clear(
    call: Call, numbers: Annotated[list[int] | None, typer.Argument(metavar="[NUMBER]...", show_default=False)] = None
) -> None:
    """End faults by their numbers, or all of them.

    \b
    Example:
      kubectl mesh simulate fault clear 2
    """
    served = _served(call)
    ended = sum(served.end(number) for number in numbers) if numbers else served.end()
    call.write(f"{ended} {'fault' if ended == 1 else 'faults'} ended\n")


def _served(call: Call) -> "ServedFaults":
    from kubectl_mesh.sources.live.faults import ServedFaults

    if call.settings.files or call.settings.demo or call.settings.bundle:
        raise UsageError("faults are played on a served mesh", hint="kubectl mesh simulate serve --faults FILE")
    return ServedFaults(call.settings.connection)


def _targets(call: Call, fault: str, name: str) -> list[str]:
    from kubectl_mesh.diagnosis.targets import find_among, find_proxies

    if "*" in name:
        return [name if "." in name else f"{name}.{call.namespace or '*'}"]
    if fault not in _OF_PODS:
        return [str(proxy) for proxy in find_proxies(call.source, name, namespace=call.namespace)]
    pods = [ProxyId(pod["metadata"]["name"], pod["metadata"]["namespace"]) for pod in call.source.resources("Pod")]
    found = find_among(call.source, name, pods, namespace=call.namespace)
    if not found:
        raise NothingFound(f"{name}: no such pod", hint="kubectl get pods -A")
    return [str(pod) for pod in found]


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise InputError(f"--merge: not JSON: {error}") from error


def _show(call: Call, faults: list[Json]) -> None:
    call.write(render(faults_table(faults)))

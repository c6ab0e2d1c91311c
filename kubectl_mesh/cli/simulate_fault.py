"""`kubectl mesh simulate fault`: what a served mesh does wrong on purpose, while it runs."""

import json
from difflib import get_close_matches
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

app = group("Start, list and end faults of a mesh served by `simulate serve`.")
_OF_PODS = frozenset({"unready", "istiod-down", "istiod-slow"})
_OPTIONS = {"types": "--type", "cluster": "--fqdn"}
"""Options whose names are not those of the fields of a fault."""
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
    message: Annotated[str, _text("--message", "TEXT", "Why the proxy rejects the update.")] = "",
    resource: Annotated[str, _text("--resource", "NAME", "Envoy resource that drifts.")] = "",
    merge: Annotated[str, _text("--merge", "JSON", "Fields that differ; without it, the resource is missing.")] = "",
    version: Annotated[str, _text("--version", "VERSION", "Version of Istio that the proxy runs.")] = "",
    seconds: Annotated[float, _text("--seconds", "SECONDS", "How late the answers are.")] = 0.0,
    eds_cluster: Annotated[str, _text("--fqdn", "PATTERN", "Clusters whose endpoints are ejected.")] = "",
    kinds: Annotated[str, _text("--resources", "PODS,…", "API resources that are refused or cut short.")] = "",
) -> None:
    """Start a fault on a mesh served by `simulate serve`. NAMEs are proxies or pods; `*` matches any text.

    \b
    Faults:
      stale          a proxy keeps its old configuration (--type)
      not-sent       a proxy is not sent a type (--type)
      rejected       a proxy rejects an update (--message)
      drifted        a proxy holds what istiod did not send (--type, --resource, --merge)
      disconnected   a proxy has no connection to istiod
      old-version    a proxy runs another version of Istio (--version)
      ejected        a proxy ejects failing endpoints (--fqdn)
      unready        a pod fails its readiness probe
      istiod-down    istiod refuses connections
      istiod-slow    istiod answers late (--seconds)
      api-slow       the API server answers late (--seconds)
      api-expired    the API server calls every token expired
      api-forbidden  the API server refuses some resources (--resources)
      api-truncated  the API server cuts some replies short (--resources)

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
    _check(document)
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
    """List the active faults of a served mesh.

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
        call.note("no faults are active")


@add(app, "clear")
@command
def clear(
    call: Call, numbers: Annotated[list[int] | None, typer.Argument(metavar="[NUMBER]...", show_default=False)] = None
) -> None:
    """End faults by number; without numbers, all of them.

    \b
    Example:
      kubectl mesh simulate fault clear 2
    """
    served = _served(call)
    ended = sum(served.end(number) for number in numbers) if numbers else served.end()
    call.write(f"{ended} {'fault' if ended == 1 else 'faults'} ended\n")


def _check(document: Json) -> None:
    """Refuse a fault that cannot be played, in the words of the command line, before a cluster is asked."""
    from simulator.faults.decoding import FaultError, decode_fault
    from simulator.faults.model import RULES, FaultKind

    name = document["fault"]
    kinds = [kind.value for kind in FaultKind]
    if name not in kinds:
        close = get_close_matches(name, kinds, n=1)
        hint = f"did you mean {close[0]}?" if close else f"faults are {', '.join(kinds)}"
        raise UsageError(f'no fault is called "{name}"', hint=hint)
    rule, given = RULES[FaultKind(name)], set(document) - {"fault"}
    for fields, verb in ((rule.required - given, "needs"), (given - rule.required - rule.optional, "has no")):
        if fields:
            options = " and ".join(_OPTIONS.get(each, f"--{each}") for each in sorted(fields))
            raise UsageError(f"{name} {verb} {options}", hint="kubectl mesh simulate fault add --help")
    try:
        decode_fault(document)
    except FaultError as error:
        raise UsageError(str(error).removeprefix("fault.").removeprefix("fault: "), hint=error.hint) from error


def _served(call: Call) -> "ServedFaults":
    from kubectl_mesh.sources.live.faults import ServedFaults

    if call.settings.files or call.settings.demo or call.settings.bundle:
        raise UsageError("faults need a served mesh", hint="kubectl mesh simulate serve --faults FILE")
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

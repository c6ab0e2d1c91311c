"""`kubectl mesh proxy-config log` and `rootca-compare`: commands of proxy-config that show no table."""

from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import add
from kubectl_mesh.cli.proxy_config import SECRETS, Pod, app, fetch
from kubectl_mesh.diagnosis import log_levels
from kubectl_mesh.diagnosis.lookup import labels, name_of, namespace_of
from kubectl_mesh.diagnosis.targets import find_proxies
from kubectl_mesh.errors import ExitCode, NothingFound, UsageError
from kubectl_mesh.render import structured
from simulator.model.labels import selects
from simulator.model.proxies import ProxyId


@add(app, "log", "o")
@command
def log(
    call: Call,
    pod: Pod = "",
    selector: Annotated[
        str, typer.Option("-l", "--selector", metavar="LABELS", help="Proxies of pods with these labels.")
    ] = "",
    level: Annotated[
        str, typer.Option("--level", metavar="[LOGGER:]LEVEL,…", help="Set levels: trace, debug, info, …, off.")
    ] = "",
    reset: Annotated[bool, typer.Option("-r", "--reset", help="Set every level to warning.")] = False,
    output: Annotated[str, typer.Option("-o", "--output", metavar="short|json|yaml", help="Output format.")] = "short",
) -> None:
    """Show or change the log levels of proxies.

    \b
    Example:
      kubectl mesh proxy-config log deploy/web -n shop --level rbac:debug,http:debug
    """
    form = check_output(output, allowed=("short", "json", "yaml"))
    if not pod and not selector:
        raise UsageError("log requires pod name or --selector")
    if level and reset:
        raise UsageError("--level cannot be combined with --reset")
    wanted = log_levels.default_levels() if reset else log_levels.read_levels(level)
    proxies = _selected(call, selector) if selector else find_proxies(call.source, pod, namespace=call.namespace)
    texts = {proxy: log_levels.apply(call.source, proxy, wanted) for proxy in proxies}
    if form == "short":
        call.write("".join(texts.values()))
        return
    levels = [{"proxy": str(proxy), "levels": log_levels.levels_of(text)} for proxy, text in texts.items()]
    call.write(structured.render(structured.document("LogLevels", {"proxies": levels}), form=form, indent=2))


def _selected(call: Call, selector: str) -> list[ProxyId]:
    pairs = dict(part.partition("=")[::2] for part in selector.split(","))
    proxies = set(call.source.proxies())
    pods = call.source.resources("Pod", call.namespace or None)
    found = [ProxyId(name_of(pod), namespace_of(pod)) for pod in pods if selects(pairs, labels(pod))]
    if not proxies & set(found):
        raise NothingFound("no pods found", hint=f"kubectl get pods -A -l {selector}")
    return [proxy for proxy in found if proxy in proxies]


@add(app, "rootca-compare", "rc")
@command
def rootca_compare(
    call: Call,
    one: Annotated[str, typer.Argument(metavar="POD", show_default=False)],
    other: Annotated[str, typer.Argument(metavar="POD", show_default=False)],
) -> None:
    """Show whether two proxies trust the same root certificate. Exits with 1 when they do not.

    \b
    Example:
      kubectl mesh proxy-config rootca-compare web.shop ledger.payments
    """
    from kubectl_mesh.diagnosis.root_certificates import share_a_root

    first, second = (find_proxies(call.source, name, namespace=call.namespace)[0] for name in (one, other))
    shared = share_a_root(fetch(call, str(first), SECRETS), fetch(call, str(second), SECRETS))
    word, end = ("identical", "available") if shared else ("non identical", "unavailable")
    call.write(
        f"Both [{first}] and [{second}] have the {word} ROOTCA, theoretically the connectivity between them is {end}\n"
    )
    call.finish(ExitCode.CLEAN if shared else ExitCode.FINDINGS)

"""`kubectl mesh ztunnel-config`: what a ztunnel holds, in istioctl's tables."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.cli.proxy_config import Output, show
from kubectl_mesh.diagnosis import ztunnel as question
from kubectl_mesh.diagnosis.config_dump import decode, reading
from kubectl_mesh.diagnosis.log_levels import posted
from kubectl_mesh.diagnosis.ztunnel_log import log_request
from kubectl_mesh.diagnosis.ztunnel_pods import FoundZtunnel, find_ztunnel, find_ztunnels, ztunnels
from kubectl_mesh.errors import UsageError
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render
from kubectl_mesh.sources.recorded import RecordedProxy

app = group("Show what a ztunnel holds, in istioctl's tables.")
Pod = Annotated[str, typer.Argument(metavar="[NAMESPACE/][KIND/]NAME", show_default=False)]


def _text(flag: str, metavar: str, explain: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=explain, show_default=False)


InNamespace = Annotated[str, _text("--workload-namespace", "NS", "Only workloads of this namespace.")]


Node = Annotated[str, _text("--node", "NODE", "Ask the ztunnel of this node.")]


def _found(call: Call, pod: str, node: str, *, single: bool = False) -> FoundZtunnel:
    """Return the ztunnel to ask; one of a saved document is the only one there is."""
    if isinstance(call.source, RecordedProxy):
        if pod or node:
            raise UsageError("at most one of --file, --node, or pod name must be passed")
        return FoundZtunnel(ztunnel=call.source.proxies()[0])
    home = call.settings.connection.istio_namespace
    return find_ztunnel(call.source, pod, namespace=call.namespace, home=home, node=node, single=single)


def _dump(call: Call, found: FoundZtunnel) -> question.ZtunnelDump:
    with reading("the document of the ztunnel"):
        return question.ZtunnelDump.parse(call.source.envoy(found.ztunnel, "config_dump"))


def _remark(call: Call, words: str) -> None:
    if words:
        call.note(words)


@add(app, "workload", "workloads", "w")
@command
def workload(
    call: Call,
    pod: Pod = "",
    address: Annotated[str, _text("--address", "ADDRESS", "Only workloads with this address.")] = "",
    within: InNamespace = "",
    node: Annotated[str, _text("--workload-node", "NODE", "Only workloads on this node.")] = "",
    from_node: Node = "",
    output: Output = "short",
) -> None:
    """Show the workloads that a ztunnel knows.

    \b
    Example:
      kubectl mesh ztunnel-config workload -f ztunnel.json --workload-namespace shop
    """
    found = _found(call, pod, from_node)
    dump, one = _dump(call, found), found.workload
    wanted = question.WorkloadFilter(
        address=address,
        namespace=one.namespace if one else within,
        node=node,
        name=one.name if one else "",
    )
    show(
        call,
        output,
        table=lambda: question.workloads(dump, wanted),
        documents=lambda: question.workload_documents(dump, wanted),
    )


@add(app, "service", "services", "s", "svc")
@command
def service(
    call: Call,
    pod: Pod = "",
    within: Annotated[str, _text("--service-namespace", "NS", "Only services of this namespace.")] = "",
    from_node: Node = "",
    output: Output = "short",
) -> None:
    """Show the services that a ztunnel knows.

    \b
    Example:
      kubectl mesh ztunnel-config service -f ztunnel.json
    """
    dump = _dump(call, _found(call, pod, from_node))
    show(
        call,
        output,
        table=lambda: question.services(dump, namespace=within),
        documents=lambda: question.service_documents(dump, namespace=within),
    )


@add(app, "policy", "policies", "p", "pol")
@command
def policy(
    call: Call,
    pod: Pod = "",
    within: Annotated[str, _text("--policy-namespace", "NS", "Only policies of this namespace.")] = "",
    from_node: Node = "",
    output: Output = "short",
) -> None:
    """Show the authorization policies that a ztunnel enforces.

    \b
    Example:
      kubectl mesh ztunnel-config policy -f ztunnel.json
    """
    dump = _dump(call, _found(call, pod, from_node))
    show(
        call,
        output,
        table=lambda: question.policies(dump, namespace=within),
        documents=lambda: question.policy_documents(dump, namespace=within),
    )


@add(app, "certificate", "certificates", "certs", "cert")
@command
def certificate(call: Call, pod: Pod = "", from_node: Node = "", output: Output = "short") -> None:
    """Show the certificates that a ztunnel holds for its workloads.

    \b
    Example:
      kubectl mesh ztunnel-config certificate -f ztunnel.json
    """
    dump = _dump(call, _found(call, pod, from_node, single=True))
    _remark(call, question.missing_certificates(dump))
    show(
        call,
        output,
        table=lambda: question.certificates(dump, now=datetime.now(UTC)),
        documents=lambda: question.certificate_documents(dump),
    )


@add(app, "connections", "cons")
@command
def connections(
    call: Call,
    pod: Pod = "",
    direction: Annotated[str, _text("--direction", "inbound|outbound", "Only connections of this direction.")] = "",
    raw: Annotated[bool, typer.Option("--raw", help="Show addresses instead of names.")] = False,
    within: InNamespace = "",
    from_node: Node = "",
    output: Output = "short",
) -> None:
    """Show the connections that a ztunnel carries.

    \b
    Example:
      kubectl mesh ztunnel-config connections -f ztunnel.json --raw
    """
    found = _found(call, pod, from_node, single=True)
    dump, one = _dump(call, found), found.workload
    wanted = question.ConnectionFilter(
        namespace=one.namespace if one else within,
        workload=one.name if one else "",
        direction=direction,
        raw=raw,
    )
    _remark(call, question.missing_connections(dump, wanted))
    show(
        call,
        output,
        table=lambda: question.connections(dump, wanted),
        documents=lambda: question.connection_documents(dump, wanted),
    )


@add(app, "all")
@command
def everything(
    call: Call,
    pod: Pod = "",
    with_headers: Annotated[bool, typer.Option("--with-headers", help="Print a title above each table.")] = False,
    from_node: Node = "",
    output: Output = "short",
) -> None:
    """Show everything that a ztunnel holds.

    \b
    Example:
      kubectl mesh ztunnel-config all -f ztunnel.json --with-headers
    """
    form = check_output(output, allowed=("short", "json", "yaml"))
    found = _found(call, pod, from_node).ztunnel
    if not pod and not from_node and len(ztunnels(call.source)) > 1:
        call.note(f"certificates and connections are those of {found}: every ztunnel has its own (--node NODE)")
    data = call.source.envoy(found, "config_dump")
    if form != "short":
        document = decode(data, subject="config dump")
        call.write(data.decode().rstrip("\n") + "\n" if form == "json" else structured.to_yaml(document))
        return
    with reading("the document of the ztunnel"):
        call.write(summary(question.ZtunnelDump.parse(data), titles=with_headers, now=datetime.now(UTC)))


def summary(dump: question.ZtunnelDump, *, titles: bool, now: datetime) -> str:
    """Return all tables, each after a blank line."""
    tables: tuple[tuple[str, Any], ...] = (
        ("WORKLOAD", question.workloads(dump, question.WorkloadFilter())),
        ("SERVICE", question.services(dump)),
        ("POLICY", question.policies(dump)),
        ("SECRET", question.certificates(dump, now=now)),
        ("CONNECTIONS", question.connections(dump, question.ConnectionFilter())),
    )
    head = "------ {} INFO ------\n\n" if titles else ""
    return "".join("\n" + head.format(title) + render(table) for title, table in tables)


@add(app, "log", "o")
@command
def log(
    call: Call,
    pod: Pod = "",
    level: Annotated[str, _text("--level", "[SCOPE:]LEVEL,…", "Set levels: trace, debug, info, …, off.")] = "",
    reset: Annotated[bool, typer.Option("-r", "--reset", help="Set the level to info.")] = False,
) -> None:
    """Show or change the log level of one ztunnel; without a name, of all.

    \b
    Example:
      kubectl mesh ztunnel-config log --level access:debug,info
    """
    if level and reset:
        raise UsageError("--level cannot be combined with --reset")
    path = log_request(level, reset=reset)
    home = call.settings.connection.istio_namespace
    for one in find_ztunnels(call.source, pod, namespace=call.namespace, home=home):
        call.write(f"{one}:\n{posted(call.source, one, path)}\n")

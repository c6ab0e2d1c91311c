"""`kubectl mesh ztunnel-config`: what a ztunnel holds, in istioctl's tables."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.cli.proxy_config import Output, show
from kubectl_mesh.diagnosis import ztunnel as question
from kubectl_mesh.diagnosis.config_dump import decode, reading
from kubectl_mesh.diagnosis.targets import find_proxy
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render
from kubectl_mesh.sources.recorded import RecordedProxy

app = group("Show what a ztunnel holds, in istioctl's tables.")
Pod = Annotated[str, typer.Argument(metavar="[NAMESPACE/][KIND/]NAME", show_default=False)]


def _text(*flags: str, explain: str) -> Any:
    return typer.Option(*flags, help=explain, show_default=False)


InNamespace = Annotated[str, _text("--workload-namespace", explain="Keep workloads of this namespace.")]


def _data(call: Call, pod: str) -> bytes:
    """Return a ztunnel's config dump; without a name that of the first ztunnel."""
    if isinstance(call.source, RecordedProxy):
        return call.source.envoy(call.source.proxies()[0], "config_dump")
    home = call.namespace or call.settings.connection.istio_namespace
    return call.source.envoy(find_proxy(call.source, pod or "daemonset/ztunnel", namespace=home), "config_dump")


def _dump(call: Call, pod: str) -> question.ZtunnelDump:
    with reading("the document of the ztunnel"):
        return question.ZtunnelDump.parse(_data(call, pod))


@add(app, "workload", "workloads", "w")
@command
def workload(
    call: Call,
    pod: Pod = "",
    address: Annotated[str, _text("--address", explain="Keep workloads with this address.")] = "",
    namespace: InNamespace = "",
    node: Annotated[str, _text("--workload-node", explain="Keep workloads on this node.")] = "",
    output: Output = "short",
) -> None:
    """Show the workloads a ztunnel knows.

    \b
    Example:
      kubectl mesh ztunnel-config workload -f ztunnel.json --workload-namespace shop
    """
    dump = _dump(call, pod)
    wanted = question.WorkloadFilter(address=address, namespace=namespace, node=node)
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
    namespace: Annotated[str, _text("--service-namespace", explain="Keep services of this namespace.")] = "",
    output: Output = "short",
) -> None:
    """Show the services a ztunnel knows.

    \b
    Example:
      kubectl mesh ztunnel-config service -f ztunnel.json
    """
    dump = _dump(call, pod)
    show(
        call,
        output,
        table=lambda: question.services(dump, namespace=namespace),
        documents=lambda: question.service_documents(dump, namespace=namespace),
    )


@add(app, "policy", "policies", "p", "pol")
@command
def policy(
    call: Call,
    pod: Pod = "",
    namespace: Annotated[str, _text("--policy-namespace", explain="Keep policies of this namespace.")] = "",
    output: Output = "short",
) -> None:
    """Show the authorization policies a ztunnel enforces.

    \b
    Example:
      kubectl mesh ztunnel-config policy -f ztunnel.json
    """
    dump = _dump(call, pod)
    show(
        call,
        output,
        table=lambda: question.policies(dump, namespace=namespace),
        documents=lambda: question.policy_documents(dump, namespace=namespace),
    )


@add(app, "certificate", "certificates", "certs", "cert")
@command
def certificate(call: Call, pod: Pod = "", output: Output = "short") -> None:
    """Show the certificates a ztunnel holds for its workloads.

    \b
    Example:
      kubectl mesh ztunnel-config certificate -f ztunnel.json
    """
    dump = _dump(call, pod)
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
    direction: Annotated[str, _text("--direction", explain="Keep inbound or outbound connections.")] = "",
    raw: Annotated[bool, typer.Option("--raw", help="Show addresses, not names.")] = False,
    namespace: InNamespace = "",
    output: Output = "short",
) -> None:
    """Show the connections a ztunnel carries.

    \b
    Example:
      kubectl mesh ztunnel-config connections -f ztunnel.json --raw
    """
    dump = _dump(call, pod)
    wanted = question.ConnectionFilter(namespace=namespace, direction=direction, raw=raw)
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
    with_headers: Annotated[bool, typer.Option("--with-headers", help="Put a title over each table.")] = False,
    output: Output = "short",
) -> None:
    """Show everything a ztunnel holds.

    \b
    Example:
      kubectl mesh ztunnel-config all -f ztunnel.json --with-headers
    """
    form = check_output(output, allowed=("short", "json", "yaml"))
    data = _data(call, pod)
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

"""`kubectl mesh proxy-config`: what a proxy holds, in istioctl's tables."""

from collections.abc import Callable
from typing import Annotated, Any, cast

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.following import Explain, follow
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.diagnosis import chain
from kubectl_mesh.diagnosis.config_dump import ConfigDump, decode, reading
from kubectl_mesh.diagnosis.targets import find_proxy
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render
from kubectl_mesh.reports.proxy_config import SecretRow
from kubectl_mesh.reports.tables import Table

app = group("Show what a proxy holds, in istioctl's tables.")

Pod = Annotated[str, typer.Argument(metavar="[NAMESPACE/][KIND/]NAME", show_default=False)]
Output = Annotated[str, typer.Option("-o", "--output", metavar="short|json|yaml", help="Output format.")]
Host = Annotated[
    str, typer.Option("--fqdn", metavar="TEXT", help="Only clusters whose name contains this.", show_default=False)
]
Direction = Annotated[
    str,
    typer.Option(
        "--direction", metavar="inbound|outbound", help="Only clusters of this direction.", show_default=False
    ),
]
Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="Only this port.", show_default=False)
]
Subset = Annotated[
    str, typer.Option("--subset", metavar="TEXT", help="Only subsets whose name contains this.", show_default=False)
]
Address = Annotated[str, typer.Option("--address", metavar="ADDRESS", help="Only this address.", show_default=False)]
Type = Annotated[
    str, typer.Option("--type", metavar="TYPE", help="Only listeners of this type: HTTP, TCP, …", show_default=False)
]
Name = Annotated[
    str, typer.Option("--name", metavar="NAME", help="Only the route configuration of this name.", show_default=False)
]
OfCluster = Annotated[
    str, typer.Option("--cluster", metavar="NAME", help="Only endpoints of this cluster.", show_default=False)
]
Status = Annotated[
    str,
    typer.Option(
        "--status", metavar="STATUS", help="Only endpoints with this health: HEALTHY, UNHEALTHY, …", show_default=False
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose/--no-verbose", help="Show filter chains and routes.")]

CLUSTERS = "config_dump?mask=dynamic_active_clusters,dynamic_warming_clusters,static_clusters"
LISTENERS = "config_dump?mask=dynamic_listeners,static_listeners"
ROUTES = "config_dump?mask=dynamic_route_configs,static_route_configs"
BOOTSTRAP = "config_dump?mask=bootstrap"
SECRETS = "config_dump?mask=dynamic_active_secrets,dynamic_warming_secrets"
EVERYTHING = "config_dump?include_eds=true"


def fetch(call: Call, pod: str, path: str) -> ConfigDump:
    """Return a proxy's config dump."""
    proxy = find_proxy(call.source, pod, namespace=call.namespace)
    return ConfigDump.parse(call.source.envoy(proxy, path), subject=f"config dump of {proxy}")


def show(call: Call, form: str, *, table: Callable[[], Table[Any]], documents: Callable[[], Any]) -> tuple[Any, ...]:
    """Write an answer in the form asked for and return the rows of its table; only what is written is worked out."""
    check_output(form, allowed=("short", "json", "yaml"))
    with reading("the document of the proxy"):
        found = table() if form == "short" else None
        text = render(found) if found is not None else structured.render(documents(), form=form)
    call.write(text)
    return found.rows if found is not None else ()


@add(app, "cluster", "clusters", "c")
@command
def cluster(
    call: Call,
    pod: Pod = "",
    host: Host = "",
    direction: Direction = "",
    port: Port = 0,
    subset: Subset = "",
    explain: Explain = False,
    output: Output = "short",
) -> None:
    """Show the clusters of a proxy: the destinations that it knows.

    \b
    Example:
      kubectl mesh proxy-config cluster deploy/web -n shop --direction outbound
    """
    from kubectl_mesh.diagnosis import clusters

    dump = fetch(call, pod, CLUSTERS)
    wanted = clusters.ClusterFilter(host=host, port=port, subset=subset, direction=direction)
    found = show(
        call, output, table=lambda: clusters.table(dump, wanted), documents=lambda: clusters.documents(dump, wanted)
    )
    follow(call, pod, lambda: chain.after_clusters(found), rows=len(found), explain=explain)


@add(app, "listener", "listeners", "l")
@command
def listener(
    call: Call,
    pod: Pod = "",
    address: Address = "",
    kind: Type = "",
    port: Port = 0,
    verbose: Verbose = True,
    waypoint: Annotated[bool, typer.Option("--waypoint", hidden=True)] = False,
    explain: Explain = False,
    output: Output = "short",
) -> None:
    """Show the listeners of a proxy: where it accepts connections, and where it sends them.

    \b
    Example:
      kubectl mesh proxy-config listener deploy/web -n shop --port 15006
    """
    from kubectl_mesh.diagnosis import listeners, remote_listeners

    dump = fetch(call, pod, LISTENERS)
    wanted = listeners.ListenerFilter(address=address, port=port, type=kind)
    if waypoint:
        call.write(render(remote_listeners.table(dump)))
        return
    found = show(
        call,
        output,
        table=lambda: listeners.table(dump, wanted, verbose=verbose),
        documents=lambda: listeners.documents(dump, wanted),
    )
    follow(call, pod, lambda: chain.after_listeners(found), rows=len(found), explain=explain)


@add(app, "route", "routes", "r")
@command
def route(
    call: Call,
    pod: Pod = "",
    name: Name = "",
    verbose: Verbose = True,
    explain: Explain = False,
    output: Output = "short",
) -> None:
    """Show the routes of a proxy: which request goes to which cluster.

    \b
    Example:
      kubectl mesh proxy-config route deploy/web -n shop --name 8000
    """
    from kubectl_mesh.diagnosis import routes

    dump = fetch(call, pod, ROUTES)
    wanted = routes.RouteFilter(name=name)
    found = show(
        call,
        output,
        table=lambda: routes.table(dump, wanted, verbose=verbose),
        documents=lambda: routes.documents(dump, wanted),
    )
    if found:
        follow(
            call,
            pod,
            lambda: chain.after_routes(routes.documents(dump, wanted)),
            rows=len(found),
            explain=explain,
        )


@add(app, "endpoint", "endpoints", "ep")
@command
def endpoint(
    call: Call,
    pod: Pod = "",
    address: Address = "",
    port: Port = 0,
    cluster: OfCluster = "",
    status: Status = "",
    explain: Explain = False,
    output: Output = "short",
) -> None:
    """Show the endpoints of a proxy as Envoy sees them, with their health.

    With -f it reads what `curl localhost:15000/clusters?format=json` printed.

    \b
    Example:
      kubectl mesh proxy-config endpoint deploy/web -n shop --status UNHEALTHY
    """
    from kubectl_mesh.diagnosis import endpoints

    proxy = find_proxy(call.source, pod, namespace=call.namespace)
    data = call.source.envoy(proxy, "clusters?format=json")
    with reading("the document of the proxy"):
        statuses = endpoints.parse_clusters(data, subject=f"clusters of {proxy}")
    wanted = endpoints.EndpointFilter(address=address, port=port, cluster=cluster, status=status)
    found = show(
        call,
        output,
        table=lambda: endpoints.table(statuses, wanted),
        documents=lambda: endpoints.documents(statuses, wanted),
    )
    follow(call, pod, lambda: chain.after_endpoints(found), rows=len(found), explain=explain)


@add(app, "eds")
@command
def eds(
    call: Call,
    pod: Pod = "",
    address: Address = "",
    port: Port = 0,
    cluster: OfCluster = "",
    status: Status = "",
    output: Output = "short",
) -> None:
    """Show the endpoints of a proxy as istiod sent them, with their locality.

    \b
    Example:
      kubectl mesh proxy-config eds deploy/web -n shop
    """
    from kubectl_mesh.diagnosis import endpoints

    dump = fetch(call, pod, EVERYTHING)
    wanted = endpoints.EndpointFilter(address=address, port=port, cluster=cluster, status=status)
    show(
        call,
        output,
        table=lambda: endpoints.assigned_table(dump, wanted),
        documents=lambda: endpoints.assigned_documents(dump, wanted),
    )


@add(app, "bootstrap", "b")
@command
def bootstrap(call: Call, pod: Pod = "", output: Output = "json") -> None:
    """Show the bootstrap of a proxy: what it was started with.

    \b
    Example:
      kubectl mesh proxy-config bootstrap deploy/web -n shop -o short
    """
    from kubectl_mesh.diagnosis import bootstrap as question

    dump = fetch(call, pod, BOOTSTRAP)
    show(call, output, table=lambda: question.table(dump), documents=lambda: question.document(dump))


@add(app, "secret", "secrets", "s")
@command
def secret(call: Call, pod: Pod = "", output: Output = "short") -> None:
    """Show the certificates of a proxy, never private keys.

    \b
    Example:
      kubectl mesh proxy-config secret deploy/web -n shop
    """
    from kubectl_mesh.diagnosis import secrets

    dump = fetch(call, pod, SECRETS)
    check_output(output, allowed=("short", "json", "yaml"))
    with reading("the document of the proxy"):
        if output == "short":
            text = secrets_text(secrets.table(dump, now=_now()))
        else:
            text = structured.render(secrets.document(dump), form=output)
    call.write(text)


@add(app, "ecds", "ec")
@command
def ecds(call: Call, pod: Pod = "", output: Output = "short") -> None:
    """Show the extension configurations of a proxy.

    \b
    Example:
      kubectl mesh proxy-config ecds deploy/web -n shop
    """
    from kubectl_mesh.diagnosis import extensions

    dump = fetch(call, pod, EVERYTHING)
    show(call, output, table=lambda: extensions.table(dump), documents=lambda: extensions.document(dump))


@add(app, "all", "a")
@command
def everything(
    call: Call,
    pod: Pod = "",
    host: Host = "",
    direction: Direction = "",
    subset: Subset = "",
    port: Port = 0,
    address: Address = "",
    kind: Type = "",
    name: Name = "",
    verbose: Verbose = True,
    with_headers: Annotated[bool, typer.Option("--with-headers", help="Print a title above each table.")] = False,
    output: Output = "short",
) -> None:
    """Show everything that a proxy holds; -o json prints its config dump.

    \b
    Example:
      kubectl mesh proxy-config all deploy/web -n shop -o json > web.json
    """
    from kubectl_mesh.diagnosis import clusters, endpoints, listeners, routes
    from kubectl_mesh.diagnosis import everything as question

    form = check_output(output, allowed=("short", "json", "yaml"))
    proxy = find_proxy(call.source, pod, namespace=call.namespace)
    data = call.source.envoy(proxy, EVERYTHING)
    if form != "short":
        call.write(structured.render(decode(data, subject=f"config dump of {proxy}"), form=form, indent=1))
        return
    dump = ConfigDump.parse(data, subject=f"config dump of {proxy}")
    wanted = question.Filters(
        clusters=clusters.ClusterFilter(host=host, port=port, subset=subset, direction=direction),
        listeners=listeners.ListenerFilter(address=address, port=port, type=kind),
        routes=routes.RouteFilter(name=name),
        endpoints=endpoints.EndpointFilter(address=address, port=port),
    )
    with reading("the document of the proxy"):
        for position, (title, work_out) in enumerate(question.tables(dump, wanted, verbose=verbose, now=_now())):
            call.write("\n" if position else "")
            call.write(f"------ {title} INFO ------\n\n" if with_headers else "")
            table = work_out()
            call.write(secrets_text(table) if title == "SECRET" else render(cast(Table[Any], table)))


def secrets_text(table: Table[SecretRow] | None) -> str:
    """Return the table of secrets, or the sentence that there are none, or none with a certificate."""
    if table is None:
        return "No active or warming secrets found.\n"
    return render(table) if table.rows else "No secret items to show.\n"


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)

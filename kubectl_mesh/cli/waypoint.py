"""`kubectl mesh waypoint`: list, status and generate, as istioctl has them."""

import time
from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, command
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.diagnosis import waypoints
from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.errors import ExitCode, SourceError
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render

app = group("List, check, create and delete waypoints.")
_NONE = "No waypoints found.\n"
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Name of the waypoint.")]
Revision = Annotated[
    str, typer.Option("-r", "--revision", metavar="REV", help="Revision of the waypoint.", show_default=False)
]


def _find(call: Call) -> tuple[tuple[waypoints.WaypointRow, ...], bool]:
    everywhere = call.settings.all_namespaces
    namespace = None if everywhere else call.home
    return waypoints.find(Lookup(source=call.source), namespace=namespace), everywhere


@add(app, "list")
@command
def listing(call: Call) -> None:
    """List the waypoints of a namespace, or of all with -A.

    \b
    Example:
      kubectl mesh waypoint list -A
    """
    rows, everywhere = _find(call)
    call.write(render(waypoints.listing(rows, namespaced=everywhere)) if rows else _NONE)


@add(app, "status")
@command
def status(
    call: Call,
    wait: Annotated[bool, typer.Option("-w", "--wait/--no-wait", help="Wait until all are ready.")] = False,
    timeout: Annotated[float, typer.Option("--waypoint-timeout", metavar="SECONDS", help="How long to wait.")] = 90,
) -> None:
    """Show whether the waypoints of a namespace, or of all with -A, are ready. Exits with 1 when one is not.

    \b
    Example:
      kubectl mesh waypoint status -n shop --wait
    """
    rows, everywhere = _find(call)
    start = time.monotonic()
    while wait and any(row.programmed != "True" for row in rows):
        if time.monotonic() - start > timeout:
            slow = next(row for row in rows if row.programmed != "True")
            raise SourceError(f"timed out while retrieving status for waypoint {slow.namespace}/{slow.name}")
        time.sleep(1)
        rows, everywhere = _find(call)
    call.write(render(waypoints.status(rows, namespaced=everywhere)) if rows else _NONE)
    call.finish(ExitCode.CLEAN if all(row.programmed == "True" for row in rows) else ExitCode.FINDINGS)


@add(app, "generate")
@command
def generate(
    call: Call,
    name: Name = "waypoint",
    traffic: Annotated[
        str, typer.Option("--for", metavar="all|none|service|workload", help="Traffic that it handles.")
    ] = "",
    revision: Revision = "",
) -> None:
    """Print the manifest of a waypoint.

    \b
    Example:
      kubectl mesh waypoint generate -n shop --for service | kubectl apply -f -
    """
    found = waypoints.generate(name=name, namespace=call.namespace, traffic=traffic, revision=revision)
    call.write(structured.to_yaml(found))

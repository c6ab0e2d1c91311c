"""`kubectl mesh waypoint apply` and `delete`: in a cluster they change it, elsewhere they tell what they would do."""

import time
from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, command, open_source
from kubectl_mesh.cli.groups import add
from kubectl_mesh.cli.waypoint import Name, Revision, app
from kubectl_mesh.diagnosis import waypoints
from kubectl_mesh.diagnosis.lookup import Lookup, labels
from kubectl_mesh.errors import ExitCode, NothingFound, SourceError, UsageError
from kubectl_mesh.render import structured
from kubectl_mesh.sources.base import ResourceWriter

_USE = "istio.io/use-waypoint"
_MODE = "istio.io/dataplane-mode"
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print what would be done.")]


def _writer(call: Call, *, dry_run: bool) -> ResourceWriter | None:
    """Return what can change the mesh; None where nothing may or can be changed."""
    if dry_run:
        return None
    if isinstance(call.source, ResourceWriter):
        return call.source
    call.note("not a cluster: nothing is changed")
    return None


@add(app, "apply")
@command
def apply(
    call: Call,
    name: Name = "waypoint",
    traffic: Annotated[
        str, typer.Option("--for", metavar="all|none|service|workload", help="Traffic that it handles.")
    ] = "",
    revision: Revision = "",
    enroll: Annotated[
        bool, typer.Option("--enroll-namespace", help="Label the namespace so that it uses the waypoint.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the waypoint that the namespace uses.")
    ] = False,
    wait: Annotated[bool, typer.Option("-w", "--wait", help="Wait until it is ready.")] = False,
    timeout: Annotated[float, typer.Option("--waypoint-timeout", metavar="SECONDS", help="How long to wait.")] = 90,
    dry_run: DryRun = False,
) -> None:
    """Create a waypoint in a namespace. With -f or --dry-run, only print its manifest.

    \b
    Example:
      kubectl mesh waypoint apply -n shop --enroll-namespace --wait
    """
    home = call.home
    gateway = waypoints.generate(name=name, namespace=home, traffic=traffic, revision=revision)
    if enroll and not _may_enroll(call, home, overwrite=overwrite):
        return
    writer = _writer(call, dry_run=dry_run)
    if writer is None:
        call.write(structured.to_yaml(gateway))
        if enroll:
            call.note(f"would label namespace {home} with {_USE}={name}")
        return
    writer.apply(gateway)
    call.write(f"✅ waypoint {home}/{name} applied\n")
    if wait:
        _wait(call, home, name, seconds=timeout)
        call.write(f"✅ waypoint {home}/{name} is ready!\n")
    if enroll:
        writer.label("Namespace", home, {_USE: name})
        call.write(f'✅ namespace {home} labeled with "{_USE}: {name}"\n')


def _may_enroll(call: Call, namespace: str, *, overwrite: bool) -> bool:
    """Tell whether the namespace takes the waypoint, with istioctl's warnings."""
    found = Lookup(source=call.source).get("Namespace", "", namespace)
    if found is None:
        raise NothingFound(f"{namespace}: no such namespace", hint="kubectl get namespaces")
    if _USE in labels(found) and not overwrite:
        call.write(
            f"⚠️ Warning: namespace ({namespace}) already has an enrolled Waypoint. "
            "Consider adding the `--overwrite` flag to your apply command.\n"
        )
        return False
    if labels(found).get(_MODE) != "ambient":
        wanted = f"`kubectl label namespace {namespace} {_MODE}=ambient`"
        call.write(f"⚠️ Warning: namespace is not enrolled in ambient. Consider running\t{wanted}\n")
    return True


def _wait(call: Call, namespace: str, name: str, *, seconds: float) -> None:
    start = time.monotonic()
    while True:
        rows = waypoints.find(Lookup(source=open_source(call.settings)), namespace=namespace)
        row = next((row for row in rows if row.name == name), None)
        if row is not None and row.programmed == "True":
            return
        if time.monotonic() - start > seconds:
            hint = row.message if row is not None and row.message else "kubectl mesh waypoint status"
            raise SourceError(f"timed out while waiting for waypoint\t{namespace}/{name}", hint=hint)
        time.sleep(1)


@add(app, "delete")
@command
def delete(
    call: Call,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME…]", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete all waypoints of the namespace.")] = False,
    revision: Annotated[
        str, typer.Option("-r", "--revision", metavar="REV", help="Only delete waypoints of this revision.")
    ] = "",
    dry_run: DryRun = False,
) -> None:
    """Delete waypoints of a namespace. With -f or --dry-run, only list them.

    \b
    Example:
      kubectl mesh waypoint delete waypoint -n shop
    """
    if (everything or revision) and names:
        raise UsageError("cannot specify waypoint names when deleting all waypoints")
    if not (everything or revision or names):
        raise UsageError(
            "must specify a waypoint name or delete all using --all or delete specific revision using --revision"
        )
    home = call.home
    found = waypoints.find(Lookup(source=call.source), namespace=home)
    known = [row.name for row in found if not revision or row.revision == revision]
    wanted = [name for name in names or known if name in known]
    for name in names or ():
        if name not in known:
            call.write(f"waypoint {home}/{name} not found\n")
    writer = _writer(call, dry_run=dry_run) if wanted else None
    for name in wanted:
        if writer is not None:
            writer.delete(waypoints.GATEWAY, home, name)
        call.write(f"waypoint {home}/{name} deleted{'' if writer is not None else ' (dry run)'}\n")
    call.finish(ExitCode.CLEAN if wanted and len(wanted) == len(names or wanted) else ExitCode.NOTHING_MATCHED)

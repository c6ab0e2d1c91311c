"""`kubectl mesh proxy-status --config KIND/NAME`: which proxies hold what was made of an object."""

from kubectl_mesh.cli.context import Call
from kubectl_mesh.cli.waiting import Waiting, until
from kubectl_mesh.diagnosis import held_configuration as question
from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.errors import ExitCode, NothingFound, UsageError
from kubectl_mesh.render import structured
from kubectl_mesh.render.table import render
from kubectl_mesh.reports.proxy_status import HeldState, held_configuration


def show_holders(call: Call, config: str, *, form: str, waiting: Waiting) -> None:
    """Print one row for each proxy that the object concerns; end with 1 when one does not hold it."""
    kind, namespace, name = _parse(config, namespace=call.namespace)
    wanted = question.find(Lookup(source=call.source), kind=kind, namespace=namespace, name=name)
    rows = until(
        call,
        lambda source: question.diagnose(source, wanted),
        done=lambda rows: bool(rows) and all(row.state is HeldState.HELD for row in rows),
        waiting=waiting,
    )
    if not rows:
        raise NothingFound(
            f"{wanted.kind} {wanted.name}.{wanted.namespace}: no proxy is sent anything made of it",
            hint="kubectl mesh analyze tells what keeps it from having an effect",
        )
    if form == "table":
        call.write(render(held_configuration(rows)))
    else:
        reference = f"{wanted.kind}/{wanted.namespace}/{wanted.name}"
        found = {"config": reference, "proxies": rows}
        call.write(structured.render(structured.document("ConfigDistribution", found), form=form, indent=2))
    unknown = any(row.state is HeldState.UNKNOWN for row in rows)
    late = any(row.state not in (HeldState.HELD, HeldState.UNKNOWN) for row in rows)
    call.finish(ExitCode.FINDINGS if late else ExitCode.CANNOT_ANSWER if unknown else ExitCode.CLEAN)


def _parse(text: str, *, namespace: str) -> tuple[str, str, str]:
    """Read `KIND/NAME`, `KIND/NAME.NAMESPACE` or `KIND/NAMESPACE/NAME`."""
    from simulator.manifests.changes import parse_ref
    from simulator.model.errors import SimulatorError

    try:
        reference = parse_ref(text)
    except SimulatorError as error:
        raise UsageError(str(error), hint=error.hint) from error
    home, name = reference.namespace or namespace, reference.name
    if not home and "." in name:
        name, _, home = name.rpartition(".")
    return reference.kind, home, name

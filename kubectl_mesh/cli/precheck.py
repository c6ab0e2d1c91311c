"""`kubectl mesh precheck`: can Istio be installed or upgraded here?"""

from dataclasses import replace
from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.errors import ExitCode, UsageError
from kubectl_mesh.reports.findings import FindingRow, FindingsReport

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_LEVELS = ("Info", "Warning", "Error")
_CLEAN = """\
✔ No issues found when checking the cluster. Istio is safe to install or upgrade!
  To get started, check out https://istio.io/latest/docs/setup/getting-started/."""
_UNSAFE = """\
Issues found when checking the cluster. Istio may not be safe to install or upgrade.
See https://istio.io/v1.30/docs/reference/config/analysis for more information about causes and resolutions."""
From = Annotated[
    str, typer.Option("-f", "--from-version", metavar="1.N", help="Also report what changed since this version.")
]
Skip = Annotated[bool, typer.Option("--skip-controlplane", help="Check only what --from-version asks for.")]
Shown = Annotated[
    str,
    typer.Option("--output-threshold", metavar="|".join(_LEVELS), help="Level from which findings are shown."),
]
Output = Annotated[str, typer.Option("-o", "--output", metavar="log|json|yaml", help="Output format.")]


@app.command(cls=MeshCommand, context_settings={"help_option_names": ["-h", "--help"]})
@command
def precheck(
    call: Call,
    from_version: From = "",
    skip_controlplane: Skip = False,
    output_threshold: Shown = "Warning",
    output: Output = "log",
) -> None:
    """Check whether Istio can be installed or upgraded in a cluster. Exits with 1 when it cannot.

    It checks the versions of Kubernetes and of the Gateway API, and whether you may create what an installation needs.

    \b
    Example:
      kubectl mesh precheck --from-version 1.20
    """
    from kubectl_mesh.analysis import installation
    from kubectl_mesh.analysis.reporting import at_least, row
    from kubectl_mesh.render import findings

    form = check_output(output, allowed=("log", "json", "yaml"))
    if output_threshold.capitalize() not in _LEVELS:
        raise UsageError(f"{output_threshold}: invalid level option", hint=f"one of {', '.join(_LEVELS)}")
    found = installation.precheck(
        call.source,
        istio_namespace=call.settings.connection.istio_namespace,
        namespace=call.namespace,
        control_plane=not skip_controlplane,
        since=_minor(from_version),
    )
    rows = tuple(_as_precheck_prints(row(each)) for each in found)
    report = FindingsReport(target="the cluster", findings=rows)
    levels = at_least(output_threshold)
    shown = replace(report, findings=tuple(each for each in rows if each.level in levels))
    if form == "log":
        call.write(findings.listing(shown, palette=call.palette))
    else:
        call.write(findings.structured(shown, form=form))
    is_unsafe = report.has(at_least("Warning"))
    call.note(_UNSAFE if is_unsafe else _CLEAN)
    call.finish(ExitCode.FINDINGS if is_unsafe else ExitCode.CLEAN)


def _as_precheck_prints(row: FindingRow) -> FindingRow:
    """Return a finding without what istioctl adds to links for `analyze`; of no object, it is about the cluster."""
    return replace(row, origin=row.origin or "Cluster", documentation=row.documentation.partition("?")[0])


def _minor(version: str) -> int | None:
    """Read `1.N`, behind which the number of a patch may stand; None for no version."""
    if not version:
        return None
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if major != "1" or not minor.isdigit():
        raise UsageError(f"--from-version {version}: not a version of Istio", hint="--from-version 1.20")
    return int(minor)

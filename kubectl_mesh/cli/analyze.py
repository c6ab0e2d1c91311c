"""`kubectl mesh analyze`: what would break, where it is written, and how to fix it."""

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from kubectl_mesh.cli.context import Call, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.cli.outputs import parse_outputs, write_outputs
from kubectl_mesh.errors import ExitCode, UsageError
from kubectl_mesh.render.color import Palette, choose
from kubectl_mesh.reports.findings import FindingsReport
from kubectl_mesh.sources.progress import waiting

if TYPE_CHECKING:
    from kubectl_mesh.analysis.suppression import Suppression
    from kubectl_mesh.cli.analysis_inputs import Question

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_FORMS = ("log", "text", "json", "yaml", "sarif", "junit", "github", "md")
_SETTINGS = {"help_option_names": ["-h", "--help"]}
_COLORS = {"true": "always", "false": "never", "auto": "auto", "always": "always", "never": "never"}
_LEVEL = "Info|Warning|Error"
_TITLE = "kubectl mesh analyze"

UseKube = Annotated[bool, typer.Option("--use-kube/--no-use-kube", "-k", help="Analyze the live cluster too.")]
Failure = Annotated[str, typer.Option("--failure-threshold", metavar=_LEVEL, help="Exit with 1 from this level on.")]
Shown = Annotated[str, typer.Option("--output-threshold", metavar=_LEVEL, help="Show findings from this level on.")]
Suppress = Annotated[
    list[str] | None,
    typer.Option("-S", "--suppress", metavar="CODE=OBJECT", help="Hide a finding; * in OBJECT matches any text."),
]
MeshConfig = Annotated[str, typer.Option("--meshConfigFile", metavar="FILE", help="Use the MeshConfig in this file.")]
Revision = Annotated[
    str,
    typer.Option(
        "-r", "--revision", metavar="REV", help="Revision of the control plane: 'default' for a mesh, any for files."
    ),
]
Recursive = Annotated[
    bool, typer.Option("-R", "--recursive", help="Accepted; directories are always read recursively.")
]
Ignore = Annotated[bool, typer.Option("--ignore-unknown", help="Skip documents that cannot be read.")]
Remote = Annotated[
    list[str] | None,
    typer.Option(
        "--remote-contexts", metavar="CONTEXT", help="Also compare services with those of this kubeconfig context."
    ),
]
Named = Annotated[list[str] | None, typer.Option("--analyzer", metavar="NAME", help="Run only this analyzer.")]
Listing = Annotated[bool, typer.Option("-L", "--list-analyzers", help="List the analyzers and exit.")]
Baseline = Annotated[
    str,
    typer.Option(
        "--baseline", metavar="FILE", help="Report only findings that this earlier -o json, yaml or sarif lacks."
    ),
]
Compare = Annotated[bool, typer.Option("--diff", help="Show what changes between two paths: BEFORE AFTER.")]
Timeout = Annotated[str, typer.Option("--timeout", help="Accepted for istioctl's sake.", hidden=True)]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show how to fix each finding, and what was checked.")]
Color = Annotated[str, typer.Option("--color", metavar="true|false|auto", help="Color the level.")]
Output = Annotated[
    list[str] | None,
    typer.Option("-o", "--output", metavar="FORMAT[=FILE]", help=f"{', '.join(_FORMS)}. May be repeated."),
]


@app.command(cls=MeshCommand, context_settings=_SETTINGS)
@command
def analyze(
    call: Call,
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", show_default=False)] = None,
    use_kube: UseKube = True,
    failure_threshold: Failure = "Error",
    output_threshold: Shown = "Info",
    suppress: Suppress = None,
    mesh_config_file: MeshConfig = "",
    revision: Revision = "",
    recursive: Recursive = False,
    ignore_unknown: Ignore = False,
    remote_contexts: Remote = None,
    analyzer: Named = None,
    list_analyzers: Listing = False,
    baseline: Baseline = "",
    diff: Compare = False,
    timeout: Timeout = "30s",
    verbose: Verbose = False,
    color: Color = "auto",
    output: Output = None,
) -> None:
    """Check configuration: what is wrong or would break, in which line, and how to fix it.

    PATHs are laid over the live cluster, as they would be applied; with -f, --demo or --use-kube=false, only files are
    analyzed. Exits with 1 for findings of --failure-threshold or above, 3 when part of the input could not be read.

    \b
    Examples:
      kubectl mesh analyze
      kubectl mesh analyze --use-kube=false k8s/
      kubectl mesh analyze -f k8s/ -o sarif=mesh.sarif
    """
    from kubectl_mesh.analysis.reporting import at_least
    from kubectl_mesh.analysis.suppression import parse_suppression
    from kubectl_mesh.cli.analysis_inputs import Question, run, shown

    if list_analyzers:
        call.write(_listing())
        return
    outputs = parse_outputs(output or (), allowed=_FORMS, default="text")
    for level in (failure_threshold, output_threshold):
        if level.lower() not in _LEVEL.lower().split("|"):
            raise UsageError(f"{level}: invalid level option", hint=f"one of {_LEVEL}")
    palette = _palette(color)
    question = Question(
        paths=tuple(paths or ()),
        use_kube=use_kube,
        revision=revision,
        mesh_config=mesh_config_file,
        analyzers=tuple(analyzer or ()),
        suppressions=tuple(parse_suppression(text) for text in suppress or ()),
        remote_contexts=tuple(name for given in remote_contexts or () for name in given.split(",") if name),
    )
    _notes(call, question.suppressions)
    with nullcontext() if use_kube else waiting("analyzing"):  # a cluster shows waits of its own
        report = _difference(call, question) if diff else run(call, question)
    if baseline:
        report = _since(baseline, report)
    failing = at_least(failure_threshold)
    _write(call, outputs, shown(report, threshold=output_threshold), failing=failing, palette=palette, verbose=verbose)
    _explain(call, report, outputs=[form for form, file in outputs if not file], verbose=verbose)
    call.finish(_exit_code(report, failing=failing, ignore_unknown=ignore_unknown))


def _palette(color: str) -> Palette:
    if color not in _COLORS:
        raise UsageError(f"--color {color}: not one of {', '.join(_COLORS)}")
    return choose(_COLORS[color], terminal=sys.stdout.isatty(), environment=os.environ)


def _exit_code(report: FindingsReport, *, failing: Sequence[str], ignore_unknown: bool) -> ExitCode:
    if report.has(failing):
        return ExitCode.FINDINGS
    if report.unseen or (report.unread and not ignore_unknown):
        return ExitCode.CANNOT_ANSWER
    return ExitCode.CLEAN


def _listing() -> str:
    from kubectl_mesh.analysis.registry import analyzers

    return "".join(f"* {name}:\n    {each.description}\n" for name, each in analyzers().items())


def _notes(call: Call, suppressions: Sequence["Suppression"]) -> None:
    from kubectl_mesh.analysis.messages import catalogue

    for each in suppressions:
        if each.code not in catalogue():
            call.note(
                f"Warning: Supplied message code '{each.code}' is an unknown message code and will not have any effect."
            )


def _difference(call: Call, question: "Question") -> FindingsReport:
    from kubectl_mesh.analysis.reporting import compared
    from kubectl_mesh.cli.analysis_inputs import run

    if len(question.paths) != 2:
        raise UsageError("--diff takes two paths", hint="kubectl mesh analyze --diff BEFORE AFTER")
    before, after = (
        run(call, replace(question, paths=(path,), use_kube=False, may_be_empty=True)) for path in question.paths
    )
    return replace(
        after,
        target=f"{question.paths[1]} instead of {question.paths[0]}",
        findings=compared(before.findings, after.findings),
        unread=(*before.unread, *after.unread),
    )


def _since(path: str, report: FindingsReport) -> FindingsReport:
    from kubectl_mesh.analysis.baseline import read_baseline
    from kubectl_mesh.analysis.reporting import compared
    from kubectl_mesh.sources.manifests import read_value

    return replace(report, findings=compared(read_baseline(read_value(path), source=path), report.findings))


def _write(
    call: Call,
    outputs: Sequence[tuple[str, str]],
    report: FindingsReport,
    *,
    failing: Sequence[str],
    palette: Palette,
    verbose: bool,
) -> None:
    def write(form: str) -> str:
        from kubectl_mesh.render import findings

        if form in ("json", "yaml"):
            return findings.structured(report, form=form)
        if form in ("log", "text"):
            return findings.text(report, palette=palette, verbose=verbose)
        return _for_machines(form, report, failing=failing)

    write_outputs(call, outputs, write)


def _for_machines(form: str, report: FindingsReport, *, failing: Sequence[str]) -> str:
    from kubectl_mesh import __version__
    from kubectl_mesh.render import findings, github, junit, markdown, sarif

    match form:
        case "sarif":
            return sarif.render(findings.remarks(report), tool="kubectl-mesh", version=__version__)
        case "junit":
            return junit.render(findings.cases(report, failing=failing), name=_TITLE)
        case "github":
            return github.render(findings.remarks(report))
    return markdown.render(findings.remarks(report), title=_TITLE, footer=findings.summary(report))


def _explain(call: Call, report: FindingsReport, *, outputs: Sequence[str], verbose: bool) -> None:
    """Tell on stderr what was not looked at, and with -v what was."""
    from kubectl_mesh.render.findings import summary
    from kubectl_mesh.render.terminal import printable

    given: set[str] = set()
    for each in report.unread:
        call.note(f"error: {printable(each.reason)}")
        if each.hint not in {*given, ""}:  # a folder of templates has it hundreds of times
            call.note(f"hint: {printable(each.hint)}")
            given.add(each.hint)
    for text in report.unseen:
        call.note(f"error: {printable(text)}")
    if verbose:
        for check in report.checks:
            call.note(f"{'skipped' if check.skipped else 'checked'} {check.name}{_needs(check.skipped)}")
    if not {"text", "log", "md"} & set(outputs):
        call.note(summary(report))


def _needs(skipped: str) -> str:
    from kubectl_mesh.render.terminal import printable

    return f": needs {printable(skipped)}" if skipped else ""

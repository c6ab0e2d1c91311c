"""`kubectl mesh bug-report`: all that somebody who helps needs, in one archive."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kubectl_mesh.bundle import write_bundle
from kubectl_mesh.cli.context import Call, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.errors import ExitCode, InputError, MeshError

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SETTINGS = {"help_option_names": ["-h", "--help"]}
_NAME = "bug-report.tar.gz"
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")


@app.command(cls=MeshCommand, context_settings=_SETTINGS)
@command
def bug_report(
    call: Call,
    output_dir: Annotated[
        str, typer.Option("--output-dir", metavar="DIR", help="Write the archive to this directory.")
    ] = ".",
    include: Annotated[
        list[str] | None, typer.Option("--include", metavar="NS,…", help="Only proxies of these namespaces.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="NS,…", help="Skip proxies of these namespaces.")
    ] = None,
    tail: Annotated[int, typer.Option("--tail", metavar="LINES", help="Last lines of each log.")] = 1000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the proxies that would be asked.")] = False,
) -> None:
    """Collect one archive for a bug report: a bundle, debug pages, logs, findings. Credentials are left out.

    Every command reads the archive with --bundle. Exits with 3 when something could not be read.

    \b
    Example:
      kubectl mesh bug-report --include shop,payments
    """
    from kubectl_mesh.diagnosis import bug_report as question
    from kubectl_mesh.diagnosis.recording import record

    left_out = _words(exclude) if exclude else _SYSTEM
    proxies = question.chosen(call.source.proxies(), include=_words(include), exclude=left_out)
    if dry_run:
        call.write("".join(f"{proxy}\n" for proxy in proxies))
        return
    missed: list[str] = []
    files = record(call.source, missed=missed.append, proxies=proxies)
    files |= dict(question.pages(call.source, proxies, lines=tail, missed=missed.append))
    files |= {"report/analysis.json": _analysis(call, missed.append)}
    files["report/about.json"] = _about(missed)
    target = Path(output_dir) / _NAME
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bundle(target, files)
    except OSError as error:
        raise InputError(f"{error.filename or target}: {error.strerror or error}") from error
    call.write(f"wrote {target}: {len(files)} files, {len(proxies)} proxies\n")
    for line in missed:
        call.note(f"missing: {line}")
    call.finish(ExitCode.CANNOT_ANSWER if missed else ExitCode.CLEAN)


def _words(given: list[str] | None) -> tuple[str, ...]:
    return tuple(word for text in given or () for word in text.split(",") if word)


def _about(missed: list[str]) -> bytes:
    from kubectl_mesh import __version__

    about = {
        "program": "kubectl-mesh",
        "version": __version__,
        "time": datetime.now(UTC).isoformat(),
        "missing": missed,
    }
    return (json.dumps(about, indent=2) + "\n").encode()


def _analysis(call: Call, missed: Callable[[str], None]) -> bytes:
    """Return what `analyze -A -o json` prints of the mesh."""
    from kubectl_mesh.cli import analysis_inputs
    from kubectl_mesh.render.findings import structured

    everywhere = Call(replace(call.settings, all_namespaces=True, namespace=""), call.source)
    question = analysis_inputs.Question(
        paths=(), use_kube=True, revision="default", mesh_config="", analyzers=(), suppressions=()
    )
    try:
        return structured(analysis_inputs.run(everywhere, question), form="json").encode()
    except MeshError as error:
        missed(f"analysis: {error}")
        return b"[]\n"

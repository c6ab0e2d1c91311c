"""`kubectl mesh test`: traffic as tests."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubectl_mesh.cli.context import Call, command, open_source
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.cli.outputs import parse_outputs, write_outputs
from kubectl_mesh.errors import ExitCode, InputError, NothingFound, UsageError
from kubectl_mesh.render.color import Palette

if TYPE_CHECKING:
    from kubectl_mesh.meshtest.model import Given, Suite
    from kubectl_mesh.reports.verdicts import TestRun
    from kubectl_mesh.sources.base import MeshSource
    from simulator.model.traces import Trace

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_PATTERN = "*.meshtest.yaml"
_FORMS = ("text", "json", "yaml", "junit", "sarif", "github", "tap", "md")
_TITLE = "kubectl mesh test"
Output = Annotated[
    list[str] | None,
    typer.Option("-o", "--output", metavar="FORMAT[=FILE]", help=f"{', '.join(_FORMS)}. May be repeated."),
]


@app.command(cls=MeshCommand, context_settings={"help_option_names": ["-h", "--help"]})
@command
def run_tests(
    call: Call,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", show_default=False)],
    keyword: Annotated[str, typer.Option("-k", metavar="EXPR", help="Run tests whose name has this.")] = "",
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first that does not pass.")] = False,
    coverage: Annotated[bool, typer.Option("--coverage", help="Tell which rules no case touched.")] = False,
    shard: Annotated[str, typer.Option("--shard", metavar="I/N", help="Run every Nth test, from the Ith.")] = "1/1",
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="List passing tests, and whole paths.")] = False,
    output: Output = None,
) -> None:
    """Run *.meshtest.yaml files: does traffic do what they say? Directories are searched for them.

    Exit 0 when all pass, 1 when one fails, 3 when one cannot be decided, 5 when there is none.

    \b
    Example:
      kubectl mesh test examples/shop
    """
    from kubectl_mesh.meshtest.session import Choice, Session

    outputs = parse_outputs(output or (), allowed=_FORMS, default="text")
    choice = Choice(keyword=keyword, fail_fast=fail_fast, shard=_shard(shard), coverage=coverage)
    session = Session(
        open=lambda given, source: _open(call, given, source),
        explain=_explain,
        clock=time.perf_counter,
        choice=choice,
        namespace=call.namespace,
    )
    run = session.run(_suites(paths))
    write_outputs(call, outputs, lambda form: _shown(run, form, palette=call.palette, verbose=verbose))
    call.finish(_exit_code(run))


def _shown(run: "TestRun", form: str, *, palette: Palette, verbose: bool) -> str:
    from kubectl_mesh import __version__
    from kubectl_mesh.render import github, junit, markdown, sarif, structured, tap, verdict_remarks, verdicts

    match form:
        case "text":
            return verdicts.render(run, palette=palette, verbose=verbose)
        case "junit":
            return junit.render(verdict_remarks.cases(run), name=_TITLE)
        case "sarif":
            return sarif.render(verdict_remarks.remarks(run), tool="kubectl-mesh", version=__version__)
        case "github":
            return github.render(verdict_remarks.remarks(run))
        case "tap":
            return tap.render(verdict_remarks.cases(run))
        case "md":
            footer = verdicts.summary(run, palette=Palette())
            return markdown.render(verdict_remarks.remarks(run), title=_TITLE, footer=footer)
    return structured.render(structured.document("TestRun", run), form=form, indent=2)


def _exit_code(run: "TestRun") -> ExitCode:
    from kubectl_mesh.reports.verdicts import Verdict

    if not run.results:
        return ExitCode.NOTHING_MATCHED
    if run.count(Verdict.FAIL) or not all(each.met for each in run.coverage):
        return ExitCode.FINDINGS
    return ExitCode.CANNOT_ANSWER if run.count(Verdict.UNDECIDED) else ExitCode.CLEAN


def _shard(text: str) -> tuple[int, int]:
    number, _, parts = text.partition("/")
    if not (number.isdigit() and parts.isdigit() and 1 <= int(number) <= int(parts)):
        raise UsageError(f"--shard {text}: not I/N", hint="--shard 1/4 is the first of four")
    return int(number), int(parts)


def _suites(paths: list[str]) -> list["Suite"]:
    from kubectl_mesh.meshtest.decoding import read_suites

    found = [suite for path in _files(paths) for suite in read_suites(_read(path), source=str(path))]
    if not found:
        raise NothingFound(f"{', '.join(paths)}: no test files", hint=f"test files are named {_PATTERN}")
    return found


def _files(paths: list[str]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise InputError(f"{path}: no such file or directory")
        found += sorted(path.rglob(_PATTERN)) if path.is_dir() else [path]
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from error


def _open(call: Call, given: "Given", source: str) -> "MeshSource":
    """Open the mesh that a suite names; the command's own where it names none."""
    if not (given.manifests or given.overlay or given.bundle or given.live):
        return call.source
    from kubectl_mesh.sources.simulated import open_given

    folder = Path(source).parent
    if given.live:
        return open_source(replace(call.settings, files=(), demo=False, bundle=""))
    if given.bundle:
        return open_source(replace(call.settings, files=(), demo=False, bundle=_beside(folder, given.bundle)))
    return open_given(
        [_beside(folder, path) for path in given.manifests] or list(call.settings.files),
        call.settings.completion,
        overlay=[_beside(folder, path) for path in given.overlay],
        mesh_config=_beside(folder, given.mesh_config) if given.mesh_config else "",
        creation_order=given.creation_order,
    )


def _beside(folder: Path, path: str) -> str:
    """Return a path that a test file names, as seen from here; `-` is stdin."""
    return path if path == "-" else os.path.normpath(folder / path)


def _explain(trace: "Trace", url: str, sender: str) -> str:
    from kubectl_mesh.diagnosis.trace import report
    from kubectl_mesh.render.color import Palette
    from kubectl_mesh.render.trace import render
    from simulator.model.directory import Directory

    return render(report(trace, directory=Directory(), url=url, from_=sender), palette=Palette())

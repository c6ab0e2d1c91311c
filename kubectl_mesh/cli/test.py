"""`kubectl mesh test`: traffic as tests."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from kubectl_mesh.cli.context import Call, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.cli.outputs import parse_outputs, write_outputs
from kubectl_mesh.cli.suite_inputs import explain, open_mesh, suites, watched
from kubectl_mesh.errors import ExitCode, UsageError
from kubectl_mesh.render.color import Palette

if TYPE_CHECKING:
    from kubectl_mesh.meshtest.importing import Importer
    from kubectl_mesh.meshtest.session import Choice
    from kubectl_mesh.reports.verdicts import TestRun

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_FORMS = ("text", "json", "yaml", "junit", "sarif", "github", "tap", "md")
_TITLE = "kubectl mesh test"
_GENERATE = "generate"
Output = Annotated[
    list[str] | None,
    typer.Option("-o", "--output", metavar="FORMAT[=FILE]", help=f"{', '.join(_FORMS)}. May be repeated."),
]


@app.command(cls=MeshCommand, context_settings={"help_option_names": ["-h", "--help"]})
@command
def run_tests(
    call: Call,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", show_default=False)],
    keyword: Annotated[
        str, typer.Option("-k", metavar="EXPR", help="Only run tests whose name contains this: 'a and not b'.")
    ] = "",
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first test that does not pass.")] = False,
    coverage: Annotated[bool, typer.Option("--coverage", help="List the rules that no test touched.")] = False,
    shard: Annotated[str, typer.Option("--shard", metavar="I/N", help="Run the Ith of N parts of the tests.")] = "1/1",
    from_: Annotated[
        str, typer.Option("--from", metavar="NAME", help="Sender of the requests, for files of other tools.")
    ] = "",
    from_icv: Annotated[bool, typer.Option("--from-icv", help="Read files as istio-config-validator's.")] = False,
    from_router_check: Annotated[
        bool, typer.Option("--from-router-check", help="Read files as Envoy's router_check_tool's.")
    ] = False,
    update: Annotated[bool, typer.Option("--update", help="Rewrite failing expectations to what happens now.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Run again when a file changes, until Ctrl-C.")] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Also list passing tests, and whole traces.")
    ] = False,
    output: Output = None,
) -> None:
    """Run traffic tests: *.meshtest.yaml files, also those in directories, without sending a request.

    Exits with 0 when all pass, 1 when one fails, 3 when one cannot be decided, 5 when there is none. Files of
    istio-config-validator and of Envoy's router_check_tool run too, on the mesh that -f names.

    `test generate FILE` writes a test file for the mesh as it is: one case for each distinct route.

    \b
    Examples:
      kubectl mesh test tests/ -o junit=results.xml
      kubectl mesh test generate -f k8s/ shop.meshtest.yaml
    """
    if paths[0] == _GENERATE:
        from kubectl_mesh.cli.suite_writing import generate

        generate(call, paths[1:], from_)
        return
    from kubectl_mesh.meshtest.session import Choice

    question = _Question(
        paths=paths,
        importer=_importer(from_, from_icv=from_icv, from_router_check=from_router_check),
        choice=Choice(keyword=keyword, fail_fast=fail_fast, shard=_shard(shard), coverage=coverage),
        outputs=parse_outputs(output or (), allowed=_FORMS, default="text"),
        update=update,
        verbose=verbose,
    )
    if not watch:
        call.finish(question.run(call))
        return
    from kubectl_mesh.cli.suite_watching import watch as repeat

    repeat(
        lambda: _ignore(question.run(Call(call.settings))),
        lambda: watched(call, paths, question.importer),
        note=call.note,
    )


def _ignore(code: ExitCode) -> None:
    """Take an exit code that nobody waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What one call asks, once or again and again."""

    paths: list[str]
    importer: "Importer"
    choice: "Choice"
    outputs: tuple[tuple[str, str], ...]
    update: bool
    verbose: bool

    def run(self, call: Call) -> ExitCode:
        """Run the tests and write the results."""
        from kubectl_mesh.meshtest.session import Session

        session = Session(
            open=lambda given, source: open_mesh(call, given, source),
            explain=explain,
            clock=time.perf_counter,
            choice=self.choice,
            namespace=call.namespace,
        )
        found = suites(self.paths, self.importer)
        if self.update:
            from kubectl_mesh.cli.suite_writing import update

            update(call, session, found)
            found = suites(self.paths, self.importer)
        run = session.run(found)
        call.also_saw(session.sources)
        write_outputs(call, self.outputs, lambda form: _shown(run, form, palette=call.palette, verbose=self.verbose))
        return _exit_code(run)


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


def _importer(sender: str, *, from_icv: bool, from_router_check: bool) -> "Importer":
    from kubectl_mesh.meshtest.importing import CLIENT, ICV, ROUTER_CHECK, Importer

    if from_icv and from_router_check:
        raise UsageError(
            "--from-icv and --from-router-check cannot be combined",
            hint="leave both out: the content of a file decides",
        )
    form = ICV if from_icv else ROUTER_CHECK if from_router_check else ""
    return Importer(sender=sender or CLIENT, form=form)

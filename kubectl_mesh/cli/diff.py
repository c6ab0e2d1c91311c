"""`kubectl mesh diff`: what a change does to proxies and requests."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from kubectl_mesh.cli.context import Call, check_output, command
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.errors import ExitCode, UsageError
from kubectl_mesh.sources.base import MeshSource
from kubectl_mesh.sources.progress import waiting

if TYPE_CHECKING:
    from kubectl_mesh.plan.changes import Listed

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_FORMS = ("text", "json", "yaml", "md")


@app.command(cls=MeshCommand, context_settings={"help_option_names": ["-h", "--help"]})
@command
def diff(
    call: Call,
    before: Annotated[str, typer.Argument(metavar="[BEFORE]", show_default=False)] = "",
    after: Annotated[str, typer.Argument(metavar="[AFTER]", show_default=False)] = "",
    apply: Annotated[
        list[str] | None,
        typer.Option("--apply", metavar="PATH", help="Manifests to apply to the mesh of -f. May be repeated."),
    ] = None,
    delete: Annotated[
        list[str] | None,
        typer.Option("--delete", metavar="KIND/NAME", help="Resource to delete from the mesh of -f. May be repeated."),
    ] = None,
    request: Annotated[
        list[str] | None,
        typer.Option("--request", metavar="'FROM URL'", help="Report this request even if it does not change."),
    ] = None,
    output: Annotated[str, typer.Option("-o", "--output", metavar="text|json|yaml|md", help="Output format.")] = "text",
) -> None:
    """Show what a change does: which requests end differently, and what every proxy is sent.

    Compares two meshes, BEFORE and AFTER (files or directories); or the mesh of -f with itself after --apply and
    --delete. Exits with 1 when anything changes.

    \b
    Examples:
      kubectl mesh diff before/ after/
      kubectl mesh diff -f k8s/ --apply change/ --request 'deploy/web http://catalog/items'
    """
    from kubectl_mesh.plan.changes import compare
    from kubectl_mesh.render import difference, structured

    form = check_output(output, allowed=_FORMS)
    old, new = _sides(call, before, after, apply or [], delete or [])
    with waiting("comparing what the proxies hold"):
        changes = compare(old, new, listed=[_listed(text) for text in request or []], namespace=call.namespace)
    match form:
        case "text":
            call.write_wrapped(difference.render(changes, palette=call.palette))
        case "md":
            call.write(difference.markdown(changes))
        case _:
            document = structured.document("Changes", changes) | {"summary": difference.summary(changes)}
            call.write(structured.render(document, form=form, indent=2))
    call.caveats_of(old, new)
    call.finish(ExitCode.CLEAN if changes.empty else ExitCode.FINDINGS)


def _sides(call: Call, before: str, after: str, apply: list[str], delete: list[str]) -> tuple[MeshSource, MeshSource]:
    """Return the two meshes that the words name."""
    from kubectl_mesh.sources.simulated import open_change, open_manifests

    settings = call.settings
    if before or after:
        if not after or apply or delete or settings.files or settings.demo:
            hint = "diff BEFORE AFTER, or diff -f PATH --apply PATH"
            raise UsageError("BEFORE and AFTER belong together, without -f", hint=hint)
        old, new = (open_manifests([path], settings.completion) for path in (before, after))
        return old, new
    if not (apply or delete):
        raise UsageError("nothing to compare with", hint="diff BEFORE AFTER, or diff -f PATH --apply PATH")
    return open_change(settings.files, settings.completion, demo=settings.demo, apply=apply, delete=delete)


def _listed(text: str) -> "Listed":
    from kubectl_mesh.diagnosis.request_line import RequestFlags, read_request
    from kubectl_mesh.plan.changes import Listed

    words = shlex.split(text)
    if len(words) != 2:
        raise UsageError(f"--request {text}: not two words", hint="--request 'FROM URL'")
    return Listed(sender=words[0], request=read_request(words[1], RequestFlags()))

"""`kubectl mesh kube-inject`: manifests with the proxies that the webhook would add."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from kubectl_mesh.cli.context import Call, command, open_source
from kubectl_mesh.cli.groups import MeshCommand
from kubectl_mesh.errors import ExitCode, InputError, UsageError
from kubectl_mesh.render import structured

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SETTINGS = {"help_option_names": ["-h", "--help"]}
_KINDS = ("ConfigMap", "Deployment", "DaemonSet", "ProxyConfig", "Node")


def _file(flag: str, explain: str) -> Any:
    return typer.Option(flag, metavar="FILE", help=explain, show_default=False)


@app.command(cls=MeshCommand, context_settings=_SETTINGS)
@command
def kube_inject(
    call: Call,
    files: Annotated[
        list[str] | None,
        typer.Option("-f", "--filename", "--file", metavar="PATH", help="File, directory, glob or -. May be repeated."),
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Write to this file instead of stdout.")
    ] = "",
    mesh_config: Annotated[str, _file("--meshConfigFile", "MeshConfig to use.")] = "",
    inject_config: Annotated[str, _file("--injectConfigFile", "Configuration of the injector to use.")] = "",
    values: Annotated[str, _file("--valuesFile", "Values of the injector to use.")] = "",
    use_kube: Annotated[
        bool, typer.Option("--use-kube", help="Take the injector's settings from the live cluster.")
    ] = False,
) -> None:
    """Inject proxies into manifests, as the injection webhook would.

    Settings come from the control plane among the files, else from the default profile; with --use-kube, from the
    live cluster.

    \b
    Example:
      kubectl mesh kube-inject -f deployment.yaml | kubectl apply -f -
    """
    from kubectl_mesh.sources.injection import injected_files, read_settings

    paths = _paths(call, files)
    cluster = None
    if use_kube:
        source = open_source(replace(call.settings, files=(), demo=False))
        cluster = [document for kind in _KINDS for document in source.resources(kind)]
    found = injected_files(
        paths,
        namespace=call.namespace,
        revision=call.settings.connection.revision,
        settings=read_settings(mesh=mesh_config, config=inject_config, values=values),
        cluster=cluster,
    )
    for one in found:
        for warning in (*one.warnings, *one.missing):
            call.note(warning)
    texts = (one.text if one.value is None else structured.to_yaml(structured.plain(one.value)) for one in found)
    _write(call, output, "".join(f"{_whole_lines(text)}---\n" for text in texts))
    call.finish(ExitCode.CANNOT_ANSWER if any(one.missing for one in found) else ExitCode.CLEAN)


def _whole_lines(text: str) -> str:
    """End the last line of a document, which a file need not do."""
    return text if text.endswith("\n") or not text else f"{text}\n"


def _paths(call: Call, files: list[str] | None) -> list[str]:
    if call.settings.demo:
        from kubectl_mesh.sources.simulated import example

        return [str(example()), *(files or ())]
    if not files:
        raise UsageError("filename not specified (see --filename or -f)", hint="kubectl mesh kube-inject -f FILE")
    return files


def _write(call: Call, path: str, text: str) -> None:
    if path in ("", "-"):
        call.write(text)
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error

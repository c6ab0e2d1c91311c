"""The composition root: the options of a call become one source and one way of printing; nothing else chooses one."""

import functools
import inspect
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import typer

from kubectl_mesh.cli import options
from kubectl_mesh.cli.log_options import LogOptions
from kubectl_mesh.errors import ExitCode, UsageError
from kubectl_mesh.render.color import Palette, choose
from kubectl_mesh.sources.base import Caveats, HomeNamespace, MeshSource
from simulator.model.caveats import CaveatKind

Function = TypeVar("Function", bound=Callable[..., None])


@dataclass(slots=True)
class Call:
    """One call of a command: where the mesh is seen, and where the answer goes."""

    settings: options.Settings
    _source: MeshSource | None = field(default=None, repr=False)
    _others: list[MeshSource] = field(default_factory=list, repr=False)

    @property
    def source(self) -> MeshSource:
        """The mesh that the options name, opened when first asked for."""
        if self._source is None:
            self._source = open_source(self.settings)
        return self._source

    @property
    def namespace(self) -> str:
        """Namespace that `-n` names; empty without it."""
        return self.settings.namespace

    @property
    def home(self) -> str:
        """Namespace of names that stand without one: `-n`, else the kubeconfig's, else `default`."""
        source = self.source
        return self.namespace or (source.namespace if isinstance(source, HomeNamespace) else "") or "default"

    @property
    def palette(self) -> Palette:
        """Styles for stdout."""
        return choose(self.settings.color, terminal=sys.stdout.isatty(), environment=os.environ)

    def write(self, text: str) -> None:
        """Write an answer to stdout."""
        sys.stdout.write(text)

    def write_wrapped(self, text: str) -> None:
        """Write an answer in sentences to stdout; lines that are longer than the terminal are wrapped."""
        from kubectl_mesh.render.wrapping import wrapped

        self.write(wrapped(text, width=shutil.get_terminal_size().columns if sys.stdout.isatty() else 0))

    def note(self, text: str) -> None:
        """Write a warning or a hint to stderr."""
        print(text, file=sys.stderr)

    def finish(self, code: ExitCode = ExitCode.CLEAN) -> None:
        """Report the source's caveats and end with an exit code."""
        self.caveats()
        raise typer.Exit(int(ExitCode.CANNOT_ANSWER if code is ExitCode.CLEAN and self.partial else code))

    @property
    def partial(self) -> bool:
        """Tell whether a cluster kept part of the answer from being seen."""
        caveats = (caveat for source in self._seen if isinstance(source, Caveats) for caveat in source.caveats())
        return any(caveat.kind is CaveatKind.UNSEEN for caveat in caveats)

    def also_saw(self, sources: Iterable[MeshSource]) -> None:
        """Remember meshes beside that of the options, for what has to be said about them."""
        self._others += sources

    @property
    def _seen(self) -> list[MeshSource]:
        return [*([self._source] if self._source is not None else []), *self._others]

    def caveats(self) -> None:
        """Write what the source did not see or does not simulate to stderr."""
        self.caveats_of(*self._seen)

    def caveats_of(self, *sources: MeshSource) -> None:
        """Write what these sources did not see or do not simulate to stderr, each once."""
        from kubectl_mesh.render.terminal import printable

        told = (str(caveat) for source in sources if isinstance(source, Caveats) for caveat in source.caveats())
        for text in dict.fromkeys(told):
            self.note(f"warning: {printable(text)}")


def command(function: Function) -> Function:
    """Add the shared options to a command whose first parameter is the `Call`.

    An option of the command itself that uses a flag of a shared one replaces it.
    """
    signature = inspect.signature(function, eval_str=True)
    _, *own = signature.parameters.values()
    taken = {flag for parameter in own for flag in options.flags(parameter.annotation)}
    names = {parameter.name for parameter in own}
    shared = [parameter for parameter in options.shared_parameters(taken) if parameter.name not in names]
    shared_names = {parameter.name for parameter in shared}

    @functools.wraps(function)
    def wrapper(**given: Any) -> None:
        settings = options.Settings.collect({name: given.pop(name) for name in shared_names})
        if settings.color not in ("auto", "always", "never"):
            raise UsageError(f"--color {settings.color}: not one of auto, always, never")
        if settings.log != LogOptions():
            from kubectl_mesh.cli.log_output import configure

            configure(settings.log)
        call = Call(settings)
        function(call, **given)
        call.caveats()
        if call.partial:
            raise typer.Exit(int(ExitCode.CANNOT_ANSWER))

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + shared
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del wrapper.__wrapped__
    return wrapper  # type: ignore[return-value]


def check_output(form: str, *, allowed: Sequence[str]) -> str:
    """Return `form` when the command can print it."""
    if form not in allowed:
        raise UsageError(f'output format "{form}" not supported', hint=f"use one of {', '.join(allowed)}")
    return form


def open_source(settings: options.Settings) -> MeshSource:
    """Open the mesh that the options name: a saved document, manifests, a bundle, the example, or the live one."""
    chosen = [name for name, given in _choices(settings) if given]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} cannot be combined", hint="name one source")
    if settings.bundle:
        from kubectl_mesh.sources.recorded import open_bundle

        return open_bundle(settings.bundle)
    if settings.files:
        from kubectl_mesh.sources import recorded

        if recorded.is_saved_document(settings.files):
            return recorded.open_documents(settings.files)
    if settings.files or settings.demo:
        from kubectl_mesh.sources.simulated import open_demo, open_manifests

        if settings.demo:
            return open_demo()
        return open_manifests(settings.files, settings.completion)
    return _open_live(settings)


def _open_live(settings: options.Settings) -> MeshSource:
    from kubectl_mesh.sources.live import connect

    return connect(settings.connection)


def _choices(settings: options.Settings) -> list[tuple[str, bool]]:
    return [("-f", bool(settings.files)), ("--demo", settings.demo), ("--bundle", bool(settings.bundle))]

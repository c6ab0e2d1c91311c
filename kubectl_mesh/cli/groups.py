"""Groups of commands in which a command answers to several names."""

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from kubectl_mesh.cli.plain_values import read_plainly

Function = TypeVar("Function", bound=Callable[..., None])


class MeshCommand(TyperCommand):
    """A command that takes Go's spelling of boolean flags too: `--verbose=false`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the command's options and arguments, read without pydantic."""
        parameters: list[Any] = super().get_params(ctx)
        read_plainly(parameters)
        return parameters

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Rewrite `--flag=true|false` to the flag, its opposite, or nothing; then parse."""
        return super().parse_args(ctx, [word for arg in args for word in self._spelt(arg)])

    def _spelt(self, arg: str) -> list[str]:
        flag, _, value = arg.partition("=")
        if value not in ("true", "false"):
            return [arg]
        for parameter in self.params:
            if flag in parameter.opts and getattr(parameter, "is_flag", False):
                return [flag] if value == "true" else list(parameter.secondary_opts[:1])
        return [arg]


class MeshGroup(TyperGroup):
    """A group whose commands may have other names; help lists them beside the first."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the group's own options, read without pydantic."""
        parameters: list[Any] = super().get_params(ctx)
        read_plainly(parameters)
        return parameters

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by one of its names."""
        for name, loaded in self.commands.items():
            if cmd_name in (name, *self._others(loaded)):
                return loaded
        return None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List each command once, with all its names."""
        rows = [
            (", ".join((name, *self._others(loaded))), loaded.get_short_help_str(200))
            for name, loaded in self.commands.items()
            if not loaded.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    @staticmethod
    def _others(loaded: Any) -> tuple[str, ...]:
        return tuple(getattr(loaded.callback, "other_names", ()))


def group(text: str) -> typer.Typer:
    """Make an app whose commands are reached by a word before them."""
    settings = {"help_option_names": ["-h", "--help"]}
    app = typer.Typer(
        cls=MeshGroup,
        rich_markup_mode=None,
        no_args_is_help=True,
        help=text,
        add_completion=False,
        context_settings=settings,
    )
    app.callback()(_nothing)  # keeps typer from taking a group of one command for the command
    return app


def _nothing() -> None: ...


def add(app: typer.Typer, name: str, *others: str, hidden: bool = False) -> Callable[[Function], Function]:
    """Register a command under a name and others."""

    def register(function: Function) -> Function:
        function.other_names = others  # type: ignore[attr-defined]
        settings = {"help_option_names": ["-h", "--help"]}
        app.command(name, hidden=hidden, context_settings=settings, cls=MeshCommand)(function)
        return function

    return register

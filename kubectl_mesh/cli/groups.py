"""Groups of commands in which a command answers to several names."""

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from kubectl_mesh.cli import help_layout
from kubectl_mesh.cli.plain_values import read_plainly

Function = TypeVar("Function", bound=Callable[..., None])


class MeshCommand(TyperCommand):
    """A command that takes Go's spelling of boolean flags too: `--verbose=false`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the command's options and arguments, read without pydantic."""
        parameters: list[Any] = super().get_params(ctx)
        read_plainly(parameters)
        return parameters

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line: arguments, then options."""
        return [*help_layout.arguments(self), "[OPTIONS]"]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write options in sections: the command's own, and those that choose the mesh."""
        help_layout.write_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Say where the options are listed that are left out here."""
        help_layout.write_pointer(ctx, formatter)

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

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line."""
        return ["COMMAND"]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """List the commands; a group's only option is `--help`."""
        self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Say where options and examples are."""
        formatter.write_paragraph()
        formatter.write(f'Use "{ctx.command_path} COMMAND --help" for options and an example.\n')

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

"""The commands by name, and a group that imports a command's module only when the command is called.

Importing every command to print a list of their names would cost more than all the rest of `--help`.
"""

import importlib
import os
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from kubectl_mesh.cli import program
from kubectl_mesh.cli.plain_values import read_plainly
from kubectl_mesh.errors import ExitCode, MeshError

UsageProblem: type[Exception] = typer.BadParameter.__mro__[1]
"""What the parser raises on wrong usage; typer exports only this subclass of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: its name, its other names, the module that holds its typer `app`, and a line of help."""

    name: str
    module: str
    help: str
    aliases: tuple[str, ...] = ()
    hidden: bool = False


SECTIONS = {
    "Requests and changes": (
        Entry("trace", "trace", "Follow a request hop by hop: where it goes, and why."),
        Entry("diff", "diff", "Show what a change does to requests and to proxies."),
        Entry("test", "test", "Run traffic tests (*.meshtest.yaml)."),
        Entry("analyze", "analyze", "Find what is wrong: with file, line and fix."),
    ),
    "Proxies and policies": (
        Entry("proxy-status", "proxy_status", "Show which proxies are in sync with istiod.", ("ps",)),
        Entry("proxy-config", "proxy_commands", "Show what a proxy holds: clusters, routes, ...", ("pc",)),
        Entry("ztunnel-config", "ztunnel_config", "Show what a ztunnel holds: workloads, ...", ("zc",)),
        Entry("describe", "describe", "Show everything that applies to a pod or a service.", ("des",)),
        Entry("authz", "authz", "Show what authorization policies allow, and why."),
        Entry("mtls", "mtls", "Show whether clients and servers agree on mTLS."),
        Entry("connect", "connect", "Check that a proxy can reach istiod."),
        Entry("remote-clusters", "remote_clusters", "List the remote clusters that each istiod watches."),
    ),
    "Simulated and recorded meshes": (
        Entry("simulate", "simulate", "Generate or serve the mesh that manifests describe.", ("sim",)),
        Entry("bundle", "bundle", "Record a mesh, to ask it later with --bundle."),
        Entry("bug-report", "bug_report", "Collect a bundle, logs and findings in one archive."),
    ),
    "Injection and waypoints": (
        Entry("check-inject", "check_inject", "Show which webhook injects a pod, and why."),
        Entry("kube-inject", "kube_inject", "Inject proxies into manifests, as the webhook would."),
        Entry("injector", "injector", "List injected namespaces, revisions and webhooks."),
        Entry("waypoint", "waypoint_commands", "List, check, create and delete waypoints."),
    ),
    "Control plane and tools": (
        Entry("precheck", "precheck", "Check whether Istio can be installed or upgraded."),
        Entry("admin", "admin", "Show and change istiod's log levels.", ("istiod",)),
        Entry("dashboard", "dashboard", "Open the web page of Envoy, istiod or an addon.", ("dash", "d")),
        Entry("version", "version", "Show versions of client, istiod and proxies."),
        Entry("completion", "completion_command", "Print or install shell completion for bash and zsh."),
        Entry("options", "global_options", "List the options that every command takes."),
        Entry("experimental", "experimental", "istioctl's experimental commands, by its names.", ("x", "exp")),
    ),
}
COMMANDS = tuple(entry for entries in SECTIONS.values() for entry in entries)
_BY_NAME = {name: entry for entry in COMMANDS for name in (entry.name, *entry.aliases)}


def find_entry(name: str) -> Entry | None:
    """Return a command by its name or one of its other names."""
    return _BY_NAME.get(name)


class LazyGroup(TyperGroup):
    """A group that knows its commands by name and loads one when it is called."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the program's own options, read without pydantic."""
        parameters: list[Any] = super().get_params(ctx)
        read_plainly(parameters)
        return parameters

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names shown in help."""
        return [entry.name for entry in COMMANDS if not entry.hidden]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return a command by its name or one of its other names."""
        entry = _BY_NAME.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"kubectl_mesh.cli.{entry.module}")
        loaded = typer.main.get_command(module.app)
        loaded.name = entry.name
        return loaded

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line."""
        return ["COMMAND"]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """List the commands without importing them, section by section."""
        for title, entries in SECTIONS.items():
            rows = [(", ".join((entry.name, *entry.aliases)), entry.help) for entry in entries if not entry.hidden]
            with formatter.section(title):
                formatter.write_dl([(f"{name:22}", text) for name, text in rows])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Say where options and examples are."""
        formatter.write_paragraph()
        formatter.write(f'Use "{ctx.command_path} COMMAND --help" for options and an example.\n')


app = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from kubectl_mesh import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print this program's version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Diagnose Istio service meshes: live, recorded, or simulated from manifests.

    Every command asks the live cluster of your kubeconfig, unless -f names manifests to simulate, --bundle a recorded
    mesh, or --demo the bundled example.

    \b
    Examples:
      kubectl mesh trace --demo deploy/web http://catalog/search -n shop
      kubectl mesh diff -f k8s/ --apply change/
      kubectl mesh analyze -f k8s/
      kubectl mesh proxy-status
    """


_DEPTHS = {
    "proxy_commands": 2,
    "ztunnel_config": 2,
    "describe": 2,
    "injector": 2,
    "waypoint_commands": 2,
    "admin": 2,
    "dashboard": 2,
    "authz": 2,
    "simulate": 3,
    "completion_command": 2,
    "experimental": 3,
}
"""How many words name a command, for groups."""


def hoist(args: list[str]) -> list[str]:
    """Move shared options that stand before the command behind it, since commands are what takes them."""
    if not args or not args[0].startswith("-") or args[0] in ("-h", "--help", "--version"):
        return args
    from kubectl_mesh.cli.options import shared_flags

    known, words = shared_flags(), 0
    while words < len(args) and args[words].startswith("-"):
        flag, equals, _ = args[words].partition("=")
        if flag not in known:
            return args
        words += 2 if known[flag] and not equals else 1
    entry = _BY_NAME.get(args[words]) if words < len(args) else None
    depth = _DEPTHS.get(entry.module, 1) if entry is not None else 1
    behind = words + 1
    while behind < min(words + depth, len(args)) and not args[behind].startswith("-"):
        behind += 1
    return args[words:behind] + args[:words] + args[behind:]


def run(argv: list[str]) -> int:
    """Run one call and return its exit code; no traceback reaches the user unless MESH_DEBUG is set."""
    try:
        result = app(hoist(argv[1:]), prog_name=program.name_from(argv[0]), standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else ExitCode.CLEAN
    except MeshError as error:
        return _fail(str(error), hint=error.hint, code=error.exit_code)
    except UsageProblem as error:
        return _usage(error)
    except typer.Exit as done:
        return done.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except (BrokenPipeError, SystemExit):  # typer turns the first into the second
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.CLEAN
    except Exception as error:
        return _unexpected(error)


def _usage(error: Any) -> int:
    if type(error).__name__ == "NoArgsIsHelpError" or not hasattr(error, "format_message"):
        print(error.ctx.get_help(), file=sys.stderr)
        return ExitCode.USAGE
    from kubectl_mesh.cli.usage_errors import explain

    message, hint = explain(error)
    return _fail(message, hint=hint, code=ExitCode.USAGE)


def _unexpected(error: Exception) -> int:
    from simulator.model.errors import SimulatorError

    if isinstance(error, SimulatorError):
        return _fail(str(error), hint=error.hint, code=ExitCode.CANNOT_ANSWER)
    if os.environ.get("MESH_DEBUG"):
        import traceback

        traceback.print_exc()
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return _fail(
        f"unexpected: {text}",
        hint="this is a bug: please report it, with what MESH_DEBUG=1 prints",
        code=ExitCode.CANNOT_ANSWER,
    )


def _fail(message: str, *, hint: str, code: int) -> int:
    from kubectl_mesh.render.terminal import printable

    sys.stdout.flush()
    for number, line in enumerate(message.split("\n")):
        print(printable(line) if number else f"error: {printable(line)}", file=sys.stderr)
    if hint:
        print(f"hint: {printable(hint)}", file=sys.stderr)
    return code

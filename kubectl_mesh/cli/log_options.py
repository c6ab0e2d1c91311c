"""Options for this program's own log, in the form Istio's components take them; kebab-case is understood too.

Istio: pkg/log/options.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer


def _option(name: str) -> Any:
    return typer.Option(f"--{name}", f"--{name.replace('_', '-')}", hidden=True, show_default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Values as they were given; empty means Istio's default. Sizes are in MB, ages in days."""

    output_level: str = ""
    stacktrace_level: str = ""
    caller: str = ""
    target: tuple[str, ...] = ()
    rotate: str = ""
    rotate_max_age: int = 30
    rotate_max_size: int = 100
    rotate_max_backups: int = 1000
    as_json: bool = False

    @classmethod
    def collect(cls, given: Mapping[str, Any]) -> "LogOptions":
        """Gather the values that typer parsed, by name of the parameter."""
        values = {name.removeprefix("log_"): given[name] for name in LOG_OPTIONS if name in given}
        return cls(**values | {"target": tuple(values.get("target") or ())})


LOG_OPTIONS: dict[str, tuple[Any, Any]] = {
    "log_output_level": (Annotated[str, _option("log_output_level")], ""),
    "log_stacktrace_level": (Annotated[str, _option("log_stacktrace_level")], ""),
    "log_caller": (Annotated[str, _option("log_caller")], ""),
    "log_target": (Annotated[list[str] | None, _option("log_target")], None),
    "log_rotate": (Annotated[str, _option("log_rotate")], ""),
    "log_rotate_max_age": (Annotated[int, _option("log_rotate_max_age")], 30),
    "log_rotate_max_size": (Annotated[int, _option("log_rotate_max_size")], 100),
    "log_rotate_max_backups": (Annotated[int, _option("log_rotate_max_backups")], 1000),
    "log_as_json": (Annotated[bool, _option("log_as_json")], False),
}
LOG_MEANING = {
    "--log_output_level": "Lowest levels to log, by scope: SCOPE:LEVEL,… (default:warn).",
    "--log_stacktrace_level": "Levels from which a stack trace is logged: SCOPE:LEVEL,… (default:none).",
    "--log_caller": "Scopes whose messages name file and line.",
    "--log_target": "Where to log: stdout, stderr (default) or a file. May be repeated.",
    "--log_rotate": "Log file that is rotated.",
    "--log_rotate_max_age": "Days to keep rotated files (default 30); 0 keeps them all.",
    "--log_rotate_max_size": "Size in MB at which the file is rotated (default 100).",
    "--log_rotate_max_backups": "Number of rotated files to keep (default 1000).",
    "--log_as_json": "Log one JSON object per line.",
}

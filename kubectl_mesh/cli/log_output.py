"""This program's own log, as Istio's components write theirs: time, level, scope, message, parted by tabs.

Istio: pkg/log/config.go. Scopes are names of loggers below `kubectl_mesh`: `api` (requests to an API server),
`portforward` (requests to pods); `default` stands for all that are not named.
"""

import json
import logging
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from kubectl_mesh.cli.log_options import LogOptions
from kubectl_mesh.errors import InputError, UsageError

ROOT = "kubectl_mesh"
DEFAULT = "default"
_OFF = logging.CRITICAL + 10
LEVELS = {
    "none": _OFF,
    "fatal": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}
_NAMES = {number: name for name, number in LEVELS.items()}
_MEGABYTE, _DAY = 1 << 20, 86_400


def configure(options: LogOptions) -> None:
    """Set levels and targets. Raises UsageError for words that are no levels, InputError for files."""
    levels = read_levels(options.output_level)
    formatter = _Formatter(options, read_levels(options.stacktrace_level))
    root = logging.getLogger(ROOT)
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    for handler in _handlers(options):
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.propagate = False
    root.setLevel(levels.get(DEFAULT, logging.WARNING))
    for scope, level in levels.items():
        if scope != DEFAULT:
            logging.getLogger(f"{ROOT}.{scope}").setLevel(level)


def read_levels(text: str) -> dict[str, int]:
    """Read `SCOPE:LEVEL,…`; a level alone is that of the default scope."""
    found = {}
    for part in text.split(",") if text else ():
        scope, colon, level = part.strip().rpartition(":")
        if level not in LEVELS or (colon and not scope):
            words = f"{part}: not SCOPE:LEVEL"
            raise UsageError(words, hint=f"levels are {', '.join(LEVELS)}, as in default:info,api:debug")
        found[scope or DEFAULT] = LEVELS[level]
    return found


def _handlers(options: LogOptions) -> Iterator[logging.Handler]:
    targets = options.target or (() if options.rotate else ("stderr",))
    streams = {"stdout": sys.stdout, "stderr": sys.stderr}
    try:
        for target in targets:
            yield logging.StreamHandler(streams[target]) if target in streams else logging.FileHandler(target)
        if options.rotate:
            _forget(Path(options.rotate), days=options.rotate_max_age)
            size = max(options.rotate_max_size, 0) * _MEGABYTE
            yield RotatingFileHandler(options.rotate, maxBytes=size, backupCount=max(options.rotate_max_backups, 0))
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror or error}", hint="see --log_target") from error


def _forget(path: Path, *, days: int) -> None:
    """Delete rotated files that are too old."""
    if days <= 0 or not path.parent.is_dir():
        return
    oldest = time.time() - days * _DAY
    for old in path.parent.glob(f"{path.name}.*"):
        if old.suffix[1:].isdecimal() and old.stat().st_mtime < oldest:
            old.unlink(missing_ok=True)


class _Formatter(logging.Formatter):
    """One line a message, with caller and stack where the options ask for them."""

    def __init__(self, options: LogOptions, stacks: dict[str, int]) -> None:
        super().__init__()
        self._json = options.as_json
        self._callers = frozenset(options.caller.split(",")) if options.caller else frozenset()
        self._stacks = stacks

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a message."""
        scope = record.name.removeprefix(ROOT).lstrip(".") or DEFAULT
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        fields = {
            "time": moment.replace("+00:00", "Z"),
            "level": _NAMES.get(record.levelno, record.levelname.lower()),
            "scope": scope,
        }
        if self._callers & {scope, DEFAULT}:
            fields["caller"] = f"{Path(record.pathname).name}:{record.lineno}"
        fields["msg"] = record.getMessage()
        stack = self._stack(record, scope)
        if self._json:
            return json.dumps(fields | ({"stack": stack} if stack else {}), ensure_ascii=False)
        parts = [text for name, text in fields.items() if (name, text) != ("scope", DEFAULT)]
        return "\t".join(parts) + (f"\n{stack}" if stack else "")

    def _stack(self, record: logging.LogRecord, scope: str) -> str:
        import traceback

        if record.exc_info:
            return self.formatException(record.exc_info)
        if record.levelno < self._stacks.get(scope, self._stacks.get(DEFAULT, _OFF)):
            return ""
        return "".join(traceback.format_stack()[:-8]).rstrip()

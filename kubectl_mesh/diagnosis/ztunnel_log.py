"""The requests that change the log levels of a ztunnel.

istioctl: pkg/ztunnelconfig/ztunnelconfig.go (logCmd). ztunnel takes `SCOPE:LEVEL,…`, knows `warn`, and `error` is its
highest level.
"""

from kubectl_mesh.errors import UsageError

_LEVELS = {level: level for level in ("trace", "debug", "info", "error", "off")}
_SPELT = {**_LEVELS, "warning": "warn", "warn": "warn", "critical": "error"}
_DEFAULT = "info"


def log_request(levels: str, *, reset: bool = False) -> str:
    """Return the path to POST for `LEVEL` or `SCOPE:LEVEL,…`; without levels, the one that only reads them."""
    if reset:
        return f"logging?level={_DEFAULT}&reset"
    if not levels:
        return "logging"
    return "logging?level=" + ",".join(_directive(item) for item in levels.split(","))


def _directive(item: str) -> str:
    for mark in ("=", ":"):  # a scope may have colons of its own: a::b=debug
        scope, found, level = item.rpartition(mark)
        if found:
            return f"{scope}:{_known(level)}"
    return _known(item)


def _known(level: str) -> str:
    if level not in _SPELT:
        raise UsageError(f"unrecognized logging level: {level}", hint=f"levels are {', '.join(_SPELT)}")
    return _SPELT[level]

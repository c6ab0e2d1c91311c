"""At which levels does a proxy log, and how are they changed?

istioctl: pkg/proxyconfig/proxyconfig.go (logCmd). Envoy: `POST /logging`.
"""

import re
from collections.abc import Mapping

from kubectl_mesh.errors import NotAvailable, NothingFound, UsageError
from kubectl_mesh.sources.base import MeshAdmin, MeshSource
from simulator.model.proxies import ProxyId

LEVELS = ("trace", "debug", "info", "warning", "error", "critical", "off")
EVERY = "level"
_SPELLINGS = {level: level for level in LEVELS} | {"warn": "warning"}
_DEFAULT = "warning"


def read_levels(text: str) -> dict[str, str]:
    """Read `LEVEL` or `LOGGER:LEVEL,…`; a level alone is for every logger and overrides the items before it."""
    levels: dict[str, str] = {}
    for item in text.split(",") if text else ():
        logger, mark, level = _divided(item)
        if level not in _SPELLINGS:
            raise UsageError(f"unrecognized logging level: {level}", hint=f"levels are {', '.join(LEVELS)}")
        if mark:
            levels[logger] = _SPELLINGS[level]
        else:
            levels = {EVERY: _SPELLINGS[level]}
    return levels


def _divided(item: str) -> tuple[str, str, str]:
    if not re.search("[:=]", item):
        return "", "", item
    logger, level = re.split("[:=]", item.rpartition("::")[2], maxsplit=1)
    return logger, ":", level


def default_levels() -> dict[str, str]:
    """Return the levels with which istio-proxy starts by default."""
    return {EVERY: _DEFAULT}


def apply(source: MeshSource, proxy: ProxyId, levels: Mapping[str, str]) -> str:
    """Set levels, that of all loggers first, and return Envoy's list of levels; without levels only read it."""
    answer = posted(source, proxy, "logging")
    known = levels_of(answer)
    for logger in levels:
        if logger != EVERY and logger not in known:
            close = ", ".join(sorted(known)[:6])
            raise NothingFound(f"unrecognized logger name: {logger}", hint=f"loggers are {close}, …")
    for logger in sorted(levels, key=lambda name: name != EVERY):
        answer = posted(source, proxy, f"logging?{logger}={levels[logger]}")
    return f"{proxy}:\n{answer}"


def levels_of(text: str) -> dict[str, str]:
    """Read Envoy's list of loggers."""
    return dict(re.findall(r"^\s+(\S+): (\w+)$", text, re.MULTILINE))


def posted(source: MeshSource, proxy: ProxyId, path: str) -> str:
    """Return a proxy's answer to a POST. Raises NotAvailable for a proxy that does not run."""
    if not isinstance(source, MeshAdmin):
        raise NotAvailable("log levels exist only in running proxies", hint="leave out -f and --bundle")
    return source.envoy_post(proxy, path).decode(errors="replace")

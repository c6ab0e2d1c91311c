"""At which levels does istiod log, and how are they changed?

istioctl: pkg/admin/istiodconfig.go. istiod: pkg/ctrlz/topics/scopes.go: `GET /scopej`, `PUT /scopej/<scope>`.
"""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

from kubectl_mesh.diagnosis.config_dump import decode
from kubectl_mesh.errors import InputError, NotAvailable, NothingFound, SourceError, UsageError
from kubectl_mesh.reports.istiod_logging import LogScope
from kubectl_mesh.sources.base import MeshSource, PodPorts
from simulator.model.proxies import ProxyId

CONTROLZ = 9876
LEVELS = ("none", "error", "warn", "info", "debug")
DEFAULT_LEVEL, DEFAULT_STACK_TRACE = "info", "none"
_PAIR = re.compile(r"([\w\- ]+):(" + "|".join(LEVELS) + r")\Z")
_ACCEPTED = 202


def read_pairs(text: str) -> dict[str, str]:
    """Read `SCOPE:LEVEL,…`."""
    found = {}
    for part in text.split(",") if text else ():
        match = _PAIR.match(part.strip())
        if match is None:
            raise UsageError(f"{part}: not SCOPE:LEVEL", hint=f"levels are {', '.join(LEVELS)}, as in ads:debug")
        found[match[1]] = match[2]
    return found


def scopes(source: MeshSource, istiod: ProxyId, *, port: int = CONTROLZ) -> tuple[LogScope, ...]:
    """Return the log scopes of an istiod by name."""
    document = decode(_ask(source, istiod, port, "scopej"), subject=f"log scopes of {istiod}")
    if not isinstance(document, list) or not all(isinstance(each, dict) for each in document):
        raise InputError(f"log scopes of {istiod}: not a list of scopes")
    found = [
        LogScope(
            scope_name=str(each.get("name", "")),
            log_level=str(each.get("output_level", "")),
            stack_trace_level=str(each.get("stack_trace_level", "")),
            description=str(each.get("description", "")),
        )
        for each in document
    ]
    return tuple(sorted(found, key=lambda scope: scope.scope_name))


def change(
    source: MeshSource, istiod: ProxyId, *, levels: dict[str, str], stack_traces: dict[str, str], port: int = CONTROLZ
) -> None:
    """Set levels of scopes. Raises NothingFound, and changes nothing, when one of them does not exist."""
    known = {scope.scope_name for scope in scopes(source, istiod, port=port)}
    for scope in (*levels, *stack_traces):
        if scope not in known:
            raise NothingFound(f"{scope}: {istiod} has no such log scope", hint=f"scopes are {_some(known)}")
    for scope in sorted(levels.keys() | stack_traces.keys()):
        wanted = {"name": scope, "output_level": levels.get(scope), "stack_trace_level": stack_traces.get(scope)}
        body = json.dumps({key: value for key, value in wanted.items() if value}).encode()
        _ask(source, istiod, port, f"scopej/{quote(scope)}", method="PUT", body=body, accepted=_ACCEPTED)


def reset(source: MeshSource, istiod: ProxyId, *, levels: bool, stack_traces: bool, port: int = CONTROLZ) -> None:
    """Reset all scopes to istiod's defaults."""
    names = [scope.scope_name for scope in scopes(source, istiod, port=port)]
    change(
        source,
        istiod,
        levels=dict.fromkeys(names, DEFAULT_LEVEL) if levels else {},
        stack_traces=dict.fromkeys(names, DEFAULT_STACK_TRACE) if stack_traces else {},
        port=port,
    )


def _ask(
    source: MeshSource,
    istiod: ProxyId,
    port: int,
    path: str,
    *,
    method: str = "GET",
    body: bytes = b"",
    accepted: int = 200,
) -> bytes:
    if not isinstance(source, PodPorts):
        raise NotAvailable("log levels exist only in a running istiod", hint="leave out -f and --bundle")
    status, answer = source.pod_request(istiod, port, path, method=method, body=body)
    if status != accepted:
        words = answer[:200].decode("utf-8", "replace").strip()
        raise SourceError(f"{istiod}: {method} {path}: status {status}{': ' if words else ''}{words}")
    return answer


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:12]) + (", …" if len(ordered) > 12 else "")

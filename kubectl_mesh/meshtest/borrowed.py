"""Expectations that only test files of other tools have, and their comparison with the predicted answer.

These state rewrites, the shares of faults, the names of routes in Envoy's terms, and Envoy's header matchers.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.envoy.headers import Message, matches_header
from simulator.model.wire import Json

if TYPE_CHECKING:
    from kubectl_mesh.meshtest.observing import Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """Parts of an expectation; only stated ones are compared."""

    virtual_host: str | None = None
    target: str | None = None
    """Path and query as the destination gets them; empty where nothing is sent."""
    rewritten: bool | None = None
    """Whether the path or the host differs from what the client sent."""
    faults: Mapping[str, str] = field(default_factory=dict, hash=False)
    """`delay`, `abort` and the `… percent` of each, as in a trace."""
    request_headers: tuple[Json, ...] = field(default=(), hash=False)
    """Envoy's HeaderMatchers, for the request as the destination gets it."""
    response_headers: tuple[Json, ...] = field(default=(), hash=False)
    answered: tuple[tuple[str, str], ...] = ()
    """Headers that the destination is assumed to answer with."""


def disagreements(wanted: Borrowed, seen: "Observed") -> Iterator[tuple[str, object, object]]:
    """Yield (part, expected, actual) of what does not hold."""
    host = "" if seen.virtual_host == "none" else seen.virtual_host
    if wanted.virtual_host is not None and wanted.virtual_host != host:
        yield "virtual host", wanted.virtual_host, host
    target = seen.sent.target if seen.sent is not None else ""
    if wanted.target is not None and wanted.target != target:
        yield "path and query", wanted.target, target
    if wanted.rewritten is not None and wanted.rewritten is not _is_rewritten(seen):
        yield "rewrite", *(("some", "none") if wanted.rewritten else ("none", "some"))
    for name, value in wanted.faults.items():
        if seen.faults.get(name) != value:
            yield f"fault {name}", value, seen.faults.get(name)
    if wanted.request_headers:
        fields = seen.sent.headers if seen.sent is not None else ()
        yield from _headers("request", wanted.request_headers, _message(seen, fields))
    if wanted.response_headers:
        fields = tuple(changed(wanted.answered, seen.response_headers))
        yield from _headers("response", wanted.response_headers, _message(seen, fields))


def _is_rewritten(seen: "Observed") -> bool:
    asked, sent = seen.trace.request, seen.sent
    return sent is not None and (sent.target != asked.target or sent.host_header != asked.host_header)


def _message(seen: "Observed", fields: Iterable[tuple[str, str]]) -> Message:
    sent = seen.sent or seen.trace.request
    lowered = tuple((name.lower(), value) for name, value in fields)
    return Message(method=sent.method, path=sent.target, authority=sent.host_header, scheme=sent.scheme, fields=lowered)


def _headers(part: str, matchers: Iterable[Json], message: Message) -> Iterator[tuple[str, object, object]]:
    for matcher in matchers:
        if not matches_header(matcher, message):
            name = str(matcher.get("name", ""))
            condition = ", ".join(f"{key} {value}" for key, value in matcher.items() if key != "name")
            yield f"{part} header {name}", condition, ", ".join(message.values(name))


def changed(headers: Iterable[tuple[str, str]], changes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield headers with the changes of a route applied, written as in a trace: `set NAME: VALUE`, `remove NAME`."""
    found = [(name.lower(), value) for name, value in headers]
    for change in changes:
        verb, _, rest = change.partition(" ")
        name, _, value = rest.partition(": ")
        if verb != "add":
            found = [pair for pair in found if pair[0] != name.lower()]
        if verb != "remove":
            found.append((name.lower(), value))
    yield from found

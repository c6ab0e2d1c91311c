"""Watches: a stream of changes since a version, preceded by the present objects where the client asks for them.

An object that a change brings into the selection is ADDED and one that it takes out is DELETED.
Kubernetes: docs/reference/using-api/api-concepts.md, KEP-3157 (sendInitialEvents).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from simulator.apiserver.catalog import ResourceType
from simulator.apiserver.fields import selection
from simulator.apiserver.lists import whole_number
from simulator.apiserver.selectors import Test
from simulator.apiserver.statuses import StatusError, bad_request, expired, invalid
from simulator.apiserver.storage import Compacted, Event, ObjectStore
from simulator.model.wire import Json

BOOKMARK_SECONDS = 30.0
GATHER_SECONDS = 0.005
"""Seconds for which changes are collected, to be sent together."""
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRequest:
    """The parameters of a watch. `start` is None for a watch from now on, after the present objects."""

    resource: str
    namespace: str | None
    test: Test | None
    start: int | None
    initial: bool
    bookmarks: bool
    end_of_initial: bool
    seconds: int


def parse(each: ResourceType, namespace: str | None, query: Mapping[str, str]) -> WatchRequest:
    """Read the parameters of a watch. Raises StatusError for one that cannot be read."""
    version = whole_number(query, "resourceVersion")
    send = query.get("sendInitialEvents") in ("true", "1")
    if "sendInitialEvents" in query and query.get("resourceVersionMatch") != "NotOlderThan":
        why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise invalid("ListOptions", "meta.k8s.io", "", [("resourceVersionMatch", f"Forbidden: {why}")])
    if query.get("continue"):
        raise bad_request("continue is forbidden for watch")
    refused = "sendInitialEvents" in query and not send
    from_now = not version or send
    return WatchRequest(
        resource=each.id,
        namespace=namespace,
        test=selection(each, query),
        start=None if from_now else version,
        initial=from_now and not refused,
        bookmarks=query.get("allowWatchBookmarks") in ("true", "1"),
        end_of_initial=send,
        seconds=whole_number(query, "timeoutSeconds"),
    )


Encode = Callable[[Event, str, Json], bytes]
"""(event, type as the watcher sees it, document) → an encoded line."""


async def stream(store: ObjectStore, request: WatchRequest, encode: Encode, kind: Json) -> AsyncIterator[bytes]:
    """Yield lines of events until the timeout; `kind` has the `kind` and `apiVersion` of bookmarks."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + (request.seconds or 3600)
    position = store.revision if request.start is None else request.start
    if request.initial:
        async for chunk in _initial(store, request, encode):
            yield chunk
        if request.end_of_initial and request.bookmarks:
            yield _bookmark(kind, position, initial=True)
    while loop.time() < deadline:
        try:
            events = store.since(position)
        except Compacted:
            yield _error(expired(f"too old resource version: {position}"))
            return
        for start in range(0, len(events), _BATCH):
            lines = [_line(event, request, encode) for event in events[start : start + _BATCH]]
            if any(lines):
                yield b"".join(lines)
        position = events[-1].revision if events else position
        try:
            await asyncio.wait_for(store.changed(position), min(BOOKMARK_SECONDS, max(0.0, deadline - loop.time())))
            await asyncio.sleep(GATHER_SECONDS)
        except TimeoutError:
            if request.bookmarks:
                yield _bookmark(kind, position)


async def _initial(store: ObjectStore, request: WatchRequest, encode: Encode) -> AsyncIterator[bytes]:
    lines: list[bytes] = []
    for key, document in store.list(request.resource, request.namespace):
        if request.test is None or request.test(document):
            event = Event(type="ADDED", revision=0, key=key, document=document)
            lines.append(encode(event, "ADDED", document))
    for start in range(0, len(lines), _BATCH):
        yield b"".join(lines[start : start + _BATCH])


def _line(event: Event, request: WatchRequest, encode: Encode) -> bytes:
    if event.key.resource != request.resource or request.namespace not in (None, event.key.namespace):
        return b""
    seen = event.type
    if request.test is not None:
        now = event.type != "DELETED" and request.test(event.document)
        before = event.previous is not None and request.test(event.previous)
        if not now and not before:
            return b""
        seen = "DELETED" if not now else "MODIFIED" if before else "ADDED"
    return encode(event, seen, event.document)


def _bookmark(kind: Json, revision: int, *, initial: bool = False) -> bytes:
    metadata: Json = {"resourceVersion": str(revision), "creationTimestamp": None}
    if initial:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return json.dumps({"type": "BOOKMARK", "object": kind | {"metadata": metadata}}).encode() + b"\n"


def _error(status: StatusError) -> bytes:
    return json.dumps({"type": "ERROR", "object": status.document()}).encode() + b"\n"

"""Objects and their history: the counterpart of a real API server's etcd and watch cache.

Documents in the store are never changed in place, so readers may keep them. One number counts all changes: it gives
objects their resource version and watchers their position. Used from one thread (the event loop's).
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from simulator.model.wire import Json

_NAMESPACE = uuid.UUID("6d657368-0000-4000-8000-000000000000")
KEPT_EVENTS = 50_000


class Key(NamedTuple):
    """Identity of an object. `resource` is `plural.group`; `namespace` is empty for cluster-scoped kinds."""

    resource: str
    namespace: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change. `previous` is the document before it, None when there was none."""

    type: str  # ADDED, MODIFIED, DELETED
    revision: int
    key: Key
    document: Json = field(repr=False)
    previous: Json | None = field(default=None, repr=False)

    @cached_property
    def renderings(self) -> dict[Any, bytes]:
        """Encoded forms by representation, so that many watchers of one kind share the work."""
        return {}


class Compacted(Exception):
    """The requested history is no longer kept."""


class WrongVersion(Exception):
    """The write is based on a version that is not the present one."""


class ObjectStore:
    """A versioned map from keys to documents with a bounded history."""

    def __init__(self, clock: Callable[[], str]) -> None:
        self._clock = clock
        self.revision = 0
        self._objects: dict[str, dict[Key, Json]] = {}
        self._history: deque[Event] = deque()
        self._first_kept = 1
        self._incarnations: dict[Key, int] = {}
        self._waiters: set[asyncio.Future[None]] = set()

    def now(self) -> str:
        """Return the time in the form of creation timestamps."""
        return self._clock()

    def get(self, key: Key) -> Json | None:
        """Return a document, None when there is none."""
        return self._objects.get(key.resource, {}).get(key)

    def list(self, resource: str, namespace: str | None) -> Sequence[tuple[Key, Json]]:
        """Return the objects of a resource type by namespace and name; None is every namespace."""
        objects = self._objects.get(resource, {})
        return sorted(
            ((key, document) for key, document in objects.items() if namespace is None or key.namespace == namespace),
            key=lambda entry: entry[0],
        )

    def all_keys(self) -> Iterator[Key]:
        """Return an iterator over the keys of all objects."""
        for objects in self._objects.values():
            yield from tuple(objects)

    def put(self, key: Key, document: Json, *, expected: str = "") -> Json:
        """Create or replace an object and return it as stored; raises WrongVersion if its version is not `expected`."""
        previous = self.get(key)
        metadata = dict(document.get("metadata") or {})
        if expected and previous is not None and previous["metadata"]["resourceVersion"] != expected:
            raise WrongVersion
        self.revision += 1
        metadata |= {"name": key.name, "resourceVersion": str(self.revision)}
        if key.namespace:
            metadata["namespace"] = key.namespace
        if previous is None:
            metadata["uid"] = self._uid(key, metadata.get("uid"))
            metadata["creationTimestamp"] = metadata.get("creationTimestamp") or self._clock()
        else:
            metadata["uid"] = previous["metadata"]["uid"]
            metadata["creationTimestamp"] = previous["metadata"]["creationTimestamp"]
        stored = {"apiVersion": document.get("apiVersion"), "kind": document.get("kind"), "metadata": metadata}
        stored |= {name: value for name, value in document.items() if name not in stored}
        self._objects.setdefault(key.resource, {})[key] = stored
        self._record("MODIFIED" if previous else "ADDED", key, stored, previous)
        return stored

    def delete(self, key: Key) -> Json | None:
        """Remove an object and return its last state; None when there was none."""
        previous = self._objects.get(key.resource, {}).pop(key, None)
        if previous is None:
            return None
        self.revision += 1
        self._incarnations[key] = self._incarnations.get(key, 0) + 1
        last = previous | {"metadata": previous["metadata"] | {"resourceVersion": str(self.revision)}}
        self._record("DELETED", key, last, previous)
        return last

    def since(self, revision: int) -> Sequence[Event]:
        """Return the changes after `revision`, oldest first; raises Compacted when some are no longer kept."""
        if revision + 1 < self._first_kept:
            raise Compacted
        skip = revision + 1 - self._first_kept
        if skip >= len(self._history):
            return ()
        if skip == 0:
            return tuple(self._history)
        newest: list[Event] = []
        for event in reversed(self._history):
            if event.revision <= revision:
                break
            newest.append(event)
        return newest[::-1]

    async def changed(self, revision: int) -> None:
        """Wait until something changed after `revision`."""
        if self.revision > revision:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

    def _uid(self, key: Key, wanted: str | None) -> str:
        incarnation = self._incarnations.get(key, 0)
        if wanted and not incarnation:
            return wanted
        return str(uuid.uuid5(_NAMESPACE, "/".join(key) + (f"#{incarnation}" if incarnation else "")))

    def _record(self, kind: str, key: Key, document: Json, previous: Json | None) -> None:
        self._history.append(Event(type=kind, revision=self.revision, key=key, document=document, previous=previous))
        if len(self._history) > KEPT_EVENTS:
            self._first_kept = self._history.popleft().revision + 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

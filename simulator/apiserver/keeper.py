"""Keeps the objects of the API and the mesh that is derived from them in step.

Users' objects are the input; controllers' (Pods of a Deployment, EndpointSlices, addresses) are derived. After a change
the world is derived anew in a worker thread, several changes at once where they come fast, and what differs is written
back as changes that watchers see. A derived object that somebody changes is from then on taken as it is, and its siblings
with it, just as objects dumped from a cluster are.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from simulator.apiserver.catalog import Catalog, ResourceType
from simulator.apiserver.furniture import furniture
from simulator.apiserver.storage import Key, ObjectStore
from simulator.apiserver.world import Derive, World
from simulator.model.resources import Origin, Resource
from simulator.model.wire import Json

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
_KEPT_BY_STORE = frozenset({"resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "selfLink"})


class Keeper:
    """The objects given by users, and the world derived from them."""

    def __init__(self, store: ObjectStore, derive: Derive, resources: Sequence[Resource]) -> None:
        self.store = store
        self.catalog = Catalog(
            resource.document for resource in resources if resource.kind == "CustomResourceDefinition"
        )
        self.generation = 0
        self.problem = ""
        """Why the world could not be derived from the present objects; the last one that could stays."""
        self._derive = derive
        self._settled = -1
        self._running: asyncio.Task[None] | None = None
        self._written: dict[Key, Json] = {}
        self._given: dict[Key, Resource] = {}
        self._unserved: list[Resource] = []
        for resource in resources:
            each = self.catalog.of(resource.group, resource.kind)
            if each is None:
                self._unserved.append(resource)
            else:
                self._given[_key(each, resource.namespace, resource.name)] = resource
        self._world = derive(tuple(resources))
        self._furnish(self._world.state)
        self._adopt(self._world)
        self._settled = 0

    def definition(self, each: ResourceType) -> Json | None:
        """Return the CustomResourceDefinition of a type; None for a built-in kind."""
        return self.store.get(Key(DEFINITIONS, "", each.id))

    def given(self, key: Key, each: ResourceType, document: Json) -> None:
        """Take a stored document as a user's, and derive the world anew."""
        before = self._given.get(key)
        if before is None:
            self._adopt_siblings(key, each, document)
        elif "creationTimestamp" not in before.metadata:
            document = _undated(document)
        self._given[key] = _resource(each, key, document, before.origin if before else None)
        self._written.pop(key, None)
        self._changed(key)

    def removed(self, key: Key) -> None:
        """Forget an object and derive the world anew; what controllers made of it, or make it, follows."""
        self._given.pop(key, None)
        self._written.pop(key, None)
        self._changed(key)

    async def world(self) -> World:
        """Return the world as the present objects make it, waiting for it where it is being derived."""
        while self._settled != self.generation:
            await self._start()
        return self._world

    def in_background(self) -> None:
        """Begin to derive the world where it is behind."""
        if self._settled != self.generation:
            self._start()

    async def close(self) -> None:
        """Wait for the derivation that is under way."""
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)

    def _changed(self, key: Key) -> None:
        if key.resource == DEFINITIONS:
            self.catalog = Catalog(document for _, document in self.store.list(DEFINITIONS, None))
        self.generation += 1
        self.in_background()

    def _start(self) -> asyncio.Task[None]:
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._settle())
        return self._running

    async def _settle(self) -> None:
        await asyncio.sleep(0)
        while self._settled != self.generation:
            generation = self.generation
            inputs = (*self._given.values(), *self._unserved)
            try:
                world = await asyncio.to_thread(self._derive_and_list, inputs)
            except Exception as error:  # a mesh that cannot be derived must not take the API down
                self.problem, world = str(error) or type(error).__name__, None
            if generation == self.generation:
                if world is not None:
                    self.problem, self._world = "", world
                    self._adopt(world)
                self._settled = generation

    def _derive_and_list(self, inputs: Sequence[Resource]) -> World:
        world = self._derive(inputs)
        len(world.state)
        return world

    def _adopt(self, world: World) -> None:
        present = {}
        for resource in world.state:
            each = self.catalog.of(resource.group, resource.kind)
            if each is not None:
                present[_key(each, resource.namespace, resource.name)] = resource.document
        for key in [key for key in self._written if key not in present and key not in self._given]:
            del self._written[key]
            self.store.delete(key)
        for key, document in present.items():
            if self._written.get(key) is not document:
                self._write(key, document)
                self._written[key] = document
        for key, resource in self._given.items():
            if key not in present and self.store.get(key) is None:
                self.store.put(key, resource.document)

    def _write(self, key: Key, document: Json) -> None:
        stored = self.store.get(key)
        if stored is None or _content(stored) != _content(document):
            self.store.put(key, _with_generation(document, stored))

    def _furnish(self, resources: Sequence[Resource]) -> None:
        from_manifests = set(self._given)
        from_manifests.update(
            _key(each, resource.namespace, resource.name)
            for resource in resources
            if (each := self.catalog.of(resource.group, resource.kind)) is not None
        )
        for document in furniture(resources):
            self.put_absent(document, taken=from_manifests)

    def put_absent(self, document: Json, *, taken: Iterable[Key] = ()) -> None:
        """Store a document unless there is one of its name."""
        group = str(document["apiVersion"]).rpartition("/")[0]
        each = self.catalog.of(group, document["kind"])
        if each is None:
            return
        metadata = document["metadata"]
        key = _key(each, metadata.get("namespace", ""), metadata["name"])
        if key not in taken and self.store.get(key) is None:
            self.store.put(key, document)

    def _adopt_siblings(self, key: Key, each: ResourceType, document: Json) -> None:
        owners = {reference.get("uid") for reference in document["metadata"].get("ownerReferences") or ()}
        if not owners:
            return
        for other, sibling in self.store.list(key.resource, key.namespace):
            theirs = {reference.get("uid") for reference in sibling["metadata"].get("ownerReferences") or ()}
            if other != key and other not in self._given and owners & theirs:
                self._given[other] = _resource(each, other, sibling, None)


def _key(each: ResourceType, namespace: str, name: str) -> Key:
    return Key(each.id, namespace if each.kind.namespaced else "", name)


def _resource(each: ResourceType, key: Key, document: Json, origin: Origin | None) -> Resource:
    path = f"/apis/{each.kind.group}" if each.kind.group else "/api"
    scope = f"/namespaces/{key.namespace}" if key.namespace else ""
    version = str(document.get("apiVersion", "")).rpartition("/")[2]
    return Resource(
        kind=each.kind.name,
        api_version=str(document["apiVersion"]),
        namespace=key.namespace,
        name=key.name,
        document=document,
        origin=origin or Origin(source=f"{path}/{version}{scope}/{each.kind.plural}/{key.name}"),
    )


def _undated(document: Json) -> Json:
    # The server dates what it stores. A manifest without a date stays without one: age decides between resources.
    metadata = {key: value for key, value in document["metadata"].items() if key != "creationTimestamp"}
    return document | {"metadata": metadata}


def _content(document: Json) -> tuple[Any, Any]:
    metadata = {
        key: value for key, value in (document.get("metadata") or {}).items() if key not in _KEPT_BY_STORE and value
    }
    return metadata, {key: value for key, value in document.items() if key != "metadata"}


def _with_generation(document: Json, stored: Json | None) -> Json:
    if "spec" not in document:
        return document
    generation = 1
    if stored is not None:
        generation = int(stored["metadata"].get("generation") or 1) + (stored.get("spec") != document.get("spec"))
    return document | {"metadata": document.get("metadata", {}) | {"generation": generation}}

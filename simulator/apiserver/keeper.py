"""Keeps the objects of the API and the mesh derived from them consistent.

Users' objects are the input; controllers' (Pods of a Deployment, EndpointSlices, addresses) are derived. After a change
the world is derived anew in a worker thread, once for several changes in quick succession; the differences are written
back to the store as changes that watchers see.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from simulator.apiserver import webhook_roots
from simulator.apiserver.catalog import Catalog, ResourceType
from simulator.apiserver.controllers import COMPLETE, WORKLOADS, started, statuses
from simulator.apiserver.furniture import ISTIO_ROOT, furniture
from simulator.apiserver.inputs import Inputs
from simulator.apiserver.last_applied import as_applied
from simulator.apiserver.revisions import REPLICA_SETS, Revisions
from simulator.apiserver.storage import Key, ObjectStore
from simulator.apiserver.world import Derive, World
from simulator.manifests.identity import uid
from simulator.model.resources import Resource
from simulator.model.wire import Json

_LOG = logging.getLogger(__name__)
DEPLOYMENTS, PODS = "deployments.apps", "pods"
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
PASSIVE_GROUPS = frozenset(
    {
        "coordination.k8s.io",
        "extensions.istio.io",
        "rbac.authorization.k8s.io",
        "security.istio.io",
        "telemetry.istio.io",
    }
)
_PASSIVE = frozenset({"configmaps", "events", "secrets", "serviceaccounts"}) | {
    f"{plural}.networking.istio.io"
    for plural in ("destinationrules", "envoyfilters", "gateways", "sidecars", "virtualservices")
}
_CONTROL_PLANE = "istio-system"
QUIET, PATIENCE = 0.05, 1.0
"""Seconds without a change after which the world is derived, and the longest that further changes may delay that."""
_KEPT_BY_STORE = frozenset({"resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "selfLink"})


class Keeper:
    """The objects given by users, and the world derived from them."""

    def __init__(
        self,
        store: ObjectStore,
        derive: Derive,
        resources: Sequence[Resource],
        *,
        roots: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.store = store
        self.roots = roots
        self.catalog = Catalog(one.document for one in resources if one.kind == "CustomResourceDefinition")
        self.generation = 0
        self.problem = ""
        """Why no world can be derived from the present objects (the one before stays); empty when one can."""
        self._derive = derive
        self._revisions = Revisions(store)
        self._running: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()
        self._written: dict[Key, tuple[Json, Json | None]] = {}
        self._inputs = Inputs(store, ((self._key_of(one), as_applied(one)) for one in resources))
        self._world = derive(self._inputs.resources())
        self._furnish(self._world.state)
        self._adopt(self._world)
        self._settled = 0

    def definition(self, each: ResourceType) -> Json | None:
        """Return the CustomResourceDefinition of a type; None for a built-in kind."""
        return self.store.get(Key(DEFINITIONS, "", each.id))

    def given(self, key: Key, each: ResourceType, document: Json) -> None:
        """Record a stored document as a user's, and derive the world anew."""
        self._inputs.given(key, each, document)
        self._written.pop(key, None)
        self._changed(key)

    def removed(self, key: Key) -> None:
        """Forget an object and derive the world anew, with the derived objects that depend on it."""
        self._inputs.removed(key)
        self._written.pop(key, None)
        self._changed(key)

    async def world(self) -> World:
        """Return the world of the present objects, once its derivation is complete."""
        while self._settled != self.generation:
            self._asked.set()
            await asyncio.shield(self._start())
        return self._world

    @property
    def latest(self) -> World:
        """The last world that was derived."""
        return self._world

    def refresh(self) -> None:
        """Derive the world again although no object changed."""
        self.generation += 1
        self._start()

    async def close(self) -> None:
        """Wait for a derivation in progress."""
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)

    def _changed(self, key: Key) -> None:
        if key.resource == DEFINITIONS:
            self.catalog = Catalog(document for _, document in self.store.list(DEFINITIONS, None))
        self.generation += 1
        if not _is_passive(key):
            self._start()

    def _start(self) -> asyncio.Task[None]:
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._settle())
        return self._running

    async def _settle(self) -> None:
        while self._settled != self.generation:
            await self._quiet()
            generation = self.generation
            world: World | None = None
            try:
                world = await asyncio.to_thread(self._derive, self._inputs.resources())
                self.problem = ""
            except Exception as error:  # a mesh that cannot be derived must not take the API down
                self._failed(str(error) or type(error).__name__)
            if generation == self.generation:
                if world is not None:
                    self._world = world
                    self._adopt(world)
                self._settled = generation

    def _failed(self, problem: str) -> None:
        if problem != self.problem:
            _LOG.warning("no mesh can be derived from the present objects, the previous one stays: %s", problem)
        self.problem = problem

    async def _quiet(self) -> None:
        """Wait until changes cease, or until the world is asked for."""
        deadline = time.monotonic() + PATIENCE
        while not self._asked.is_set() and time.monotonic() < deadline:
            generation = self.generation
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), QUIET)
            if generation == self.generation:
                break
        self._asked.clear()

    def _key_of(self, resource: Resource) -> Key | None:
        each = self.catalog.of(resource.group, resource.kind)
        if each is None:
            return None
        return Key(each.id, resource.namespace if each.kind.namespaced else "", resource.name)

    def _adopt(self, world: World) -> None:
        kept = statuses(world.state)
        present: dict[Key, tuple[Json, Json | None]] = {}
        for resource in world.state:
            key = self._key_of(resource)
            if key is not None:
                status = kept.get((resource.kind, resource.namespace, resource.name))
                present[key] = (resource.document, status)
        for key in [key for key in self._written if key not in present and key not in self._inputs]:
            del self._written[key]
            self.store.delete(key)
        for key, (document, status) in sorted(present.items(), key=lambda entry: entry[0].resource == DEPLOYMENTS):
            before = self._written.get(key)
            if before is None or before[0] is not document or before[1] != status:
                self._write(key, document, status)
                self._written[key] = (document, status)
        for key, resource in self._inputs.items():
            if key not in present and self.store.get(key) is None:
                self.store.put(key, resource.document)

    def _write(self, key: Key, document: Json, status: Json | None) -> None:
        stored = self.store.get(key)
        if key.resource in COMPLETE:
            document = COMPLETE[key.resource](document)
        if key.resource in webhook_roots.RESOURCES:
            document = webhook_roots.trusted(document, self.roots.get(ISTIO_ROOT, ""))
        if key.resource == PODS:
            created = (stored or document).get("metadata", {}).get("creationTimestamp")
            document = started(document, created or self.store.now())
        if stored is None:
            document = _identified(document, key)
        if key.resource == REPLICA_SETS:
            document = self._revisions.numbered(key, document)
        elif key.resource == DEPLOYMENTS:
            document = self._revisions.of_deployment(document)
        document = _with_generation(document, stored)
        if status is not None:
            observed = document.get("metadata", {}).get("generation") if document["kind"] in WORKLOADS else None
            document = document | {"status": status | ({"observedGeneration": observed} if observed else {})}
        if stored is None or _content(stored) != _content(document):
            self.store.put(key, document)

    def _furnish(self, resources: Sequence[Resource]) -> None:
        taken = {self._key_of(resource) for resource in resources}
        for document in furniture(resources, roots=self.roots):
            self.put_absent(document, taken=taken)

    def put_absent(self, document: Json, *, taken: Iterable[Key | None] = ()) -> None:
        """Store a document unless there is one of its name."""
        group = str(document["apiVersion"]).rpartition("/")[0]
        each = self.catalog.of(group, document["kind"])
        if each is None:
            return
        metadata = document["metadata"]
        key = Key(each.id, metadata.get("namespace", "") if each.kind.namespaced else "", metadata["name"])
        if key.resource in webhook_roots.RESOURCES:
            document = webhook_roots.trusted(document, self.roots.get(ISTIO_ROOT, ""))
        if key not in taken and self.store.get(key) is None:
            self.store.put(key, document)


def _identified(document: Json, key: Key) -> Json:
    """Return a document with the UID by which those that it owns refer to it."""
    metadata = document.get("metadata") or {}
    if metadata.get("uid"):
        return document
    return document | {"metadata": metadata | {"uid": uid(document["kind"], key.namespace, key.name)}}


def _is_passive(key: Key) -> bool:
    """Tell whether no controller reacts to an object: the world is then derived only when it is asked for."""
    group = key.resource.partition(".")[2]
    return key.namespace != _CONTROL_PLANE and (group in PASSIVE_GROUPS or key.resource in _PASSIVE)


def _content(document: Json) -> tuple[Any, Any]:
    metadata = document.get("metadata") or {}
    kept = {key: value for key, value in metadata.items() if key not in _KEPT_BY_STORE and value}
    return kept, {key: value for key, value in document.items() if key != "metadata"}


def _with_generation(document: Json, stored: Json | None) -> Json:
    if "spec" not in document:
        return document
    generation = 1
    if stored is not None:
        generation = int(stored["metadata"].get("generation") or 1) + (stored.get("spec") != document.get("spec"))
    return document | {"metadata": document.get("metadata", {}) | {"generation": generation}}

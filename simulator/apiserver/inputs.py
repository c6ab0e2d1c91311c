"""What users gave, which is what a mesh is derived from; and derived pods that a user took over.

A derived pod that somebody changes is from then on taken as it is, as objects dumped from a cluster are. Live pods among
the inputs mean a dumped cluster, in which controllers of the same owner and of the control plane make no pods of their
own: so its siblings and the control plane's pods are taken over with it, until their workload is changed.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from simulator.apiserver.catalog import ResourceType
from simulator.apiserver.controllers import WORKLOADS
from simulator.apiserver.storage import Key, ObjectStore
from simulator.model.resources import Origin, Resource
from simulator.model.wire import Json

_PODS = "pods"
_CONTROL_PLANE = "istio-system"


class Inputs:
    """The resources that users gave, by key; those of kinds that the API does not know are kept beside them."""

    def __init__(self, store: ObjectStore, resources: Iterable[tuple[Key | None, Resource]]) -> None:
        self._store = store
        self._given: dict[Key, Resource] = {}
        self._unserved: list[Resource] = []
        self._taken_over: set[Key] = set()
        for key, resource in resources:
            if key is None:
                self._unserved.append(resource)
            else:
                self._given[key] = resource

    def __contains__(self, key: Key) -> bool:
        return key in self._given

    def items(self) -> Iterator[tuple[Key, Resource]]:
        """Walk what users gave."""
        return iter(tuple(self._given.items()))

    def resources(self) -> tuple[Resource, ...]:
        """Return all resources to derive from."""
        return (*self._given.values(), *self._unserved)

    def given(self, key: Key, each: ResourceType, document: Json) -> None:
        """Take a stored document as a user's."""
        before = self._given.get(key)
        if before is not None and "creationTimestamp" not in before.metadata:
            document = _undated(document)
        if each.kind.name in WORKLOADS:
            document = {field: value for field, value in document.items() if field != "status"}
            self._let_go(each.kind.name, key)
        self._given[key] = _resource(each, key, document, before.origin if before else None)
        if key.resource == _PODS and (document.get("status") or {}).get("phase"):
            if before is None:
                self._taken_over.add(key)
            self._take_over(each, key, document)

    def removed(self, key: Key) -> None:
        """Forget an object."""
        self._given.pop(key, None)
        self._taken_over.discard(key)

    def _take_over(self, each: ResourceType, key: Key, document: Json) -> None:
        owners = _owners(document)
        for other, pod in self._store.list(_PODS, None):
            sibling = other.namespace == key.namespace and bool(owners & _owners(pod))
            if other not in self._given and (sibling or other.namespace == _CONTROL_PLANE):
                self._given[other] = _resource(each, other, pod, None)
                self._taken_over.add(other)

    def _let_go(self, kind: str, key: Key) -> None:
        for other in [other for other in self._taken_over if other.namespace == key.namespace]:
            pod = self._store.get(other)
            if pod is not None and (kind, key.name) in self._ancestors(other.namespace, pod):
                del self._given[other]
                self._taken_over.discard(other)

    def _ancestors(self, namespace: str, document: Json) -> set[tuple[str, str]]:
        found = _owners(document)
        for kind, name in tuple(found):
            if kind == "ReplicaSet":
                parent = self._store.get(Key("replicasets.apps", namespace, name))
                found |= _owners(parent) if parent else set()
        return found


def _owners(document: Json) -> set[tuple[str, str]]:
    references: Any = document["metadata"].get("ownerReferences") or ()
    return {(str(each.get("kind")), str(each.get("name"))) for each in references}


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

"""The objects that users gave, from which the mesh is derived, and the derived pods that users took over.

A derived pod that a user changes is kept as it is from then on, like objects dumped from a cluster. The generator
takes live pods among its inputs for such a dump, in which no pods are made for their owners or for the control plane:
so the siblings of the pod and the control plane's pods are taken over with it, until their workload is changed. When
a pod that was taken over is deleted, it gets a successor, as its controller would make one.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from simulator.apiserver.catalog import ResourceType
from simulator.apiserver.controllers import WORKLOADS
from simulator.apiserver.storage import Key, ObjectStore
from simulator.manifests.identity import suffix
from simulator.model.resources import Origin, Resource
from simulator.model.wire import Json

_PODS = "pods"
_REPLICA_SETS, _REPLICA_SET = "replicasets.apps", "ReplicaSet"
_CONTROL_PLANE = "istio-system"
_CONTROLLERS = {
    "DaemonSet": "daemonsets.apps",
    "ReplicaSet": _REPLICA_SETS,
    "ReplicationController": "replicationcontrollers",
    "StatefulSet": "statefulsets.apps",
}
"""Kinds of controllers that replace deleted pods → the names of their types in the store."""
_OF_ONE_POD = frozenset({"creationTimestamp", "deletionTimestamp", "name", "resourceVersion", "uid"})


class Inputs:
    """The resources that users gave, by key; those of kinds that the API does not know are kept beside them."""

    def __init__(self, store: ObjectStore, resources: Iterable[tuple[Key | None, Resource]]) -> None:
        self._store = store
        self._given: dict[Key, Resource] = {}
        self._unserved: list[Resource] = []
        self._taken_over: dict[Key, set[tuple[str, str]]] = {}
        """Objects that were taken over → their owners at that time."""
        for key, resource in resources:
            if key is None:
                self._unserved.append(resource)
            else:
                self._given[key] = resource

    def __contains__(self, key: Key) -> bool:
        return key in self._given

    def items(self) -> Iterator[tuple[Key, Resource]]:
        """Return an iterator over users' objects that later changes do not affect."""
        return iter(tuple(self._given.items()))

    def resources(self) -> tuple[Resource, ...]:
        """Return all resources from which the mesh is derived."""
        return (*self._given.values(), *self._unserved)

    def given(self, key: Key, each: ResourceType, document: Json) -> None:
        """Record a stored document as a user's."""
        before = self._given.get(key)
        if before is not None and "creationTimestamp" not in before.metadata:
            document = _undated(document)
        if each.kind.name in WORKLOADS:
            document = {field: value for field, value in document.items() if field != "status"}
            self._let_go(each.kind.name, key)
        self._given[key] = _resource(each.kind.name, key, document, before.origin if before else None)
        if key.resource == _PODS and (document.get("status") or {}).get("phase"):
            if before is None:
                self._taken_over[key] = self._ancestors(key.namespace, document)
            self._take_over(each, key, document)

    def removed(self, key: Key) -> None:
        """Forget an object; a pod whose controller still exists gets a successor."""
        gone = self._given.pop(key, None)
        owners = self._taken_over.pop(key, None)
        successor = self._successor(gone) if gone is not None and key.resource == _PODS else None
        if successor is not None:
            new = key._replace(name=successor.name)
            self._given[new] = successor
            if owners is not None:
                self._taken_over[new] = owners

    def _successor(self, pod: Resource) -> Resource | None:
        for kind, name in _owners(pod.document):
            stored = _CONTROLLERS.get(kind)
            if stored is None or self._store.get(Key(stored, pod.namespace, name)) is None:
                continue
            prefix = pod.metadata.get("generateName") or f"{name}-"
            fresh = pod.name if kind == "StatefulSet" else prefix + suffix(5, "Pod", pod.namespace, pod.name)
            metadata = {key: value for key, value in pod.metadata.items() if key not in _OF_ONE_POD} | {"name": fresh}
            spec = {key: value for key, value in pod.spec.items() if key != "nodeName" or kind == "DaemonSet"}
            document = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
            return _resource("Pod", Key(_PODS, pod.namespace, fresh), document, pod.origin)
        return None

    def _take_over(self, each: ResourceType, key: Key, document: Json) -> None:
        owners = _owners(document)
        for other, pod in self._store.list(_PODS, None):
            theirs = _owners(pod)
            if (
                other == key
                or other.namespace == _CONTROL_PLANE
                or (other.namespace == key.namespace and owners & theirs)
            ):
                self._keep(each.kind.name, other, pod)
                for kind, name in theirs:
                    parent = (
                        self._store.get(Key(_REPLICA_SETS, other.namespace, name)) if kind == _REPLICA_SET else None
                    )
                    if parent is not None:
                        self._keep(kind, Key(_REPLICA_SETS, other.namespace, name), parent)

    def _keep(self, kind: str, key: Key, document: Json) -> None:
        if key not in self._given:
            self._taken_over[key] = self._ancestors(key.namespace, document)
            self._given[key] = _resource(kind, key, document, None)

    def _let_go(self, kind: str, key: Key) -> None:
        for other, owners in tuple(self._taken_over.items()):
            if other.namespace == key.namespace and (kind, key.name) in owners:
                del self._taken_over[other]
                self._given.pop(other, None)

    def _ancestors(self, namespace: str, document: Json) -> set[tuple[str, str]]:
        found = _owners(document)
        for kind, name in tuple(found):
            if kind == _REPLICA_SET:
                parent = self._store.get(Key(_REPLICA_SETS, namespace, name))
                found |= _owners(parent) if parent else set()
        return found


def _owners(document: Json) -> set[tuple[str, str]]:
    references: Any = document["metadata"].get("ownerReferences") or ()
    return {(str(each.get("kind")), str(each.get("name"))) for each in references}


def _resource(kind: str, key: Key, document: Json, origin: Origin | None) -> Resource:
    plural, _, group = key.resource.partition(".")
    path = f"/apis/{group}" if group else "/api"
    scope = f"/namespaces/{key.namespace}" if key.namespace else ""
    version = str(document.get("apiVersion", "")).rpartition("/")[2]
    return Resource(
        kind=kind,
        api_version=str(document["apiVersion"]),
        namespace=key.namespace,
        name=key.name,
        document=document,
        origin=origin or Origin(source=f"{path}/{version}{scope}/{plural}/{key.name}"),
    )


def _undated(document: Json) -> Json:
    # The server dates what it stores. A manifest without a date stays without one: age decides between resources.
    metadata = {key: value for key, value in document["metadata"].items() if key != "creationTimestamp"}
    return document | {"metadata": metadata}

"""Requests on objects: get, create, update, patch, delete, with the checks and side effects of an API server.

Kubernetes: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from simulator.apiserver import events
from simulator.apiserver.admission import admit
from simulator.apiserver.apply import Ownership
from simulator.apiserver.catalog import Catalog
from simulator.apiserver.fields import selection
from simulator.apiserver.furniture import namespace as namespace_documents
from simulator.apiserver.keeper import DEFINITIONS, Keeper
from simulator.apiserver.lists import Lister
from simulator.apiserver.objects import (
    Target,
    as_resource,
    check_shape,
    immutable,
    new_name,
    same_name,
    scale_of,
    scaled,
    with_metadata,
)
from simulator.apiserver.patches import json_patch, merge_patch
from simulator.apiserver.schema_checks import checked
from simulator.apiserver.service_account_tokens import Issuer, filled
from simulator.apiserver.statuses import (
    already_exists,
    bad_request,
    conflict,
    method_not_allowed,
    not_found,
    success,
    unsupported_media,
)
from simulator.apiserver.storage import Key, ObjectStore, WrongVersion
from simulator.apiserver.strategic import strategic_merge
from simulator.manifests.defaulting import apply_defaults
from simulator.model.errors import SimulatorError
from simulator.model.wire import Json

Query = Mapping[str, str]
PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
_STALE = "the object has been modified; please apply your changes to the latest version and try again"


class Emulator:
    """Answers requests on the objects of a store."""

    def __init__(self, keeper: Keeper, clock: Callable[[], str], *, issuer: Issuer | None = None) -> None:
        self.keeper = keeper
        self._issuer = issuer
        self.store: ObjectStore = keeper.store
        self.lister = Lister(self.store)
        self._clock = clock
        self._ownership = Ownership()
        self.warnings: list[str] = []
        """Warnings about writes that have not been sent to their clients yet."""

    def get(self, target: Target) -> Json:
        """Return an object, or the Scale of one."""
        document = self._present(target)
        return scale_of(document) if target.subresource == "scale" else document

    def create(self, target: Target, body: object, query: Query) -> Json:
        """Store a new object."""
        document = check_shape(target, body)
        target = _named(target, new_name(target, document))
        if document["metadata"].get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        self._require_namespace(target)
        if self.store.get(target.key) is not None:
            raise already_exists(target.type.kind.plural, target.type.kind.group, target.name)
        document = self._defaulted(target, document)
        if self._issuer is not None and target.type.id == "secrets":
            document = filled(document, namespace=target.namespace, keeper=self.keeper, issuer=self._issuer)
        return self._write(target, document, query)

    def update(self, target: Target, body: object, query: Query) -> Json:
        """Replace an object, or only its status or scale. An object that does not exist is created."""
        present = self.store.get(target.key)
        if target.subresource == "scale":
            return self._scale(target, body, query)
        document = check_shape(target, body)
        same_name(target, document)
        if present is None:
            if target.subresource:
                raise not_found(target.type.kind.plural, target.type.kind.group, target.name)
            return self.create(target, with_metadata(document, name=target.name), query)
        return self._replace(target, present, document, query)

    def patch(self, target: Target, content_type: str, body: object, query: Query) -> Json:
        """Change an object by a patch of one of the four types."""
        if content_type not in PATCH_TYPES:
            raise unsupported_media(", ".join(PATCH_TYPES))
        if content_type == PATCH_TYPES[3]:
            return self._apply(target, body, query)
        present = self._present(target)
        base = scale_of(present) if target.subresource == "scale" else present
        if content_type == PATCH_TYPES[2] and target.type.custom:
            raise unsupported_media(
                "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
            )
        if content_type == PATCH_TYPES[0]:
            changed = json_patch(base, body)
        else:
            if not isinstance(body, dict):
                raise bad_request("a merge patch is an object")
            merge: Callable[[Any, Any], Any] = merge_patch if content_type == PATCH_TYPES[1] else strategic_merge
            changed = merge(base, body)
        if target.subresource == "scale":
            return self._scale(target, changed, query)
        changed = check_shape(target, _in_version(target, changed))
        same_name(target, changed)
        return self._replace(target, present, changed, query)

    def delete(self, target: Target, options: object, query: Query) -> Json:
        """Remove an object and what it owns. An object with finalizers is marked and stays until they are gone."""
        present = self._present(target)
        wanted = options if isinstance(options, dict) else {}
        self._check_preconditions(target, present, wanted.get("preconditions") or {})
        kind = target.type.kind
        details = {"name": target.name, "group": kind.group, "kind": kind.plural, "uid": present["metadata"]["uid"]}
        answer = (
            present
            if kind.name in ("Pod", "Namespace")
            else success({key: value for key, value in details.items() if value})
        )
        if _dry(query) or "All" in (wanted.get("dryRun") or ()):
            return answer
        if present["metadata"].get("finalizers"):
            if not present["metadata"].get("deletionTimestamp"):
                present = with_metadata(present, deletionTimestamp=self._clock(), deletionGracePeriodSeconds=0)
                return self.store.put(target.key, present)
            return present
        self._remove(target.key, orphan=(wanted.get("propagationPolicy") or query.get("propagationPolicy")) == "Orphan")
        return answer

    def delete_collection(self, target: Target, options: object, query: Query) -> list[Json]:
        """Remove every selected object of a type and return them."""
        test = selection(target.type, query)
        found = [
            (key, document)
            for key, document in self.store.list(target.type.id, target.scope)
            if test is None or test(document)
        ]
        for key, _ in found:
            self.delete(_named(target, key.name, key.namespace), options, query)
        return [document for _, document in found]

    def _present(self, target: Target) -> Json:
        document = self.store.get(target.key)
        if document is None:
            raise not_found(target.type.kind.plural, target.type.kind.group, target.name)
        return document

    def _require_namespace(self, target: Target) -> None:
        if not target.type.kind.namespaced:
            return
        if not target.namespace:
            raise bad_request("an empty namespace may not be set during creation")
        if self.store.get(Key("namespaces", "", target.namespace)) is None:
            raise not_found("namespaces", "", target.namespace)

    def _defaulted(self, target: Target, document: Json) -> Json:
        resource = as_resource(target, copy.deepcopy(with_metadata(document, name=target.name)))
        try:
            apply_defaults(resource)
        except (SimulatorError, TypeError, ValueError, KeyError, AttributeError) as error:
            raise bad_request(
                f'{target.type.kind.name} in version "{target.version}" cannot be handled: {error}'
            ) from error
        return events.to_core(resource.document) if target.type.id == "events" else resource.document

    def _replace(self, target: Target, present: Json, document: Json, query: Query) -> Json:
        version = document["metadata"].get("resourceVersion") or ""
        if version and version != present["metadata"]["resourceVersion"]:
            raise conflict(target.type.kind.plural, target.type.kind.group, target.name, _STALE)
        uid = document["metadata"].get("uid")
        if uid and uid != present["metadata"]["uid"]:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {present['metadata']['uid']}"
            raise conflict(target.type.kind.plural, target.type.kind.group, target.name, why)
        if target.subresource == "status":
            document = present | {"status": document.get("status") or {}}
        elif target.type.subresource("status") is not None:
            document = {key: value for key, value in document.items() if key != "status"}
            document |= {"status": present["status"]} if "status" in present else {}
        refused = immutable(target, present, document)
        if refused is not None:
            raise refused
        return self._write(target, self._defaulted(target, document), query)

    def _write(self, target: Target, document: Json, query: Query) -> Json:
        present = self.store.get(target.key)
        document, told = checked(target, document, present, query)
        self.warnings = [*told, *admit(self.store, target, document)]
        if target.type.id == DEFINITIONS:
            Catalog([document])  # a definition without a kind is refused before it is stored
        generation = 1 if present is None else int(present["metadata"].get("generation") or 1)
        if present is not None and present.get("spec") != document.get("spec"):
            generation += 1
        if "spec" in document:
            document = with_metadata(document, generation=generation)
        if _dry(query) or (present is not None and _same(present, document)):
            return document if _dry(query) else present or document
        try:
            stored = self.store.put(target.key, document)
        except WrongVersion:
            raise conflict(target.type.kind.plural, target.type.kind.group, target.name, _STALE) from None
        if stored["metadata"].get("deletionTimestamp") and not stored["metadata"].get("finalizers"):
            self._remove(target.key, orphan=False)
            return stored
        if present is None:
            self._furnish(target)
        self.keeper.given(target.key, target.type, stored)
        return stored

    def _furnish(self, target: Target) -> None:
        if target.type.id == "namespaces":
            for document in namespace_documents(target.name, roots=self.keeper.roots):
                self.keeper.put_absent(document)
        if target.type.id == DEFINITIONS:
            definition = self.store.get(target.key) or {}
            condition = [{"type": each, "status": "True"} for each in ("NamesAccepted", "Established")]
            names = (definition.get("spec") or {}).get("names") or {}
            self.store.put(target.key, definition | {"status": {"conditions": condition, "acceptedNames": names}})

    def _scale(self, target: Target, body: object, query: Query) -> Json:
        present = self._present(target)
        if not isinstance(body, dict):
            raise bad_request("a Scale is an object")
        changed = self._write(_plain(target), scaled(present, body), query)
        return scale_of(changed)

    def _apply(self, target: Target, body: object, query: Query) -> Json:
        manager = query.get("fieldManager", "")
        if not manager:
            raise bad_request(
                "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch"
            )
        if target.subresource not in ("", "status"):
            raise method_not_allowed()
        intent = check_shape(target, body)
        same_name(target, intent)
        intent = with_metadata(intent, name=target.name)
        if intent["metadata"].pop("managedFields", None):
            raise bad_request("metadata.managedFields must be nil")
        present = self.store.get(target.key)
        if present is None:
            self._require_namespace(target)
        force = query.get("force") in ("true", "1")
        if _dry(query):
            return self._write(target, self._defaulted(target, strategic_merge(present or {}, intent)), query)
        merged = self._ownership.apply(target.key, present, intent, manager=manager, force=force)
        fields = self._ownership.managed_fields(target.key, target.api_version, self._clock())
        merged = with_metadata(merged, managedFields=fields)
        if present is None:
            return self._write(target, self._defaulted(target, merged), query)
        return self._replace(target, present, _without_version(merged), query)

    def _check_preconditions(self, target: Target, present: Json, preconditions: Json) -> None:
        for field, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            wanted, found = preconditions.get(field), present["metadata"].get(field)
            if wanted and wanted != found:
                why = f"Precondition failed: {label} in precondition: {wanted}, {label} in object meta: {found}"
                raise conflict(target.type.kind.plural, target.type.kind.group, target.name, why)

    def _remove(self, key: Key, *, orphan: bool) -> None:
        last = self.store.delete(key)
        self._ownership.forget(key)
        if last is None:
            return
        if key.resource == "namespaces":
            for other in [other for other in self.store.all_keys() if other.namespace == key.name]:
                self._remove(other, orphan=True)
        if key.resource == DEFINITIONS:
            for other in [other for other in self.store.all_keys() if other.resource == key.name]:
                self._remove(other, orphan=True)
        if not orphan:
            for other in self._dependents(last["metadata"]["uid"]):
                self._remove(other, orphan=False)
        self.keeper.removed(key)

    def _dependents(self, uid: str) -> list[Key]:
        found = []
        for key in self.store.all_keys():
            document = self.store.get(key) or {"metadata": {}}
            references = document["metadata"].get("ownerReferences") or ()
            if references and all(reference.get("uid") == uid for reference in references):
                found.append(key)
        return found


def _named(target: Target, name: str, namespace: str | None = None) -> Target:
    scope = target.namespace if namespace is None else namespace
    return Target(type=target.type, version=target.version, namespace=scope, name=name, subresource=target.subresource)


def _plain(target: Target) -> Target:
    return Target(type=target.type, version=target.version, namespace=target.namespace, name=target.name)


def _in_version(target: Target, document: object) -> object:
    return document | {"apiVersion": target.api_version} if isinstance(document, dict) else document


def _without_version(document: Json) -> Json:
    return document | {
        "metadata": {key: value for key, value in document["metadata"].items() if key != "resourceVersion"}
    }


def _dry(query: Query) -> bool:
    return "All" in query.get("dryRun", "")


def _same(present: Json, document: Json) -> bool:
    ignored = {
        "resourceVersion": None,
        "uid": None,
        "creationTimestamp": None,
        "generation": None,
        "managedFields": None,
    }
    return with_metadata(present, **ignored) == with_metadata(document, **ignored)

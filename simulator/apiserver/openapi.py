"""OpenAPI documents with what kubectl reads: the kinds, their fields, and how these are validated.

Schemas are open (`x-kubernetes-preserve-unknown-fields`): manifests are checked where they are read, and a wrong
schema would refuse what a cluster accepts. A CustomResourceDefinition with a schema is shown with its fields. The old
form of the document (v2) has no fields, since kubectl would merge lists by what it declares.
Kubernetes: kubectl reads `x-kubernetes-group-version-kind` and the `fieldValidation` parameter of the patch operation.
"""

import hashlib
from collections.abc import Mapping

from simulator.apiserver.catalog import Catalog, ResourceType
from simulator.apiserver.schemas import schema_of
from simulator.model.wire import Json

_FIELD_VALIDATION = {
    "name": "fieldValidation",
    "in": "query",
    "schema": {"type": "string", "uniqueItems": True},
}


def schema_name(each: ResourceType, version: str) -> str:
    """Name a schema as Kubernetes does: the group reversed, the version, the kind."""
    group = each.kind.group or "core.api.k8s.io"
    return ".".join([*reversed(group.split(".")), version, each.kind.name])


def _schema(each: ResourceType, version: str, definitions: Mapping[str, Json]) -> Json:
    own, known = _defined(definitions.get(each.id) or {}, version), schema_of(each)
    gvk = {"group": each.kind.group, "version": version, "kind": each.kind.name}
    return known | {
        "description": own.get("description") or known["description"],
        "properties": known["properties"] | (own.get("properties") or {}),
        "x-kubernetes-group-version-kind": [gvk],
    }


def _open_schema(each: ResourceType, version: str) -> Json:
    gvk = {"group": each.kind.group, "version": version, "kind": each.kind.name}
    return {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "x-kubernetes-group-version-kind": [gvk]}


def _defined(definition: Json, version: str) -> Json:
    for each in (definition.get("spec") or {}).get("versions") or ():
        if each.get("name") == version:
            schema: Json = (each.get("schema") or {}).get("openAPIV3Schema") or {}
            return schema
    return {}


def _object_path(each: ResourceType, version: str) -> str:
    root = f"/apis/{each.kind.group}/{version}" if each.kind.group else f"/api/{version}"
    scope = "/namespaces/{namespace}" if each.kind.namespaced else ""
    return f"{root}{scope}/{each.kind.plural}/{{name}}"


def v3_index(catalog: Catalog) -> Json:
    """Return `/openapi/v3`. The hash in each address changes with the document."""
    paths = {}
    for group, versions in {"": ("v1",), **catalog.groups()}.items():
        for version in versions:
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            digest = hashlib.sha256(",".join(each.id for each in catalog.served(group, version)).encode()).hexdigest()
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest[:32].upper()}"}
    return {"paths": paths}


def v3(catalog: Catalog, group: str, version: str, definitions: Mapping[str, Json]) -> Json:
    """Return the OpenAPI v3 document of a group and version; `definitions` are CRDs by the id of their type."""
    schemas, paths = {}, {}
    for each in catalog.served(group, version):
        schemas[schema_name(each, version)] = _schema(each, version, definitions)
        gvk = {"group": group, "version": version, "kind": each.kind.name}
        operation = {
            "parameters": [_FIELD_VALIDATION],
            "x-kubernetes-group-version-kind": gvk,
            "responses": {"200": {"description": "OK"}},
        }
        get = {"x-kubernetes-group-version-kind": gvk, "responses": {"200": {"description": "OK"}}}
        paths[_object_path(each, version)] = {
            "get": get | {"x-kubernetes-action": "get"},
            "patch": operation | {"x-kubernetes-action": "patch"},
            "put": operation | {"x-kubernetes-action": "put"},
        }
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": version},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def v2(catalog: Catalog) -> Json:
    """Return `/openapi/v2`, for clients that know no other."""
    definitions, paths = {}, {}
    for each in catalog.types:
        for version in each.kind.versions:
            definitions[schema_name(each, version)] = _open_schema(each, version)
            gvk = {"group": each.kind.group, "version": version, "kind": each.kind.name}
            parameter = {"name": "fieldValidation", "in": "query", "type": "string", "uniqueItems": True}
            operation = {"parameters": [parameter], "responses": {"200": {"description": "OK"}}}
            paths[_object_path(each, version)] = {"patch": operation | {"x-kubernetes-group-version-kind": gvk}}
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "v1.34.0"},
        "paths": paths,
        "definitions": definitions,
    }

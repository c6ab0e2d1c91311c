"""Tables, as `kubectl get` requests them: one row per object, with the object's metadata.

Kubernetes: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go (Table).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from simulator.apiserver.catalog import ResourceType
from simulator.apiserver.cells import name
from simulator.apiserver.columns import Columns, built_in
from simulator.apiserver.columns_custom import custom_columns
from simulator.apiserver.lists import as_served, metadata_only
from simulator.model.wire import Json


def columns_of(each: ResourceType, version: str, definition: Json | None) -> Columns:
    """Return the columns of a type; `definition` is its CustomResourceDefinition, None for a built-in kind."""
    if definition is None:
        return built_in(each.id)
    for declared in (definition.get("spec") or {}).get("versions") or ():
        if declared.get("name") == version:
            return custom_columns(declared.get("additionalPrinterColumns") or ())
    return custom_columns(())


def table(
    columns: Columns, documents: Sequence[Json], *, metadata: Json, now: datetime, include: str, api_version: str
) -> Json:
    """Return a Table. `include` is the request's `includeObject`: Object, Metadata or None."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns.definitions(),
        "rows": [
            {"cells": _cells(columns, document, now), "object": _beside(document, include, api_version)}
            for document in documents
        ],
    }


def _cells(columns: Columns, document: Json, now: datetime) -> list[Any]:
    try:
        return list(columns.cells(document, now))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # a malformed object must not hide others
        return [name(document), *["<unknown>"] * (len(columns.headings) - 1)]


def _beside(document: Json, include: str, api_version: str) -> Json | None:
    match include:
        case "Object":
            return as_served(document, api_version)
        case "None":
            return None
    return metadata_only(document)

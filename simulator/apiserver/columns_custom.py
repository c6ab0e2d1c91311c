"""The columns that CustomResourceDefinitions declare (`additionalPrinterColumns`), their JSONPath evaluated.

Kubernetes: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from simulator.apiserver.ages import UNKNOWN, age
from simulator.apiserver.columns import Columns
from simulator.model.wire import Json

_STEP = re.compile(
    r"\.(?P<field>(?:\\.|[^.\[\]])+)|\[(?P<quote>['\"])(?P<quoted>.*?)(?P=quote)\]|\[(?P<index>\d+|\*)\]|\[\?\((?P<filter>[^)]*)\)\]"
)
_FILTER = re.compile(r"@\.(?P<field>[\w.]+)\s*==\s*(?P<quote>['\"])(?P<value>.*?)(?P=quote)")


def custom_columns(declared: Sequence[Json]) -> Columns:
    """Return the columns of a version; with none declared, name and age."""
    shown = declared or [{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]
    headings = tuple(("+" if each.get("priority") else "") + str(each.get("name", "")) for each in shown)

    def cells(document: Json, now: datetime) -> Sequence[Any]:
        return (document["metadata"]["name"], *(_cell(document, each, now) for each in shown))

    return Columns(headings=("Name", *headings), cells=cells)


def _cell(document: Json, column: Json, now: datetime) -> Any:
    found = json_path(document, str(column.get("jsonPath", "")))
    if not found:
        return UNKNOWN if column.get("type") == "date" else None
    value = found[0] if len(found) == 1 else found
    match column.get("type"):
        case "date":
            return age(value, now)
        case "string":
            return _text(value) if len(found) == 1 else ",".join(_text(each) for each in found)
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def json_path(document: Any, path: str) -> list[Any]:
    """Return what a kubectl-style JSONPath finds: fields, indexes, `[*]` and equality filters."""
    found = [document]
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return []
        position = step.end()
        found = [each for value in found for each in _follow(value, step)]
    return found


def _follow(value: Any, step: re.Match[str]) -> list[Any]:
    field = step["field"] or step["quoted"]
    if field is not None:
        field = field.replace("\\.", ".")
        return [value[field]] if isinstance(value, dict) and value.get(field) is not None else []
    if not isinstance(value, list):
        return []
    if step["index"] == "*":
        return value
    if step["index"] is not None:
        return value[int(step["index"]) : int(step["index"]) + 1]
    condition = _FILTER.match((step["filter"] or "").strip())
    if condition is None:
        return []
    return [each for each in value if json_path(each, "." + condition["field"]) == [condition["value"]]]

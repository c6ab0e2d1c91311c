"""Server-side apply: each manager owns the fields of what it applied last.

A field that a manager no longer applies is removed unless another manager owns it too; a field that another manager
owns with a different value is a conflict unless the request is forced. Ownership is kept per leaf; lists are merged by
the keys of a strategic merge for built-in kinds and are one leaf otherwise.
Kubernetes: structured-merge-diff, docs/reference/using-api/server-side-apply.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.apiserver.statuses import StatusError, qualified
from simulator.apiserver.strategic import strategic_merge
from simulator.model.wire import Json

Path = tuple[str, ...]
_NOT_OWNED = frozenset(
    {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid")}
)


class Ownership:
    """Which manager applied which fields of which object, as documents."""

    def __init__(self) -> None:
        self._applied: dict[Any, dict[str, Json]] = {}

    def forget(self, key: Any) -> None:
        """Drop the records of a deleted object."""
        self._applied.pop(key, None)

    def apply(self, key: Any, present: Json | None, intent: Json, *, manager: str, force: bool) -> Json:
        """Return the object after `manager` applied `intent`. Raises StatusError on a conflict."""
        managers = self._applied.setdefault(key, {})
        others = {name: document for name, document in managers.items() if name != manager}
        if present is not None and not force:
            _refuse_conflicts(key, present, intent, others)
        result = dict(present or {})
        kept = {path for document in (intent, *others.values()) for path, _ in leaves(document)}
        for path, _ in leaves(managers.get(manager, {})):
            if path not in kept:
                result = _without(result, path)
        managers[manager] = intent
        merged: Json = strategic_merge(result, intent)
        return merged

    def managed_fields(self, key: Any, api_version: str, time: str) -> list[Json]:
        """Return `metadata.managedFields` of an object."""
        return [
            {
                "manager": manager,
                "operation": "Apply",
                "apiVersion": api_version,
                "time": time,
                "fieldsType": "FieldsV1",
                "fieldsV1": _fields(document),
            }
            for manager, document in sorted(self._applied.get(key, {}).items())
        ]


def leaves(document: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield (path, value) of each field of a document that has no fields of its own."""
    if isinstance(document, Mapping) and document:
        for key, value in document.items():
            yield from leaves(value, (*path, key))
    elif path and path not in _NOT_OWNED:
        yield path, document


def _refuse_conflicts(key: Any, present: Json, intent: Json, others: Mapping[str, Json]) -> None:
    wanted = dict(leaves(intent))
    found: list[Json] = []
    for manager, document in sorted(others.items()):
        for path, _ in leaves(document):
            if path in wanted and _at(present, path) != wanted[path]:
                text = "." + ".".join(path)
                message = f'conflict with "{manager}"'
                found.append({"reason": "FieldManagerConflict", "message": message, "field": text})
    if found:
        plural, _, group = key.resource.partition(".")
        listed = "\n".join(f"- {cause['field']}" for cause in found)
        raise StatusError(
            code=409,
            reason="Conflict",
            message=f"Apply failed with {len(found)} conflict{'s' if len(found) > 1 else ''}: {found[0]['message']}: "
            f"{found[0]['field']}"
            if len(found) == 1
            else f"Apply failed with {len(found)} conflicts:\n{listed}",
            details={"name": key.name, "kind": qualified(plural, group), "causes": found},
        )


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _without(document: Json, path: Path) -> Json:
    if path[0] not in document:
        return document
    if len(path) == 1:
        return {key: value for key, value in document.items() if key != path[0]}
    inner = document[path[0]]
    if not isinstance(inner, dict):
        return document
    smaller = _without(inner, path[1:])
    return {key: value for key, value in document.items() if key != path[0]} | ({path[0]: smaller} if smaller else {})


def _fields(document: Any) -> Json:
    if not isinstance(document, dict):
        return {}
    return {f"f:{key}": _fields(value) for key, value in document.items() if key not in ("apiVersion", "kind")}

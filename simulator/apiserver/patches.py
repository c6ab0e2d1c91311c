"""JSON patch (RFC 6902) and JSON merge patch (RFC 7396)."""

import copy
from typing import Any

from simulator.apiserver.statuses import StatusError
from simulator.model.wire import Json


def merge_patch(document: Any, patch: Any) -> Any:
    """Return `document` with a merge patch applied; null removes a field."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def json_patch(document: Json, operations: Any) -> Any:
    """Return `document` with a JSON patch applied. Raises StatusError for an operation that cannot be applied."""
    if not isinstance(operations, list):
        raise _unapplicable("a JSON patch is a list of operations")
    result = copy.deepcopy(document)
    for operation in operations:
        if not isinstance(operation, dict):
            raise _unapplicable("an operation is an object")
        result = _apply(result, operation)
    return result


def _apply(document: Any, operation: Json) -> Any:
    kind, path = operation.get("op"), _pointer(operation.get("path"))
    match kind:
        case "add":
            return _add(document, path, copy.deepcopy(operation.get("value")))
        case "remove":
            return _remove(document, path)[0]
        case "replace":
            if path:
                document, _ = _remove(document, path)
            return _add(document, path, copy.deepcopy(operation.get("value")))
        case "move":
            document, value = _remove(document, _pointer(operation.get("from")))
            return _add(document, path, value)
        case "copy":
            return _add(document, path, copy.deepcopy(_resolve(document, _pointer(operation.get("from")))))
        case "test":
            if _resolve(document, path) != operation.get("value"):
                raise _unapplicable(f"testing value {operation.get('path')} failed")
            return document
    raise _unapplicable(f"unexpected kind: {kind}")


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise _unapplicable(f"not a JSON pointer: {text!r}")
    return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]


def _index(items: list[Any], step: str, *, end: bool) -> int:
    if end and step == "-":
        return len(items)
    if step.isdigit() and int(step) < len(items) + end:
        return int(step)
    raise _unapplicable(f"no such index: {step}")


def _resolve(document: Any, path: list[str]) -> Any:
    for step in path:
        if isinstance(document, list):
            document = document[_index(document, step, end=False)]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            raise _unapplicable(f"no such path: /{'/'.join(path)}")
    return document


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _resolve(document, path[:-1])
    if isinstance(parent, list):
        parent.insert(_index(parent, path[-1], end=True), value)
    elif isinstance(parent, dict):
        parent[path[-1]] = value
    else:
        raise _unapplicable(f"no such path: /{'/'.join(path)}")
    return document


def _remove(document: Any, path: list[str]) -> tuple[Any, Any]:
    if not path:
        raise _unapplicable("the whole document cannot be removed")
    parent = _resolve(document, path[:-1])
    if isinstance(parent, list):
        return document, parent.pop(_index(parent, path[-1], end=False))
    if isinstance(parent, dict) and path[-1] in parent:
        return document, parent.pop(path[-1])
    raise _unapplicable(f"Unable to remove nonexistent key: {path[-1]}")


def _unapplicable(why: str) -> StatusError:
    return StatusError(
        code=422, reason="Invalid", message=f"the server rejected our request due to an error in our request: {why}"
    )

"""Type checks of the fields that are read later, so that later code may rely on them.

The API server refuses a document with a list where it wants text; and treats a null field as absent.
`shapes.json` holds per `group/Kind` the shape of each field, from Kubernetes' Go types and from the CRDs of Istio
1.30 and Gateway API. In it an object is a mapping of fields, `{"*": shape}` a mapping with any keys, `[shape]` a
list. `ip` is an address, nothing, or `None` as headless Services spell that, `port` a number that a port can have.
Fields it does not name are not looked at.
"""

import ipaddress
import re
from functools import cache
from typing import Any

from simulator.model.resources import field_path
from simulator.model.wire import Json

_NAMES = {dict: "a mapping", list: "a list", str: "text", int: "a number", float: "a number", bool: "true or false"}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "int-or-string": (int, str),
    "object": (dict,),
}
_WANTED = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "int-or-string": "a number or a string",
    "object": "a mapping",
}
_EMPTY = {"string": "", "ip": "", "integer": 0, "number": 0, "boolean": False, "int-or-string": 0}
_DURATION = re.compile("(Timeout|Time|Delay|Age|interval|timeout|ttl|duration)$")
_EXPLAIN = "see `kubectl explain` for the field"


class ShapeError(Exception):
    """A field has a type that the API server refuses, or is required and null (`is_null`) or absent (`is_missing`).

    `path` is that of the field.
    """

    def __init__(
        self,
        message: str,
        *,
        path: tuple[str | int, ...],
        hint: str,
        is_missing: bool = False,
        is_null: bool = False,
    ) -> None:
        super().__init__(message)
        self.path = path
        self.hint = hint
        self.is_missing = is_missing
        self.is_null = is_null


@cache
def _shapes() -> dict[str, Any]:
    import json
    from pkgutil import get_data  # importlib.resources would cost more to import than the file to read

    shapes: dict[str, Any] = json.loads(get_data(__name__, "shapes.json") or b"{}")
    return shapes


def shape_of(*, group: str, kind: str) -> Json | None:
    """Return the shape of a kind's documents; None for a kind that is not in the table."""
    found: Json | None = _shapes().get(f"{group}/{kind}")
    return found


def conform(document: Json, *, group: str, kind: str) -> None:
    """Check the types of a document's fields, and drop those that are null, in place."""
    shape = _shapes().get(f"{group}/{kind}")
    if shape is None:
        shape = {"spec": "object", "status": "object"} if "spec" in document or "status" in document else {}
    try:
        _conform(document, shape, ())
    except ShapeError as error:
        if not error.is_null or _has_crd(group):
            raise
        _fill(document, shape)
        _conform(document, shape, ())


def _has_crd(group: str) -> bool:
    return group.endswith(".istio.io") or group.startswith("gateway.")


def _fill(value: Any, shape: Any) -> None:
    """Put the empty value of their type where items of lists are null, as Go's decoder does for Kubernetes' kinds."""
    if type(shape) is list and type(value) is list:
        for index, item in enumerate(value):
            if item is None:
                value[index] = _empty(shape[0])
            else:
                _fill(item, shape[0])
    elif type(shape) is dict and type(value) is dict:
        for field, inner in value.items():
            _fill(inner, shape.get("*") or shape.get(field))


def _empty(shape: Any) -> Any:
    if type(shape) is not str:
        return type(shape)()
    return _EMPTY.get(shape, {})


def _conform(value: Any, shape: Any, path: tuple[str | int, ...]) -> None:
    kind = type(value)
    if shape == "ip":
        _check_address(value, path)
    elif shape == "port":
        _check_port(value, path)
    elif type(shape) is str:
        wanted = _TYPES.get(shape)
        if wanted is not None and kind not in wanted:
            raise _error(value, _WANTED[shape], path)
    elif type(shape) is list:
        if kind is not list:
            raise _error(value, "a list", path)
        inner = shape[0]
        for index, item in enumerate(value):
            _conform(item, inner, (*path, index))
    else:
        if kind is not dict:
            raise _error(value, "a mapping", path)
        conform_fields(value, shape, path=path)


def _check_address(value: Any, path: tuple[str | int, ...]) -> None:
    if type(value) is not str:
        raise _error(value, "a string", path)
    if value in ("", "None"):
        return
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ShapeError(
            f"{field_path(path)} must be an IP address, not {value!r}", path=path, hint="leave it out to get one"
        ) from None


def _check_port(value: Any, path: tuple[str | int, ...]) -> None:
    if type(value) is not int:
        raise _error(value, "a whole number", path)
    if not 0 < value < 65536:
        raise ShapeError(f"{field_path(path)} must be from 1 to 65535, not {value}", path=path, hint=_EXPLAIN)


def conform_fields(value: Json, shape: Json, *, path: tuple[str | int, ...]) -> None:
    """Check the fields of the mapping at `path`."""
    every = shape.get("*")
    empty = []
    for field, inner in value.items():
        wanted = every or shape.get(field)
        if wanted is None:
            continue
        if inner is None:
            empty.append(field)
        elif type(wanted) is not str or wanted not in _TYPES or type(inner) not in _TYPES[wanted]:
            _conform(inner, wanted, (*path, field))
    for field in shape.get("!", ()):
        if value.get(field) is None:
            raise ShapeError(f"{field_path((*path, field))} is required", path=path, hint=_EXPLAIN, is_missing=True)
    for field in empty:
        if every == "string":  # Go decodes null as an empty value of a map, and as an absent field
            value[field] = ""
        elif shape.get(field) != "any":
            del value[field]


def _error(value: Any, wanted: str, path: tuple[str | int, ...]) -> ShapeError:
    given = "null" if value is None else _NAMES.get(type(value), "something else")
    hint = _EXPLAIN
    if wanted == "a string" and type(value) in (int, float) and _DURATION.search(str(path[-1])):
        hint = f"a duration has a unit: {value}s"
    elif wanted == "a string" and type(value) in (int, float, bool):
        hint = f'quote it: "{str(value).lower() if type(value) is bool else value}"'
    elif wanted == "a whole number" and type(value) is str and value.isdigit():
        hint = f"write it without quotes: {value}"
    return ShapeError(f"{field_path(path)} must be {wanted}, not {given}", path=path, hint=hint, is_null=value is None)

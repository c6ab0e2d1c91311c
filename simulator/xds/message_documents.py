"""Reading and merging proto-JSON documents of Envoy's message types, for EnvoyFilters.

Users may write fields in camelCase, numbers as text and enums by number; `read` brings documents into the form that
Envoy prints. Merging follows protobuf (istiod: pkg/proto/merge/merge.go): lists are appended, map entries
and durations replaced, messages merged, and a value that equals the type's zero cannot override.
"""

from typing import Any

from simulator.model.envoy_types import FieldType, enum_names, fields, knows, message_name
from simulator.model.wire import Json
from simulator.xds.durations import duration

_TYPE_URL = "type.googleapis.com/"


class SchemaError(ValueError):
    """A value does not fit the type of its field; istiod drops the patch that holds it."""


def read(message: str, value: Json) -> Json:
    """Read a document of a message type into normal form; unknown fields are dropped as istiod does."""
    if not isinstance(value, dict):
        raise SchemaError(f"{message} is not an object")
    known = fields(message)
    result: Json = {}
    for key, item in value.items():
        field = known.get(key)
        if field is None or item is None:
            continue
        read_item = _read_field(field, item)
        if read_item is not None:
            result[field.name] = read_item
    return result


def merge(message: str, target: Json, patch: Json) -> Json:
    """Return `target` with `patch` merged in, both in normal form; neither is changed."""
    result = dict(target)
    for key, value in patch.items():
        field = fields(message).get(key)
        if field is None:
            result[key] = value
            continue
        if field.oneof:
            for other in _oneof_members(message, field.oneof):
                if other != key:
                    result.pop(other, None)
        result[key] = _merge_field(field, result[key], value) if key in result else value
    return result


def merge_any(target: Json, patch: Json) -> Json | None:
    """Merge the message inside one Any into that of another; None when their types differ or are unknown."""
    name = message_of(target)
    if name != message_of(patch) or not knows(name):
        return None
    kept = {"@type": target["@type"]}
    return kept | merge(name, _content(target), _content(patch))


def message_of(typed: Json) -> str:
    """Return the full name of the message in an Any."""
    return str(typed.get("@type", "")).rpartition("/")[2]


def _content(typed: Json) -> Json:
    return {key: value for key, value in typed.items() if key != "@type"}


def _oneof_members(message: str, oneof: str) -> list[str]:
    return [field.name for field in fields(message).values() if field.oneof == oneof]


def _read_field(field: FieldType, item: Any) -> Any:
    if field.map:
        if not isinstance(item, dict):
            raise SchemaError(f"{field.name} is not a map")
        return {key: _read_value(field, value) for key, value in item.items()} or None
    if field.repeated:
        if not isinstance(item, list):
            raise SchemaError(f"{field.name} is not a list")
        return [_read_value(field, value) for value in item] or None
    value = _read_value(field, item)
    if field.kind[0] in "sbyilfe" and not field.presence and _is_zero(field, value):
        return None
    return value


def _is_zero(field: FieldType, value: Any) -> bool:
    if field.kind[0] == "e":
        return bool(value == enum_names(field.kind).get("0"))
    return value in ("", False, 0, "0", 0.0)


def _read_value(field: FieldType, item: Any) -> Any:
    kind = field.kind
    match kind[0]:
        case "m":
            return read(message_name(kind), item)
        case "e":
            return _read_enum(kind, item)
        case "A":
            return _read_any(item)
        case "D":
            return _read_duration(item)
        case "w":
            return _read_scalar(kind[1], item)
        case "S" | "V" | "L" | "T":
            return item
        case "E":
            return {}
    return _read_scalar(kind, item)


def _read_scalar(kind: str, item: Any) -> Any:
    try:
        match kind:
            case "b":
                if not isinstance(item, bool):
                    raise SchemaError(f"{item!r} is not a boolean")
                return item
            case "i":
                return _integer(item)
            case "l":
                return str(_integer(item))
            case "f":
                number = float(item)
                return int(number) if number.is_integer() else number
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{item!r} is not a number") from error
    if not isinstance(item, str):
        raise SchemaError(f"{item!r} is not a string")
    return item


def _integer(item: Any) -> int:
    if isinstance(item, bool) or (isinstance(item, float) and not item.is_integer()):
        raise SchemaError(f"{item!r} is not an integer")
    return int(item)


def _read_enum(kind: str, item: Any) -> str:
    names = enum_names(kind)
    if isinstance(item, str) and item in names.values():
        return item
    name = names.get(str(int(item))) if isinstance(item, int | float) else None
    if name is None:
        raise SchemaError(f"{item!r} is no value of its enum")
    return name


def _read_duration(item: Any) -> str:
    try:
        return duration(str(item))
    except ValueError as error:
        raise SchemaError(str(error)) from error


def _read_any(item: Any) -> Json:
    """Read a typed extension; of types that are not Envoy's, the content is taken as it is."""
    if not isinstance(item, dict) or (item and "@type" not in item):
        raise SchemaError("a typed message has no @type")
    if not item:
        return {}
    name = message_of(item)
    if knows(name):
        return {"@type": _TYPE_URL + name} | read(name, _content(item))
    if name.startswith("envoy.") and (".v2." in name or ".v2alpha" in name):
        raise SchemaError(f"{name} is a type of an API that is gone")
    return item


def _merge_field(field: FieldType, target: Any, value: Any) -> Any:
    if field.map:
        return {**target, **value}
    if field.repeated:
        return [*target, *value]
    match field.kind[0]:
        case "m":
            return merge(message_name(field.kind), target, value)
        case "S":
            return {**target, **value}
        case "V" if isinstance(target, dict) and isinstance(value, dict):
            return {**target, **value}
        case "w":
            return target if value in ("", False, 0, "0", 0.0) else value
        case "A":
            return value or target
        case "E":
            return target
    return value

"""One normal form for Envoy resources, so that two spellings of equal messages are equal JSON.

Guided by the protobuf schemas: names in camelCase; what the wire does not carry (a zero without presence, null, an
empty list or map) dropped; 64-bit numbers as strings, durations and floats written one way; sorted where order has no
meaning.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from tests.conformance.schemas import RESOURCE_TYPES, TYPE_PREFIX, descriptor

SORTED = frozenset({"domains", "lbEndpoints", "filterChains", "queryParameters", "dynamicMetadata"})
_FREE = frozenset({"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"})
_INT64_WRAPPERS = frozenset({"google.protobuf.Int64Value", "google.protobuf.UInt64Value"})
_INT64, _MESSAGE, _ENUM, _FLOAT = frozenset({3, 4, 6, 16, 18}), 11, 14, frozenset({1, 2})
_DURATION = re.compile(r"(-?\d+)\.(\d*?)0*s")

Json = dict[str, Any]
Convert = Callable[[Any], Any]


def normalize(resource: Json, kind: str) -> Any:
    """Return the normal form of a resource of one of the lists (`listeners`, `clusters`, …, or `names`)."""
    if kind == "names":
        return {key: value for key, value in resource.items() if value}
    return _message(RESOURCE_TYPES[kind])({key: value for key, value in resource.items() if key != "@type"})


def dump(value: Any) -> str:
    """Serialise canonically."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def differences(golden: Any, actual: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (path, golden value, actual value) of each smallest part that differs."""
    if isinstance(golden, dict) and isinstance(actual, dict):
        for key in [*golden, *(key for key in actual if key not in golden)]:
            step = f"{path}.{key}" if re.fullmatch(r"@?\w+", key) else f"{path}[{json.dumps(key)}]"
            yield from differences(golden.get(key, "<absent>"), actual.get(key, "<absent>"), step)
    elif isinstance(golden, list) and isinstance(actual, list) and len(golden) == len(actual):
        for index, (left, right) in enumerate(zip(golden, actual, strict=True)):
            yield from differences(left, right, f"{path}[{index}]")
    elif type(golden) is not type(actual) or golden != actual:
        yield path or ".", golden, actual


@cache
def _message(name: str) -> Convert:
    """Return the function that normalises messages of a type."""
    if name in _FREE:
        return _free
    if name == "google.protobuf.Any":
        return _any
    if name == "google.protobuf.Duration":
        return _duration
    if name in _INT64_WRAPPERS:
        return str
    if name.startswith("google.protobuf.") and name.endswith("Value"):
        return _number
    fields = _fields(name)

    def convert(message: Any) -> Any:
        if not isinstance(message, dict):
            return message
        result = {}
        for key, value in message.items():
            if value is None:
                continue
            if key not in fields:
                result[f"{key} (unknown field)"] = value
                continue
            camel, field, droppable = fields[key]
            normal = field(value)
            if not (droppable and (normal is False or normal == 0 or normal in ("", "0", [], {}))):
                result[camel] = normal
        return result

    return convert


@cache
def _fields(name: str) -> dict[str, tuple[str, Convert, bool]]:
    """Map a message's field names, in both spellings, to (camelCase, how to normalise, dropped when zero)."""
    result = {}
    for field in descriptor(name).fields:
        convert = _single(field)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            convert = _map(_single(field.message_type.fields_by_name["value"]))
        elif field.is_repeated:
            convert = _list(convert, in_order=field.json_name not in SORTED)
        entry = (field.json_name, convert, field.is_repeated or not field.has_presence)
        result[field.name] = result[field.json_name] = entry
    return result


def _single(field: Any) -> Convert:
    if field.type == _MESSAGE:
        name = field.message_type.full_name
        return lambda value: _message(name)(value)  # resolved late: messages are recursive
    if field.type == _ENUM:
        return _enum(field)
    if field.type in _INT64:
        return str
    return _number if field.type in _FLOAT else lambda value: value


def _enum(field: Any) -> Convert:
    names = {value.number: value.name for value in field.enum_type.values}
    zero = "" if not field.has_presence and not field.is_repeated else names[0]
    return lambda value: zero if names.get(value, value) == names[0] else names.get(value, value)


def _list(convert: Convert, *, in_order: bool) -> Convert:
    def many(values: Any) -> Any:
        items = [convert(value) for value in values]
        return items if in_order else sorted(items, key=dump)

    return many


def _map(convert: Convert) -> Convert:
    return lambda values: {key: convert(value) for key, value in values.items()}


def _any(message: Json) -> Json:
    name = message.get("@type", "").removeprefix(TYPE_PREFIX)
    try:
        known = bool(name) and not name.startswith("google.protobuf.") and descriptor(name) is not None
    except KeyError:
        known = False
    if not known:
        return {key: _free(value) for key, value in message.items()}
    body = _message(name)({key: value for key, value in message.items() if key != "@type"})
    return {"@type": message["@type"], **body}


def _free(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _free(item) for key, item in value.items()}
    return [_free(item) for item in value] if isinstance(value, list) else _number(value)


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _duration(value: Any) -> Any:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    return f"{match[1]}.{match[2]}s" if match[2] else f"{match[1]}s"

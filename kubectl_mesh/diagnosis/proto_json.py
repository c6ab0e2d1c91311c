"""Envoy documents in the spelling istioctl prints: camelCase field names, keys of maps and free-form values untouched.

Envoy's admin interface prints proto-JSON with snake_case names, protobuf's own printers camelCase. istioctl reads a
document into messages and prints those: fields at their zero vanish, enums get names, 64-bit numbers are text. Only
the schema tells which keys are names of fields and which are data: below each `@type` that it knows, a document is
read by the schema; elsewhere by the names of its fields.
"""

import math
import re
from functools import lru_cache
from typing import Any

from simulator.model.envoy_types import FieldType, enum_names, fields, knows
from simulator.model.wire import Json

_STRUCTS = frozenset(
    {
        "base",
        "default_subset",
        "filter_metadata",
        "json_format",
        "layer",
        "static_layer",
        "transport_socket_match_criteria",
        "typed_json_format",
    }
)
_MAPS = frozenset(
    {
        "dimensions",
        "policies",
        "providers",
        "requirement_map",
        "typed_extension_protocol_options",
        "typed_filter_metadata",
        "typed_per_filter_config",
    }
)
_METADATA_FIELDS = frozenset({"filter_metadata", "typed_filter_metadata"})
_FREE_TYPES = ("TypedStruct", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue")
_PLAIN = frozenset({"s", "b"})
_ZEROS = {"s": "", "y": "", "b": False, "i": 0, "l": "0", "f": 0}
_SECONDS = re.compile(r"(-?[0-9]+|[0-9-]{10}T[0-9:]{8})(?:\.([0-9]{1,9}))?(s|Z)")


def camel_case(document: Any, *, kind: str = "") -> Any:
    """Return a document, of any type, as istioctl prints it; `kind` is the message type of one without `@type`."""
    if isinstance(document, dict):
        kind = kind or _type_of(document)
        return _message(document, kind) if knows(kind) else _object(document, kind)
    if isinstance(document, list):
        return [camel_case(item) for item in document]
    return document


def _type_of(document: Json) -> str:
    return str(document.get("@type", "")).rpartition("/")[2]


def _message(document: Json, message: str) -> Json:
    """Return a message of a known type as istioctl prints it; unknown fields are kept."""
    known = fields(message)
    result: Json = {}
    for key, value in document.items():
        field = known.get(key)
        if field is None:
            result[_name(key)] = camel_case(value)
        elif field.kind in _PLAIN and isinstance(value, (str, bool)):  # true for most values, which need no conversion
            if value or field.presence:
                result[field.json_name] = value
        elif value is not None or field.kind == "V":
            printed = _field(field, value)
            if field.presence or not _is_zero(field, printed):
                result[field.json_name] = printed
    return result


def _field(field: FieldType, value: Any) -> Any:
    if field.map and isinstance(value, dict):
        return {key: _value(field, item) for key, item in value.items()}
    if field.repeated and isinstance(value, list):
        return [_value(field, item) for item in value]
    return _value(field, value)


def _value(field: FieldType, value: Any) -> Any:
    if field.message:
        return _message(value, field.message) if isinstance(value, dict) else value
    kind = field.kind
    match kind[0]:
        case "A":
            return camel_case(value)
        case "e":
            return enum_names(kind).get(str(value), value) if isinstance(value, int) else value
        case "D" | "T":
            return _seconds(value)
    return _number(kind[-1], value) if kind[-1] in "ilf" else value


def _number(kind: str, value: Any) -> Any:
    if kind == "l":
        return str(int(value)) if isinstance(value, int | float) and math.isfinite(value) else value
    if kind == "i" and isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _seconds(value: Any) -> Any:
    """Return a duration or a time with no, three, six or nine decimals."""
    found = _SECONDS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    digits = (found[2] or "").rstrip("0")
    digits = digits.ljust(-len(digits) // 3 * -3, "0")
    return f"{found[1]}.{digits}{found[3]}" if digits else found[1] + found[3]


def _is_zero(field: FieldType, value: Any) -> bool:
    """Tell whether a field without presence has its default value, which is never printed."""
    if field.repeated or field.map:
        return value in ([], {})
    if field.message:
        return False
    if field.kind[0] == "e":
        return bool(value == enum_names(field.kind).get("0"))
    return _ZEROS.get(field.kind[0]) == value and not isinstance(value, dict | list)


def _object(document: Json, kind: str) -> Json:
    """Return an object of an unknown type as istioctl prints it, by the names of its fields."""
    free = kind.endswith(_FREE_TYPES) or "type_url" in document
    result: Json = {}
    for key, value in document.items():
        if key in _STRUCTS or (key == "value" and free) or _is_struct(key, value, document):
            result[_name(key)] = value
        elif key in _MAPS and isinstance(value, dict):
            result[_name(key)] = {entry: camel_case(item) for entry, item in value.items()}
        else:
            result[_name(key)] = camel_case(value)
    return result


def _is_struct(key: str, value: Any, parent: Json) -> bool:
    """Tell whether a field is free-form here: some names are free-form in one message and a message in another."""
    if not isinstance(value, dict):
        return False
    if key == "metadata":  # free-form in a node and in a build version, a message with two fields elsewhere
        return not value.keys() <= _METADATA_FIELDS
    return key == "match" and "transport_socket" in parent


@lru_cache(maxsize=4096)
def _name(key: str) -> str:
    if "_" not in key or key.startswith("@"):
        return key
    first, *rest = key.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)

"""One form for every spelling of an Envoy message, so that equal messages are equal JSON.

proto-JSON leaves room: camelCase or snake_case, zeros written or left out, 64-bit numbers as text, `1s` or `1.000s`,
enums by name or number. The law, tested against protobuf: two documents have the same normal form exactly when they
parse to equal messages. Fields and types that Envoy does not know stay as they are.
"""

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from simulator.model.envoy_types import FieldType, enum_names, fields, knows, message_name
from simulator.model.wire import Json

_PREFIX = "type.googleapis.com/"
_UNORDERED = frozenset({"domains", "lb_endpoints", "query_parameters", "dynamic_metadata"})


def normalize(document: Json, message: str, *, ordered: bool = True) -> Json:
    """Return the normal form of a message of a type; `ordered` False sorts the lists in which order means nothing."""
    content = {key: value for key, value in document.items() if key != "@type"}
    return _message(content, message, ordered)


def canonical_text(document: Json, message: str) -> str:
    """Print a message so that equal messages, lists without meaningful order sorted, are equal texts."""
    return _text(normalize(document, message, ordered=False))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def _message(document: Json, message: str, ordered: bool) -> Json:
    known = fields(message)
    result: Json = {}
    for key, value in document.items():
        field = known.get(key) if isinstance(key, str) else None
        if value is None and (field is None or field.kind != "V"):
            continue
        if field is None:
            result[key] = value
            continue
        normal = _field(field, value, ordered)
        if field.presence or not _is_nothing(field, normal):
            result[field.name] = normal
    return result


def _is_nothing(field: FieldType, value: Any) -> bool:
    """Tell whether a value of a field without presence is the one that is never written."""
    if field.repeated or field.map:
        return value in ([], {})
    if field.kind[0] in "mADSVLTEw":
        return False
    if field.kind[0] == "e":
        return bool(value == enum_names(field.kind).get("0"))
    return value in ("", False, 0) and not isinstance(value, dict | list)


def _field(field: FieldType, value: Any, ordered: bool) -> Any:
    if field.map and isinstance(value, dict):
        return {str(key): _value(field.kind, item, ordered) for key, item in value.items()}
    if field.repeated and isinstance(value, list):
        items = [_value(field.kind, item, ordered) for item in value]
        return sorted(items, key=_text) if not ordered and field.name in _UNORDERED else items
    return _value(field.kind, value, ordered)


def _value(kind: str, value: Any, ordered: bool) -> Any:
    if kind[0] == "m":
        return _message(value, message_name(kind), ordered) if isinstance(value, dict) else value
    if kind[0] == "e":
        return _enum(kind, value)
    if kind[0] == "A":
        return _any(value, ordered)
    convert = _SCALARS.get(kind[-1] if kind[0] == "w" else kind[0])
    return convert(value) if convert is not None else value


def _enum(kind: str, value: Any) -> Any:
    names = enum_names(kind)
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        value = int(value)  # protobuf's own parser takes these for numbers of enums
    return names.get(str(value), value) if isinstance(value, (int, str)) else value


def _any(value: Any, ordered: bool) -> Any:
    if not isinstance(value, dict):
        return value
    name = str(value.get("@type", "")).rpartition("/")[2]
    content = {key: item for key, item in value.items() if key != "@type"}
    if knows(name):
        return {"@type": _PREFIX + name, **_message(content, name, ordered)}
    return {key: _struct(item) for key, item in value.items()}


def _integer(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except InvalidOperation:
            return value
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else str(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _real(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _duration(value: Any) -> Any:
    """Write a duration as seconds with as many digits as it needs."""
    if isinstance(value, dict):
        parts = Decimal(_integer(value.get("seconds", 0))) + Decimal(_integer(value.get("nanos", 0))) / 10**9
        value = f"{parts}s"
    if not isinstance(value, str) or not value.endswith("s"):
        return value
    try:
        amount = Decimal(value[:-1])
    except InvalidOperation:
        return value
    text = format(amount, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{'0' if text in ('', '-0', '-') else text}s"


def _struct(value: Any) -> Any:
    """Numbers of a Struct are floating-point, so 1 and 1.0 are one number."""
    if isinstance(value, dict):
        return {key: _struct(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_struct(item) for item in value]
    return _real(value) if isinstance(value, float) else value


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "i": _integer,
    "l": _integer,
    "f": _real,
    "D": _duration,
    "S": _struct,
    "V": _struct,
    "L": _struct,
}

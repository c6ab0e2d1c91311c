"""Reading Envoy documents whose shape nobody promises: typed accessors that name what is wrong.

A config dump may come from a live proxy of another version, a file edited by hand, or a broken transfer. Every read in
this package goes through these functions, so a surprise becomes `UnreadableDocument` and never a traceback.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from simulator.model.errors import SimulatorError
from simulator.model.wire import Json

_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_NAMED_BY_USERS = frozenset(
    {
        "policies",
        "providers",
        "requirement_map",
        "typed_per_filter_config",
        "typed_extension_protocol_options",
        "map",
        "named_endpoints",
        "table",
        "filter_state_rules",
    }
)
"""Fields that are maps: their keys are data, their values are messages."""
_OPAQUE = frozenset({"filter_metadata", "labels", "json_format", "fields", "runtime_key", "inline_string"})
"""Fields whose content is data throughout (google.protobuf.Struct and the like)."""


class UnreadableDocument(SimulatorError):
    """A document has another shape than Envoy's; the message names the field."""


class NotSimulated(UnreadableDocument):
    """A document is valid, but contains something whose effect is not predicted here."""


_DEEPEST = 200
"""Envoy's messages nest about forty deep; what nests deeper is damage, or meant to do some."""


def snake_case(document: Any, depth: int = 0) -> Any:
    """Return `document` with snake_case field names; the same object when it has them already."""
    if depth > _DEEPEST:
        raise UnreadableDocument(f"nested more than {_DEEPEST} levels deep")
    if isinstance(document, dict):
        return _snake_object(document, depth + 1)
    if isinstance(document, list):
        converted = [snake_case(item, depth + 1) for item in document]
        same = all(new is old for new, old in zip(converted, document, strict=True))
        return document if same else converted
    return document


def _snake_object(document: Json, depth: int) -> Json:
    changed = False
    result: Json = {}
    typed_struct = str(document.get("@type", "")).endswith("TypedStruct")
    for key, value in document.items():
        name = _snake_name(key) if isinstance(key, str) else key
        if name in _OPAQUE or (typed_struct and name == "value"):
            new = value
        elif name in _NAMED_BY_USERS and isinstance(value, dict):
            new = {inner: snake_case(item, depth) for inner, item in value.items()}
            if all(new[inner] is item for inner, item in value.items()):
                new = value
        elif name == "transport_socket_matches" and isinstance(value, list):
            new = [_socket_match(item) for item in value]
            if all(one is other for one, other in zip(new, value, strict=True)):
                new = value
        else:
            new = snake_case(value, depth)
        changed = changed or name != key or new is not value
        result[name] = new
    return result if changed else document


@lru_cache(maxsize=4096)
def _snake_name(key: str) -> str:
    """Return a field name in snake_case; few names make up any number of documents."""
    return key if key.startswith("@") else _CAMEL.sub(r"_\1", key).lower()


def _socket_match(item: Any) -> Any:
    """Convert one entry of transport_socket_matches; its `match` is a struct of the user's."""
    if not isinstance(item, dict):
        return item
    rest = {key: value for key, value in item.items() if key != "match"}
    converted = snake_case(rest)
    if converted is rest:
        return item
    return {**converted, "match": item["match"]} if "match" in item else converted


def child(document: Mapping[str, Any], field: str) -> Json:
    """Return an object field; empty when absent."""
    value = document.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnreadableDocument(f"{field}: expected an object, found {_kind(value)}")
    return value


def children(document: Mapping[str, Any], field: str) -> list[Json]:
    """Return a field that is a list of objects; empty when absent."""
    value = document.get(field)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UnreadableDocument(f"{field}: expected a list of objects, found {_kind(value)}")
    return value


def mapping(document: Mapping[str, Any], field: str) -> dict[str, Json]:
    """Return a field that is a map of objects; empty when absent."""
    value = child(document, field)
    if not all(isinstance(item, dict) for item in value.values()):
        raise UnreadableDocument(f"{field}: expected a map of objects")
    return value


def text(document: Mapping[str, Any], field: str, default: str = "") -> str:
    """Return a string or enum field."""
    value = document.get(field)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise UnreadableDocument(f"{field}: expected a string, found {_kind(value)}")
    return str(value)


def texts(document: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """Return a field that is a list of strings."""
    value = document.get(field)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UnreadableDocument(f"{field}: expected a list of strings, found {_kind(value)}")
    return tuple(value)


def integer(document: Mapping[str, Any], field: str, default: int = 0) -> int:
    """Return a number field, also when it is wrapped, or spelt as a string as proto-JSON does with 64 bits."""
    value = document.get(field)
    if value is None:
        return default
    if isinstance(value, dict):
        return integer(value, "value", default)
    try:
        if isinstance(value, bool):
            raise ValueError
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise UnreadableDocument(f"{field}: expected a number, found {value!r:.40}") from None


def real(document: Mapping[str, Any], field: str, default: float = 0.0) -> float:
    """Return a floating-point field."""
    value = document.get(field)
    if value is None:
        return default
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise UnreadableDocument(f"{field}: expected a number, found {value!r:.40}") from None


def flag(document: Mapping[str, Any], field: str, *, default: bool = False) -> bool:
    """Return a boolean field, wrapped or not."""
    value = document.get(field)
    if value is None:
        return default
    if isinstance(value, dict):
        return flag(value, "value")
    if not isinstance(value, bool):
        raise UnreadableDocument(f"{field}: expected true or false, found {_kind(value)}")
    return value


def seconds(document: Mapping[str, Any], field: str) -> float | None:
    """Return a duration field in seconds; None when absent."""
    value = document.get(field)
    if value is None:
        return None
    match value:
        case str() if value.endswith("s"):
            try:
                return float(value[:-1])
            except ValueError:
                pass
        case dict() if set(value) <= {"seconds", "nanos"}:
            return integer(value, "seconds") + integer(value, "nanos") / 1e9
    raise UnreadableDocument(f"{field}: expected a duration, found {value!r:.40}")


def typed(document: Mapping[str, Any], field: str = "typed_config") -> tuple[str, Json]:
    """Return the short type name and the content of an `Any` field; TypedStruct is looked through."""
    config = child(document, field)
    return unpack(config)


def unpack(config: Json) -> tuple[str, Json]:
    """Return the short type name (after the last dot's package) and the content of an `Any`."""
    name = short_type(text(config, "@type"))
    if name == "TypedStruct":
        return short_type(text(config, "type_url")), child(config, "value")
    return name, config


def short_type(url: str) -> str:
    """Return the message name of a type URL without its package."""
    return url.rpartition("/")[2].rpartition(".")[2]


def package(config: Json) -> str:
    """Return the full message name of an `Any`, TypedStruct looked through."""
    name = text(config, "@type").rpartition("/")[2]
    return text(config, "type_url").rpartition("/")[2] if name.endswith(".TypedStruct") else name


def _kind(value: Any) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return "a string"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
    return type(value).__name__

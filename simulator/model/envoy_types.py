"""The types of Envoy's v3 messages, as data: which fields there are, and when a value is the same as none.

`envoy_schema.json` is written from the protobuf descriptors (tests/conformance/envoy_schema.py tells its format), so
that protobuf itself is no dependency.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """One field. `kind` is a letter for a scalar or well-known type, `e`N an enum, `m`N a message."""

    name: str
    json_name: str
    """Its name in camelCase, as protobuf's printers spell it."""
    kind: str
    message: str
    """Full name of the message type of its values; empty for others."""
    repeated: bool
    map: bool
    presence: bool
    """A zero differs from none."""
    oneof: str
    """The name of the oneof that it is part of; empty for none."""


@dataclass(frozen=True, slots=True)
class _Schema:
    messages: dict[str, str]
    names: tuple[str, ...]
    enums: list[dict[str, str]]
    enum_names: list[str]


@cache
def _schema() -> _Schema:
    document = json.loads(files(__package__).joinpath("envoy_schema.json").read_text(encoding="utf-8"))
    return _Schema(document["messages"], tuple(sorted(document["messages"])), document["enums"], document["enumNames"])


def knows(message: str) -> bool:
    """Tell whether a message type, by its full name, is one of Envoy's."""
    return message in _schema().messages


def message_name(kind: str) -> str:
    """Return the full name of the message type that a kind `m`N stands for."""
    return _schema().names[int(kind[1:])]


def enum_names(kind: str) -> Mapping[str, str]:
    """Return number, as text, → name of the enum that a kind `e`N stands for."""
    return _schema().enums[int(kind[1:])]


def enum_name(kind: str) -> str:
    """Return the full name of the enum that a kind `e`N stands for."""
    return _schema().enum_names[int(kind[1:])]


@cache
def fields(message: str) -> Mapping[str, FieldType]:
    """Return the fields of a message by both of their spellings."""
    words = _schema().messages[message].split()
    found: dict[str, FieldType] = {}
    for name, text in zip(words[::2], words[1::2], strict=True):
        body, _, oneof = text.partition("/")
        kind = body.strip("*%?")
        field = FieldType(
            name=name,
            json_name=_camel(name),
            kind=kind,
            message=message_name(kind) if kind.startswith("m") else "",
            repeated=body.startswith("*"),
            map=body.startswith("%"),
            presence=bool(oneof) or body.endswith("?"),
            oneof=oneof,
        )
        found[name] = found[field.json_name] = field
    return found


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)

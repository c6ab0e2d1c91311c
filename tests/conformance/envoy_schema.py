"""Writes `simulator/model/envoy_schema.json`: the field types of Envoy's v3 messages, from the protobuf descriptors.

usage: python -m tests.conformance.envoy_schema
Patches of an EnvoyFilter are merged as protobuf messages are, which needs types; protobuf itself is no dependency
of the simulator. Each message is one text of `name type` pairs. A type is a letter for a scalar (s string, b bool,
y bytes, i 32 bits, l 64 bits, f float), `e`N an enum, `m`N a message, or a well-known message: A any, D duration,
S struct, V value, L list, T timestamp, E empty, `w` and a scalar letter a wrapper. `*` in front says repeated, `%` a
map of these; behind, `?` that presence is tracked and `/`N which oneof the field is in.
"""

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "simulator" / "model" / "envoy_schema.json"
_ROOTS = ("envoy.admin", "envoy.config", "envoy.extensions", "envoy.type", "envoy.data", "xds", "udpa.type")
_WELL_KNOWN = {
    "google.protobuf.Any": "A",
    "google.protobuf.Duration": "D",
    "google.protobuf.Struct": "S",
    "google.protobuf.Value": "V",
    "google.protobuf.ListValue": "L",
    "google.protobuf.Timestamp": "T",
    "google.protobuf.Empty": "E",
    "google.protobuf.BoolValue": "wb",
    "google.protobuf.StringValue": "ws",
    "google.protobuf.BytesValue": "wy",
    "google.protobuf.UInt32Value": "wi",
    "google.protobuf.Int32Value": "wi",
    "google.protobuf.UInt64Value": "wl",
    "google.protobuf.Int64Value": "wl",
    "google.protobuf.DoubleValue": "wf",
    "google.protobuf.FloatValue": "wf",
}


def build() -> dict[str, Any]:
    """Return the schema of every v3 message that an installed Envoy package defines."""
    messages: dict[str, Any] = {}
    enums: dict[str, Any] = {}
    for descriptor in _descriptors():
        _collect(descriptor, messages, enums)
    message_numbers = {name: number for number, name in enumerate(sorted(messages))}
    enum_numbers = {name: number for number, name in enumerate(sorted(enums))}
    return {
        "enumNames": sorted(enums),
        "enums": [_enum(enums[name]) for name in sorted(enums)],
        "messages": {
            name: " ".join(_field(field, message_numbers, enum_numbers) for field in messages[name].fields)
            for name in sorted(messages)
        },
    }


def text() -> str:
    """Return the file's content."""
    return json.dumps(build(), indent=0, separators=(",", ":"), sort_keys=True) + "\n"


def _descriptors() -> list[Any]:
    found = []
    for root in _ROOTS:
        package = importlib.import_module(root)
        for module in pkgutil.walk_packages(package.__path__, f"{root}."):
            if not module.name.endswith("_pb2"):
                continue
            file = importlib.import_module(module.name).DESCRIPTOR
            if ".v2" not in file.package:
                found += file.message_types_by_name.values()
    return found


def _collect(message: Any, messages: dict[str, Any], enums: dict[str, Any]) -> None:
    if message.full_name in messages or message.full_name in _WELL_KNOWN:
        return
    if message.GetOptions().map_entry:
        _collect_field(message.fields_by_name["value"], messages, enums)
        return
    messages[message.full_name] = message
    for field in message.fields:
        _collect_field(field, messages, enums)
    for nested in message.nested_types:
        _collect(nested, messages, enums)


def _collect_field(field: Any, messages: dict[str, Any], enums: dict[str, Any]) -> None:
    if field.message_type is not None:
        _collect(field.message_type, messages, enums)
    if field.enum_type is not None:
        enums[field.enum_type.full_name] = field.enum_type


def _enum(enum: Any) -> dict[str, str]:
    names: dict[str, str] = {}
    for value in enum.values:
        names.setdefault(str(value.number), value.name)
    return names


def _field(field: Any, messages: dict[str, int], enums: dict[str, int]) -> str:
    message = field.message_type
    repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
    if message is not None and message.GetOptions().map_entry:
        kind = "%" + _type(message.fields_by_name["value"], messages, enums)
    else:
        kind = ("*" if repeated else "") + _type(field, messages, enums)
    oneof = field.containing_oneof
    if oneof is not None and len(oneof.fields) > 1:
        kind += f"/{oneof.index}"
    elif oneof is not None:
        kind += "?"
    return f"{field.name} {kind}"


def _type(field: Any, messages: dict[str, int], enums: dict[str, int]) -> str:
    if field.message_type is not None:
        name = field.message_type.full_name
        return _WELL_KNOWN.get(name) or f"m{messages[name]}"
    if field.enum_type is not None:
        return f"e{enums[field.enum_type.full_name]}"
    scalars = {field.TYPE_STRING: "s", field.TYPE_BOOL: "b", field.TYPE_BYTES: "y"}
    wide = {field.TYPE_INT64, field.TYPE_UINT64, field.TYPE_SINT64, field.TYPE_FIXED64, field.TYPE_SFIXED64}
    if field.type in scalars:
        return scalars[field.type]
    if field.type in (field.TYPE_DOUBLE, field.TYPE_FLOAT):
        return "f"
    return "l" if field.type in wide else "i"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")

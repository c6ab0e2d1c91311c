"""Bodies in Kubernetes' protobuf form, which kubectl's typed clients send whatever the server prefers.

`kubernetes_messages.json` has the fields of built-in kinds as `number:name:type[:mark]`, taken from the
`generated.proto` files of k8s.io/api 1.35; marks: r repeated, m map of strings, i inlined in JSON. Answers are JSON,
which every client reads.
Kubernetes: staging/src/k8s.io/apimachinery/pkg/runtime/serializer/protobuf (the `k8s\\0` envelope).
"""

import base64
import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from simulator.model.wire import Json

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\0"
_PACKAGES = {
    "v1": "core",
    "admissionregistration.k8s.io": "admissionregistration",
    "authentication.k8s.io": "authentication",
    "authorization.k8s.io": "authorization",
    "certificates.k8s.io": "certificates",
    "coordination.k8s.io": "coordination",
    "discovery.k8s.io": "discovery",
    "networking.k8s.io": "networking",
    "node.k8s.io": "node",
    "rbac.authorization.k8s.io": "rbac",
    "scheduling.k8s.io": "scheduling",
    "storage.k8s.io": "storage",
}
_MAX_DEPTH = 64


class _Field(NamedTuple):
    name: str
    type: str
    mark: str


@cache
def _messages() -> dict[str, str]:
    text = files(__package__).joinpath("kubernetes_messages.json").read_text(encoding="utf-8")
    loaded: dict[str, str] = json.loads(text)
    return loaded


@cache
def _fields(message: str) -> dict[int, _Field]:
    found = {}
    for entry in _messages()[message].split():
        number, name, kind, *mark = entry.split(":")
        found[int(number)] = _Field(name, kind, mark[0] if mark else "")
    return found


def decode_body(data: bytes) -> Json:
    """Return the object in a body. Raises ValueError for a body or a kind that cannot be read."""
    if data[:4] != _MAGIC:
        raise ValueError("the body is not Kubernetes protobuf")
    envelope = _message("runtime.Unknown", data[4:], 0)
    meta = _message("runtime.TypeMeta", _raw(data[4:], 1), 0)
    version, kind = str(meta.get("apiVersion", "")), str(meta.get("kind", ""))
    group, slash, number = version.partition("/")
    package = _PACKAGES.get(group if slash else "v1", group)
    name = f"{package}.{number if slash else version}.{kind}"
    if kind in ("DeleteOptions", "Status"):
        name = f"meta.v1.{kind}"
    if name not in _messages():
        raise ValueError(f"{kind} in version {version} is not understood as protobuf")
    raw = base64.b64decode(envelope.get("raw", ""))
    return {"apiVersion": version, "kind": kind} | _message(name, raw, 0)


def _raw(data: bytes, wanted: int) -> bytes:
    return next((value for number, value in _wire(data) if number == wanted and isinstance(value, bytes)), b"")


def _wire(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, position = _varint(data, position)
            yield number, value
            continue
        if kind == 2:
            length, position = _varint(data, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if position + length > len(data):
            raise ValueError("the body is cut short")
        yield number, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise ValueError("the body is cut short")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7


def _message(name: str, data: bytes, depth: int) -> Json:
    if depth > _MAX_DEPTH:
        raise ValueError("the body is nested too deep")
    fields = _fields(name)
    result: Json = {}
    for number, value in _wire(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.mark == "m":
            key, inner = _entry(field.type, value, depth)
            result.setdefault(field.name, {})[key] = inner
            continue
        decoded = _value(field.type, value, depth)
        if field.mark == "i":
            result.update(decoded)
        elif field.mark == "r":
            result.setdefault(field.name, []).append(decoded)
        else:
            result[field.name] = decoded
    return {key: value for key, value in result.items() if value not in ("", None)}


def _entry(kind: str, value: int | bytes, depth: int) -> tuple[str, Any]:
    if isinstance(value, int):
        raise ValueError("the body has a malformed map")
    parts = dict(_wire(value))
    default: int | bytes = 0 if kind in ("bool", "int32", "int64") else b""
    return str(_value("string", parts.get(1, b""), depth)), _value(kind, parts.get(2, default), depth)


def _value(kind: str, value: int | bytes, depth: int) -> Any:
    if isinstance(value, int):
        if kind == "bool":
            return bool(value)
        return value - (1 << 64) if value >= 1 << 63 else value
    match kind:
        case "string":
            return value.decode("utf-8", "replace")
        case "bytes":
            return base64.b64encode(value).decode()
        case "double":
            return struct.unpack("<d", value)[0] if len(value) == 8 else 0.0
        case "meta.v1.Time" | "meta.v1.MicroTime":
            return _time(_message("meta.v1.Time", value, depth))
        case "util.intstr.IntOrString":
            inner = _message(kind, value, depth)
            return inner.get("strVal", "") if inner.get("type") else inner.get("intVal", 0)
        case "api.resource.Quantity":
            return _message(kind, value, depth).get("string", "0")
        case "runtime.RawExtension" | "meta.v1.FieldsV1":
            return json.loads(_raw(value, 1) or b"null")
        case "authentication.v1.ExtraValue" | "authorization.v1.ExtraValue":
            return _message(kind, value, depth).get("items", [])
    return _message(kind, value, depth + 1)


def _time(parts: Json) -> str | None:
    if not parts.get("seconds"):
        return None
    return datetime.fromtimestamp(parts["seconds"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

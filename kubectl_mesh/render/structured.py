"""JSON and YAML of a report, the same document in both."""

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from json.encoder import encode_basestring as quoted
from typing import Any

API_VERSION = "kubectl-mesh/v1alpha1"
_scalar = json.JSONEncoder(ensure_ascii=False).encode


def plain(value: Any) -> Any:
    """Turn a report into JSON values: dataclasses become objects with camelCase keys, absent (None) fields left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {camel(name): plain(item) for name, item in fields if item is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [plain(item) for item in items]
    return value


def camel(name: str) -> str:
    """Spell a field name as Kubernetes does: `service_account` becomes `serviceAccount`."""
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part.capitalize() for part in rest)


def document(kind: str, value: Any) -> dict[str, Any]:
    """Return a report of our own under its `apiVersion` and `kind`."""
    return {"apiVersion": API_VERSION, "kind": kind, **plain(value)}


def render(value: Any, *, form: str, indent: int = 4) -> str:
    """Return JSON values as text, `form` json or yaml, ended by a line break."""
    if form == "yaml":
        return to_yaml(value)
    return to_json(value, indent=indent) + "\n"


def to_json(value: Any, *, indent: int) -> str:
    """Return JSON values as indented text, the same that `json.dumps` writes, which takes three times as long."""
    parts: list[str] = []
    put, step = parts.append, " " * indent

    def write(value: Any, line: str) -> None:
        """Write a value whose own last line starts with `line`."""
        inner = line + step
        if isinstance(value, str):
            put(quoted(value))
        elif isinstance(value, dict) and value:
            before = "{" + inner
            for key, item in value.items():
                put(f"{before}{quoted(key if isinstance(key, str) else _scalar(key))}: ")
                write(item, inner)
                before = "," + inner
            put(line + "}")
        elif isinstance(value, (list, tuple)) and value:
            before = "[" + inner
            for item in value:
                put(before)
                write(item, inner)
                before = "," + inner
            put(line + "]")
        else:
            put(_scalar(value))

    write(value, "\n")
    return "".join(parts)


def to_yaml(value: Any) -> str:
    """Return JSON values as YAML, keys sorted as sigs.k8s.io/yaml sorts them."""
    import yaml

    text: str = yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=True, allow_unicode=True, width=10**6)
    return text

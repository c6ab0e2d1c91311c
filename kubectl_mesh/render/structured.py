"""JSON and YAML of a report, the same document in both."""

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

API_VERSION = "kubectl-mesh/v1alpha1"


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
    return json.dumps(value, indent=indent, ensure_ascii=False) + "\n"


def to_yaml(value: Any) -> str:
    """Return JSON values as YAML, keys sorted as sigs.k8s.io/yaml sorts them."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(value, Dumper=dumper, sort_keys=True, allow_unicode=True, width=10**6)
    return text

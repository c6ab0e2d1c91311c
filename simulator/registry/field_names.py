"""Fields of Istio's resources by their JSON names, whichever spelling a manifest has.

istiod reads a spec as a protobuf message, and protobuf's JSON knows a field by two names: `sniHosts` and, as the .proto
file has it, `sni_hosts`, which is how manifests of Istio's first years spell it. A field given under both names keeps
the JSON one.

istiod: pilot/pkg/config/kube/crd/conversion.go (FromJSON); golang/protobuf: jsonpb/decode.go.
"""

import re
from dataclasses import replace
from typing import Any

from simulator.manifests.shapes import shape_of
from simulator.model.resources import Resource
from simulator.model.wire import Json

_GROUP = ".istio.io"
_NESTED = (dict, list)


def with_json_names(resource: Resource) -> Resource:
    """Return the resource with its fields spelt as in JSON: itself, unless it spells one as protobuf does."""
    if not resource.group.endswith(_GROUP) or "spec" not in resource.document:
        return resource
    spec = resource.document["spec"]
    shape = shape_of(group=resource.group, kind=resource.kind) if _has_underscores(spec) else None
    if shape is None:
        return resource
    spelt = _spelt(spec, shape.get("spec"))
    return resource if spelt is spec else replace(resource, document={**resource.document, "spec": spelt})


def _has_underscores(value: Any) -> bool:
    """Tell whether any key has an underscore; few have, so this look is all that most resources cost."""
    if type(value) is dict:
        return any("_" in key or (type(item) in _NESTED and _has_underscores(item)) for key, item in value.items())
    return type(value) is list and any(type(item) in _NESTED and _has_underscores(item) for item in value)


def _spelt(value: Any, shape: Any) -> Any:
    """Spell the keys of a value of a shape; return the value itself when there is nothing to change."""
    if type(shape) is list and type(value) is list:
        items = [_spelt(item, shape[0]) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if type(shape) is not dict or type(value) is not dict:
        return value
    free = shape.get("*")
    spelt: Json = {}
    for key, item in value.items():
        name = key if free is not None else _json_name(key, shape)
        if name == key or name not in value:
            spelt[name] = _spelt(item, free or shape.get(name))
    same = spelt.keys() == value.keys() and all(spelt[key] is item for key, item in value.items())
    return value if same else spelt


def _json_name(key: str, fields: Json) -> str:
    if "_" not in key or key in fields:
        return key
    name = re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), key)
    return name if name in fields else key

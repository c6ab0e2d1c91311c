"""Unknown fields of Kubernetes' own kinds, in objects of files.

`kubernetes_fields.json` holds the types of the API server's OpenAPI document: `parts` are types, each with its `fields`
and, in `inner`, the number of the type of each field that is an object or a list of objects; `kinds` has the type of
each kind, `metadata` that of every object's metadata. `tests/unit/analysis/kubernetes_models.py` writes it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation.crd import Misfit, kinds, unknown_field
from simulator.validation.problems import Path


@dataclass(slots=True)
class _Part:
    fields: frozenset[str]
    inner: Mapping[str, "_Part"]


@cache
def _parts() -> Mapping[str, _Part]:
    """Return the type of each kind of Kubernetes by `apiVersion/kind`, and under the empty name that of all others."""
    import json
    from pkgutil import get_data

    document = json.loads(get_data(__name__, "kubernetes_fields.json") or b"{}")
    parts = [_Part(frozenset(each["fields"].split()), {}) for each in document["parts"]]
    for part, each in zip(parts, document["parts"], strict=True):
        part.inner = {field: parts[number] for field, number in each.get("inner", {}).items()}
    any_kind = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
    other = _Part(any_kind, {"metadata": parts[document["metadata"]]})
    return {key: parts[number] for key, number in document["kinds"].items()} | {"": other}


def is_written(resource: Resource) -> bool:
    """Tell whether a resource was written to a file, and not read from an API server, which may know more fields."""
    return bool(resource.origin.line) and "resourceVersion" not in (resource.document.get("metadata") or {})


def unknown_fields(resource: Resource) -> Iterator[Misfit]:
    """Yield fields that the API server does not know, below `spec` only of Kubernetes' own kinds."""
    part = _parts().get(f"{resource.api_version}/{resource.kind}")
    if part is None and (resource.group, resource.kind) in kinds():
        part = _parts()[""]
    if part is not None:
        yield from _unknown(resource.document, part, ())


def _unknown(value: Json, part: _Part, path: Path) -> Iterator[Misfit]:
    if not value.keys() <= part.fields:
        known = dict.fromkeys(sorted(part.fields))
        for field in value:
            if field not in part.fields:
                yield Misfit(path=(*path, field), text=unknown_field(field, known, path), is_unknown=True)
    for field, child in value.items():
        inner = part.inner.get(field)
        if inner is None:
            continue
        if type(child) is dict:
            yield from _unknown(child, inner, (*path, field))
        elif type(child) is list:
            for number, item in enumerate(child):
                if type(item) is dict:
                    yield from _unknown(item, inner, (*path, field, number))

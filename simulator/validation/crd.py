"""The API server's schema checks of Istio's and Gateway API's objects, by their CRDs.

`crd.json` holds them (Istio 1.30, Gateway API 1.5), parts that occur several times by number in `shared`. In it `p` are
fields, `a` items of a list, `m` values of a map with any keys, `r` required fields, `t` a type (s, i, n, b, x for a
number or text, o for anything), `e` allowed values, `lo`/`hi` a range, `re` a pattern, `n` least and greatest length,
`1` groups of fields of which one may be set. CEL rules are checked in `kubectl_mesh.analysis.crd_rules`.
"""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from simulator.model.go_text import quote
from simulator.model.resources import Resource, field_path
from simulator.model.wire import Json
from simulator.validation.problems import Path

_TYPES: Mapping[str, tuple[type, ...]] = {"s": (str,), "i": (int,), "n": (int, float), "b": (bool,), "x": (int, str)}
_WANTED = {"s": "a string", "i": "a whole number", "n": "a number", "b": "true or false", "x": "a number or a string"}
_NUMBERS = frozenset({_WANTED["i"], _WANTED["n"]})
_MEASURES: Mapping[type, str] = {str: "characters", list: "items", dict: "entries"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """One violation of a schema; `is_unknown` marks a field that the schema does not have."""

    path: Path
    text: str
    is_unknown: bool = False
    respelt: str = ""
    """The field's JSON name, where it is spelt as in protobuf."""
    overruled: bool = False
    """Whether a later field of the same group is given, which istiod's parser keeps instead."""
    is_unreadable: bool = False
    """Whether even Istio's own parser, which reads "80" as a number, cannot read the object."""


@dataclass(frozen=True, slots=True)
class _Table:
    shared: list[Json]
    kinds: dict[str, Json]


@cache
def _table() -> _Table:
    import json
    from pkgutil import get_data

    document = json.loads(get_data(__name__, "crd.json") or b"{}")
    return _Table(document["shared"], document["kinds"])


@cache
def kinds() -> frozenset[tuple[str, str]]:
    """Return (group, kind) of everything that is checked."""
    return frozenset((key.rpartition("/")[0], key.rpartition("/")[2]) for key in _table().kinds)


def misfits(resource: Resource) -> Iterator[Misfit]:
    """Yield what the API server refuses in `spec`, and fields that it would drop."""
    schema = _table().kinds.get(f"{resource.group}/{resource.kind}")
    spec = resource.document.get("spec")
    if schema is not None and spec is not None:
        yield from _check(spec, schema, ("spec",))


def as_istiod_reads(resource: Resource, given: Iterable[Misfit]) -> Resource:
    """Return a resource as istiod's parser reads it: with JSON names, and only the last field of each group."""
    document = None
    for misfit in given:
        if misfit.respelt or misfit.overruled:
            document = document or copy.deepcopy(resource.document)
            parent = _descend(document, misfit.path[:-1])
            value = parent.pop(misfit.path[-1])
            if misfit.respelt:
                parent.setdefault(misfit.respelt, value)
    return resource if document is None else replace(resource, document=document)


def _descend(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _check(value: Any, schema: Json | int, path: Path) -> Iterator[Misfit]:
    if isinstance(schema, int):
        schema = _table().shared[schema]
    kind = schema.get("t")
    if value is None or kind == "o":
        return
    if kind is not None:
        yield from _scalar(value, schema, kind, path)
    elif "a" in schema:
        if type(value) is not list:
            yield _wrong_type(value, "a list", path)
            return
        for number, item in enumerate(value):
            yield from _check(item, schema["a"], (*path, number))
    elif type(value) is not dict:
        yield _wrong_type(value, "a mapping", path)
        return
    elif "m" in schema:
        for key, item in value.items():
            yield from _check(item, schema["m"], (*path, key))
    elif "p" in schema:
        yield from _fields(value, schema, path)
    if "n" in schema and type(value) in _MEASURES:
        yield from _length(value, schema["n"], path)


def _fields(value: Json, schema: Json, path: Path) -> Iterator[Misfit]:
    known = schema["p"]
    for field, item in value.items():
        inner = known.get(field)
        if inner is None:
            text, respelt = unknown_field(str(field), known, path), _camel(str(field))
            respelt = respelt if respelt in known else ""
            yield Misfit(path=(*path, field), text=text, is_unknown=True, respelt=respelt)
        else:
            yield from _check(item, inner, (*path, field))
    for field in schema.get("r", ()):
        if value.get(field) is None:
            yield Misfit(path=path, text=f"{field_path((*path, field))} is required")
    for group in schema.get("1", ()):
        given = [field for field in group if value.get(field) is not None]
        for field in given[:-1]:
            text = f"{field_path(path)} has {' and '.join(given)}; only one is allowed"
            yield Misfit(path=(*path, field), text=text, overruled=True)


def _scalar(value: Any, schema: Json, kind: str, path: Path) -> Iterator[Misfit]:
    if type(value) not in _TYPES[kind]:
        yield _wrong_type(value, _WANTED[kind], path)
        return
    if "e" in schema and value not in schema["e"]:
        near = _nearest(str(value), [str(each) for each in schema["e"]])
        hint = f'; did you mean "{near}"?' if near else ""
        allowed = ", ".join(str(each) for each in schema["e"])
        text = f"{field_path(path)}: {quote(str(value))} is not one of {allowed}{hint}"
        yield Misfit(path=path, text=text, is_unreadable=True)
    if value < schema["lo"] if "lo" in schema else False:
        yield Misfit(path=path, text=f"{field_path(path)}: {value} is less than {schema['lo']}")
    if value > schema["hi"] if "hi" in schema else False:
        yield Misfit(path=path, text=f"{field_path(path)}: {value} is greater than {schema['hi']}")
    if "re" in schema and not _pattern(schema["re"]).search(value):
        yield Misfit(path=path, text=f"{field_path(path)}: {quote(value)} does not have the form {schema['re']}")


def _length(value: Any, limits: list[int | None], path: Path) -> Iterator[Misfit]:
    least, most = limits
    unit = _MEASURES[type(value)]
    if least and len(value) < least:
        yield Misfit(path=path, text=f"{field_path(path)} has {len(value)} {unit}, fewer than {least}")
    if most is not None and len(value) > most:
        yield Misfit(path=path, text=f"{field_path(path)} has {len(value)} {unit}, more than {most}")


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _wrong_type(value: Any, wanted: str, path: Path) -> Misfit:
    text = f"{field_path(path)} must be {wanted}, not {_shown(value)}"
    return Misfit(path=path, text=text, is_unreadable=not (wanted in _NUMBERS and _is_number(value)))


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?\d+", value, re.ASCII) is not None
    return isinstance(value, float) and value.is_integer()


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return quote(value) if isinstance(value, str) else str(value).lower()


def unknown_field(field: str, known: Json, path: Path) -> str:
    """Return the message about an unknown field of the part at `path`, with a suggestion."""
    near = _nearest(field, list(known))
    return f"{field_path((*path, field))} is not a field" + (f"; did you mean {near}?" if near else "")


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest) if rest else ""


def _nearest(word: str, known: list[str]) -> str:
    folded = {each.replace("_", "").lower(): each for each in known}
    if (same := folded.get(word.replace("_", "").replace("-", "").lower())) is not None:
        return same
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, n=1, cutoff=0.7)), "")

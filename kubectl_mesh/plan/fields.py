"""Explain how two versions of one Envoy resource differ, field by field."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from kubectl_mesh.reports.changes import FieldChange
from simulator.model.wire import Json

_KEYS = ("name", "cluster_name", "header", "key")


def field_changes(before: Json, after: Json) -> tuple[FieldChange, ...]:
    """Return the fields that differ, in the order of their paths.

    Items of a list are paired by their names where they have any: an inserted virtual host is one addition and not a
    change of every virtual host after it.
    """
    from deepdiff import DeepDiff

    difference = DeepDiff(*_differing(before, after), view="tree", threshold_to_diff_deeper=0)
    found = []
    for kind, levels in difference.items():
        for level in levels:
            old = None if kind.endswith("_added") else _plain(level.t1)
            new = None if kind.endswith("_removed") else _plain(level.t2)
            found.append(FieldChange(path=_path(level.path(output_format="list")), before=old, after=new))
    found += _reordered(before, after, "")
    return tuple(sorted(found, key=lambda change: change.path))


def _name_of(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    return next((str(item[key]) for key in _KEYS if isinstance(item.get(key), str)), None)


def _named(before: Any, after: Any) -> tuple[Any, Any]:
    """Turn two lists of distinctly named objects into objects, which DeepDiff pairs by key; anything else stays."""
    if not (isinstance(before, list) and isinstance(after, list)):
        return before, after
    names = _names(before, after)
    if names is None:
        return before, after
    old, new = (
        dict(zip(map(_Named, own), items, strict=True)) for own, items in zip(names, (before, after), strict=True)
    )
    return old, new


def _names(*lists: list[Any]) -> list[list[str]] | None:
    """Name the items of lists; namesakes are told apart by what they match. None where that is not enough."""
    several = {name for items in lists for name, count in Counter(map(_name_of, items)).items() if count > 1}
    if any(_name_of(item) is None for items in lists for item in items):
        return None
    found = [
        [f"{name}{_criteria(item)}" if name in several else str(name) for item in items for name in [_name_of(item)]]
        for items in lists
    ]
    return found if all(len(set(names)) == len(names) for names in found) else None


def _criteria(item: Any) -> str:
    """Write the values that a filter chain or a route matches, shortly: ` istio,… 8080 tls`."""
    match = item.get("filter_chain_match") or item.get("match") or {}
    return "".join(f" {_short(match[name])}" for name in sorted(match))


def _short(value: Any) -> str:
    if isinstance(value, list) and value:
        return f"{_short(value[0])}{',…' if len(value) > 1 else ''}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _differing(before: Any, after: Any) -> tuple[Any, Any]:
    """Return both values without the parts they share: DeepDiff looks long at what is equal."""
    before, after = _named(before, after)
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return before, after
    old = {key: value for key, value in before.items() if key not in after or after[key] != value}
    new = {key: value for key, value in after.items() if key not in before or before[key] != value}
    for key in old.keys() & new.keys():
        old[key], new[key] = _differing(old[key], new[key])
    return old, new


def _reordered(before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    """Yield the lists whose named items stand in another order: order decides among filters and routes."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() & after.keys():
            yield from _reordered(before[key], after[key], f"{path}.{key}" if path else key)
    if not (isinstance(before, list) and isinstance(after, list)):
        return
    names = _names(before, after)
    if names is None:
        return
    old, new = (dict(zip(*side, strict=True)) for side in zip(names, (before, after), strict=True))
    common = [name for name in old if name in new]
    now = [name for name in new if name in old]
    if common != now:
        yield FieldChange(path=f"{path} (order)", before=common, after=now)
    for name in common:
        yield from _reordered(old[name], new[name], f"{path}[{name}]")


class _Named(str):
    """A key made from the name of a list's item."""

    __slots__ = ()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value and all(isinstance(key, _Named) for key in value):
            return [_plain(item) for item in value.values()]
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _path(steps: list[Any]) -> str:
    return "".join(_segments(steps)).lstrip(".")


def _segments(steps: list[Any]) -> Iterator[str]:
    for step in steps:
        yield f"[{step}]" if isinstance(step, int | _Named) else f".{step}"

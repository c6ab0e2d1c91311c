"""The list operations that EnvoyFilter patches have in common, and copies that keep provenance.

istiod: pilot/pkg/networking/core/envoyfilter/util.go.
"""

from collections.abc import Callable, Sequence
from typing import Any

from simulator.model.envoy_types import knows
from simulator.model.wire import Json, Sourced
from simulator.xds.envoy_filter_patches import Patch
from simulator.xds.message_documents import merge_any, message_of

_OWN_TYPES = ("stats.", "istio.")
"""Packages of Istio's own filter configurations, which istiod knows too."""

Selects = Callable[[Json], bool]


def thawed(value: Any) -> Any:
    """Copy a document deeply, so that it can be changed; provenance stays."""
    if isinstance(value, dict):
        copy = {key: thawed(item) for key, item in value.items()}
        return Sourced(copy, value.source) if isinstance(value, Sourced) else copy
    return [thawed(item) for item in value] if isinstance(value, list) else value


def added(patch: Patch) -> Json:
    """Return a copy of a patch's value that knows where it came from."""
    return Sourced(thawed(patch.value), patch.source)


def edited(items: Sequence[Json], patch: Patch, selects: Selects, *, specific: bool) -> list[Json]:
    """Apply ADD, INSERT, REPLACE or REMOVE to a list; `specific` says that the patch names an element.

    Without an element to stand beside, an insertion goes to the list's end or beginning; there is nothing to replace or
    remove then.
    """
    position = next((index for index, item in enumerate(items) if selects(item)), None)
    match patch.operation:
        case "ADD":
            return [*items, added(patch)]
        case "INSERT_FIRST":
            return [added(patch), *items]
        case "INSERT_AFTER" if not specific:
            return [*items, added(patch)]
        case "INSERT_BEFORE" if not specific:
            return [added(patch), *items]
        case "REMOVE" if specific:
            return [item for item in items if not selects(item)]
    if position is None or not specific:
        return list(items)
    match patch.operation:
        case "INSERT_AFTER":
            return [*items[: position + 1], added(patch), *items[position + 1 :]]
        case "INSERT_BEFORE":
            return [*items[:position], added(patch), *items[position:]]
        case "REPLACE":
            return [*items[:position], added(patch), *items[position + 1 :]]
    return list(items)


class PatchPanic(Exception):
    """Two messages of different types met in a merge: istiod stops there, and what it has changed so far stays."""


def merged_configuration(mine: Json, theirs: Json) -> Json:
    """Merge two typed configurations; raise PatchPanic when they are of different types."""
    merged = merge_any(mine, theirs)
    if merged is not None:
        return merged
    if message_of(mine) != message_of(theirs) and _is_known(mine) and _is_known(theirs):
        raise PatchPanic
    return mine


def merge_filter(target: Json, patch: Json) -> Json:
    """Merge a filter: its name is overwritten, its configuration merged."""
    if "typed_config" not in target:
        return target
    result = {**target, "name": patch.get("name") or target.get("name", "")}
    if patch.get("typed_config"):
        result["typed_config"] = merged_configuration(target["typed_config"], patch["typed_config"])
    return Sourced(result, target.source) if isinstance(target, Sourced) else result


def _is_known(typed: Json) -> bool:
    name = message_of(typed)
    return knows(name) or name.startswith(_OWN_TYPES)

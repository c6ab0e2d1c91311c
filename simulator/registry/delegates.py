"""Merging the HTTP routes of a delegate VirtualService into the route that delegates to it.

istiod: pilot/pkg/model/virtualservice.go (MergeHTTPRoutes, hasConflict).
"""

from collections.abc import Sequence
from typing import Any

from simulator.model.wire import Json, Sourced, source_of

_INHERITED = (
    "rewrite",
    "directResponse",
    "timeout",
    "retries",
    "fault",
    "mirror",
    "mirrorPercent",
    "mirrorPercentage",
    "corsPolicy",
    "mirrors",
    "headers",
)
_STRINGS = ("uri", "scheme", "method", "authority")
_MAPS = ("headers", "withoutHeaders", "queryParams")


def merge_route(root: Json, route: Json) -> Sourced | None:
    """Merge a route of the delegate with the root route; None where it contradicts it."""
    matches = _merge_matches(root.get("match") or [], route.get("match") or [])
    if matches is None:
        return None
    result = {key: value for key, value in route.items() if key != "match"}
    if matches:
        result["match"] = matches
    if name := _joined(root.get("name"), route.get("name")):
        result["name"] = name
    for field in _INHERITED:
        if result.get(field) is None and root.get(field) is not None:
            result[field] = root[field]
    return Sourced(result, source_of(route))


def _merge_matches(roots: Sequence[Json], leaves: Sequence[Json]) -> list[Json] | None:
    if not roots or not leaves:
        return list(leaves or roots)
    merged: list[Json] = []
    for leaf in leaves:
        compatible = [root for root in roots if not _conflict(root, leaf)]
        if not compatible:
            return None
        merged += [_merge_match(root, leaf) for root in compatible]
    return merged


def _merge_match(root: Json, leaf: Json) -> Json:
    merged = dict(leaf)
    if name := _joined(root.get("name"), leaf.get("name")):
        merged["name"] = name
    for field in (*_STRINGS, "port", "sourceNamespace", "gateways", "statPrefix"):
        if not merged.get(field) and root.get(field):
            merged[field] = root[field]
    for field in (*_MAPS, "sourceLabels"):
        if root.get(field):
            merged[field] = {**root[field], **(leaf.get(field) or {})}
    return merged


def _joined(root: str | None, leaf: str | None) -> str:
    return "-".join(name for name in (root, leaf) if name)


def _conflict(root: Json, leaf: Json) -> bool:
    if any(_string_conflict(root.get(field), leaf.get(field)) for field in _STRINGS):
        return True
    for field in _MAPS:
        known = root.get(field) or {}
        if any(_string_conflict(known.get(key), value) for key, value in (leaf.get(field) or {}).items()):
            return True
    return _place_conflict(root, leaf)


def _place_conflict(root: Json, leaf: Json) -> bool:
    if bool(root.get("ignoreUriCase")) != bool(leaf.get("ignoreUriCase")):
        return True
    if root.get("port") and leaf.get("port") and root["port"] != leaf["port"]:
        return True
    if root.get("sourceNamespace") and leaf.get("sourceNamespace") != root["sourceNamespace"]:
        return True
    labels = root.get("sourceLabels") or {}
    if any(labels.get(key, value) != value for key, value in (leaf.get("sourceLabels") or {}).items()):
        return True
    gateways, chosen = root.get("gateways") or [], leaf.get("gateways") or []
    return bool(gateways and chosen and (len(gateways) < len(chosen) or not set(chosen) <= set(gateways)))


def _string_conflict(root: Any, leaf: Any) -> bool:
    """Tell whether a delegate's string match asks for something that the root's does not allow."""
    if root is None or leaf is None:
        return False
    if root.get("regex") and any(leaf.get(kind) for kind in ("regex", "prefix", "exact")):
        return True
    if leaf.get("regex") and any(root.get(kind) for kind in ("regex", "prefix", "exact")):
        return True
    if exact := root.get("exact"):
        return bool(leaf.get("prefix")) or leaf.get("exact") != exact
    if prefix := root.get("prefix"):
        for kind in ("prefix", "exact"):
            if leaf.get(kind):
                return not str(leaf[kind]).startswith(prefix)
    return True

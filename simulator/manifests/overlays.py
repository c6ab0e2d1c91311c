"""Merge a rendered injection template into a pod, as a strategic merge patch does.

Kubernetes: the patchMergeKey tags of core/v1 types; apimachinery's strategicpatch for the order (what the patch names
comes in its order; the others come before the first of these that they preceded, else after all). Mappings merge by
key, the lists below by the field that names their items, other lists are replaced. Neither document is changed.
"""

from collections.abc import Sequence
from typing import Any

from simulator.model.wire import Json

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "ports": "containerPort",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
}


def overlay(target: Json, patch: Json) -> Json:
    """Return `target` with `patch` on top of it."""
    merged = dict(target)
    for field, value in patch.items():
        merged[field] = _merged(merged.get(field), value, field)
    return merged


def _merged(below: Any, value: Any, field: str) -> Any:
    if isinstance(value, dict) and isinstance(below, dict):
        return overlay(below, value)
    key = _MERGE_KEYS.get(field)
    if key is None or not isinstance(value, list) or not isinstance(below, list):
        return value
    items = {item.get(key): item for item in below}
    patched = {item.get(key): overlay(items.get(item.get(key), {}), item) for item in value}
    names = _interleaved([name for name in items if name not in patched], list(patched), list(items))
    return [patched.get(name) or items[name] for name in names]


def _interleaved(others: Sequence[object], patched: Sequence[object], before: Sequence[object]) -> list[object]:
    """Put each of `others` before the first patched item that it preceded, or else after all of them."""
    place = {name: index for index, name in enumerate(before)}
    waiting, order = list(others), list[object]()
    for name in patched:
        while waiting and name in place and place[waiting[0]] < place[name]:
            order.append(waiting.pop(0))
        order.append(name)
    return [*order, *waiting]

"""Merge a rendered injection template into a pod, as a strategic merge patch does.

Kubernetes: the patchMergeKey tags of core/v1 types. Mappings merge by key, the lists below by the field that names
their items, other lists are replaced. Neither document is changed.
"""

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
    for item in value:
        name = item.get(key)
        items[name] = overlay(items[name], item) if name in items else item
    return list(items.values())

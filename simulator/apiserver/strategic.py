"""Strategic merge patch: lists of objects with an identity are merged item by item.

Kubernetes: staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go; the merge keys are those that the API
types declare (`patchMergeKey`), looked up here by the name of the field that holds the list.
"""

from typing import Any

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "ownerReferences": "uid",
    "conditions": "type",
    "secrets": "name",
    "webhooks": "name",
    "taints": "key",
    "resourceClaims": "name",
}
_SETS = frozenset({"finalizers", "podCIDRs"})


def _merge_key(field: str, items: list[Any]) -> str | None:
    if field == "ports":  # identified by containerPort in containers, by port in services, not at all in endpoints
        for key in ("containerPort", "port"):
            if any(isinstance(item, dict) and key in item for item in items):
                return key
        return None
    return _MERGE_KEYS.get(field)


def strategic_merge(document: Any, patch: Any, field: str = "") -> Any:
    """Return `document` with a strategic merge patch applied. `field` names what is being merged."""
    if isinstance(patch, dict):
        return _merge_objects(document, patch)
    if isinstance(patch, list):
        return _merge_lists(document, patch, field)
    return patch


def _merge_objects(document: Any, patch: dict[str, Any]) -> Any:
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if key == "$patch" or key.startswith("$setElementOrder/"):
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            target = key.partition("/")[2]
            result[target] = [item for item in result.get(target) or [] if item not in value]
        elif key == "$retainKeys":
            result = {name: kept for name, kept in result.items() if name in value}
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = strategic_merge(result.get(key), value, key)
    return result


def _merge_lists(document: Any, patch: list[Any], field: str) -> list[Any]:
    present = document if isinstance(document, list) else []
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if not (isinstance(item, dict) and "$patch" in item)]
    key = _merge_key(field, [*patch, *present])
    if key is None:
        return present + [item for item in patch if item not in present] if field in _SETS else patch
    result = list(present)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            continue
        place = next((i for i, old in enumerate(result) if isinstance(old, dict) and old.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            if place is not None:
                del result[place]
        elif place is None:
            result.append(strategic_merge({}, item))
        else:
            result[place] = strategic_merge(result[place], item)
    return result

"""Cells that most tables have: names, ages, selectors."""

from datetime import datetime
from typing import Any

from simulator.apiserver.ages import age
from simulator.model.wire import Json

NONE = "<none>"


def get(document: Any, *path: str, default: Any = None) -> Any:
    """Follow a path through nested objects."""
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    return default if document is None else document


def created(document: Json, now: datetime) -> str:
    """Return the age of an object."""
    return age(get(document, "metadata", "creationTimestamp"), now)


def name(document: Json) -> str:
    """Return the name of an object."""
    return str(document["metadata"]["name"])


def pairs(labels: Any) -> str:
    """Print a label map as a selector."""
    if not isinstance(labels, dict) or not labels:
        return NONE
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def selector(document: Json) -> str:
    """Print the label selector of a workload."""
    selector = get(document, "spec", "selector", default={})
    texts = [] if not selector.get("matchLabels") else [pairs(selector["matchLabels"])]
    for each in selector.get("matchExpressions") or ():
        values = f" ({','.join(each.get('values') or ())})" if each.get("values") else ""
        texts.append(f"{each.get('key')} {str(each.get('operator', '')).lower()}{values}")
    return ",".join(texts) or NONE

"""Pods that were injected before: the injector removes what it added then, and adds it anew.

istiod: pkg/kube/inject/inject.go (stripPod), webhook.go (reinsertOverrides, mergeOrAppendProbers).
"""

import json
from collections.abc import Mapping
from typing import Any

from simulator.manifests.injection import STATUS
from simulator.manifests.probes import without_scraping
from simulator.model.wire import Json

OVERRIDES = "proxy.istio.io/overrides"
FIELDS = ("containers", "initContainers")


def was_injected(pod: Json) -> bool:
    """Tell whether the injector left its mark on a pod."""
    return STATUS in ((pod.get("metadata") or {}).get("annotations") or {})


def added_names(pod: Json, field: str) -> frozenset[str]:
    """Return the containers of a field that the injector added before."""
    status = _object(pod, STATUS).get(field)
    return frozenset(map(str, status)) if isinstance(status, list) else frozenset()


def kept_overrides(pod: Json, field: str) -> Mapping[str, Json]:
    """Return, by name, the user's settings for injected containers, as they were before injection."""
    kept = _object(pod, OVERRIDES).get(field)
    return {str(each.get("name")): each for each in kept if isinstance(each, dict)} if isinstance(kept, list) else {}


def stripped(pod: Json, *, status_port: int) -> Json:
    """Return a pod without the injector's additions, with the user's own settings in their place."""
    if not was_injected(pod):
        return pod
    metadata, spec = dict(pod.get("metadata") or {}), dict(pod.get("spec") or {})
    annotations = without_scraping(metadata.get("annotations") or {}, status_port=status_port)
    metadata["annotations"] = {name: value for name, value in annotations.items() if name != STATUS}
    for field in FIELDS:
        own = [each for each in spec.get(field) or () if each.get("name") not in added_names(pod, field)]
        names = {each.get("name") for each in own}
        spec[field] = [*own, *(one for name, one in kept_overrides(pod, field).items() if name not in names)]
    return {**pod, "metadata": metadata, "spec": spec}


def merged_probers(before: str, probers: str) -> str:
    """Merge two of the agent's tables of probes (JSON); entries of the earlier one win."""
    try:
        return json.dumps(dict(sorted({**json.loads(probers), **json.loads(before)}.items())), separators=(",", ":"))
    except (ValueError, TypeError):
        return before


def _object(pod: Json, annotation: str) -> Json:
    text = ((pod.get("metadata") or {}).get("annotations") or {}).get(annotation) or ""
    try:
        found: Any = json.loads(text)
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}

"""Events, one store for both of their APIs: fields of `events.k8s.io` have other names in the core API.

Kubernetes: pkg/apis/core/v1 and pkg/apis/events/v1 (conversion.go).
"""

from simulator.model.wire import Json

GROUP, CORE = "events.k8s.io", "v1"
_CORE_NAMES = {
    "deprecatedCount": "count",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedSource": "source",
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
}
_OTHER_NAMES = {core: name for name, core in _CORE_NAMES.items()}


def to_core(document: Json) -> Json:
    """Return an event as it is stored, in the form of the core API; fields under their newer names win."""
    renamed = {_CORE_NAMES[name]: value for name, value in document.items() if name in _CORE_NAMES}
    kept = {name: value for name, value in document.items() if name not in _CORE_NAMES}
    return kept | renamed | {"apiVersion": CORE}


def from_core(document: Json, api_version: str) -> Json:
    """Return a stored event in the form of the requested API."""
    if not api_version.startswith(f"{GROUP}/"):
        return document
    return {_OTHER_NAMES.get(name, name): value for name, value in document.items()} | {"apiVersion": api_version}

"""What an Envoy holds when faults keep it from holding what istiod sent: pure functions from dump to dump."""

import copy
import re
from collections.abc import Sequence
from typing import Any

from simulator.faults.model import Fault, FaultKind
from simulator.model.wire import Json

_SECTIONS = {
    "CDS": ("ClustersConfigDump", ("dynamic_active_clusters",), "cluster"),
    "LDS": ("ListenersConfigDump", ("dynamic_listeners",), "listener"),
    "RDS": ("RoutesConfigDump", ("dynamic_route_configs",), "route_config"),
    "EDS": ("EndpointsConfigDump", ("dynamic_endpoint_configs",), "endpoint_config"),
    "ECDS": ("EcdsConfigDump", ("ecds_filters",), "ecds_filter"),
}
_LISTENER = re.compile(r"listener\(s\) ([^\s:]+)")


def held(sent: Json, before: Json | None, fault: Fault) -> Json:
    """Return what a proxy with a fault holds. `before` is what it held when the fault began; None for nothing."""
    match fault.kind:
        case FaultKind.STALE | FaultKind.DISCONNECTED:
            return _kept(sent, before, fault.types)
        case FaultKind.REJECTED:
            return _with_error(_kept(sent, before, fault.types or ("LDS",)), fault)
        case FaultKind.NOT_SENT:
            return _without(sent, fault.types)
        case FaultKind.DRIFTED:
            return _drifted(sent, fault)
    return sent


def _replaced(dump: Json, name: str, section: Json) -> Json:
    configs = [section if _is(each, name) else each for each in dump.get("configs") or ()]
    return dump | {"configs": configs}


def _is(section: Json, name: str) -> bool:
    return str(section.get("@type", "")).endswith(f".{name}")


def _section(dump: Json, name: str) -> Json | None:
    return next((each for each in dump.get("configs") or () if _is(each, name)), None)


def _kept(sent: Json, before: Json | None, types: Sequence[str]) -> Json:
    if before is None:
        return sent
    for each in types or tuple(_SECTIONS):
        if each in _SECTIONS:
            section = _section(before, _SECTIONS[each][0])
            if section is not None:
                sent = _replaced(sent, _SECTIONS[each][0], section)
    return sent


def _without(sent: Json, types: Sequence[str]) -> Json:
    for each in types:
        if each in _SECTIONS:
            name, fields, _ = _SECTIONS[each]
            section = _section(sent, name)
            if section is not None:
                sent = _replaced(sent, name, {key: value for key, value in section.items() if key not in fields})
    return sent


def _with_error(dump: Json, fault: Fault) -> Json:
    """Note in the listener that the message names why its update was rejected: Envoy keeps that of listeners only."""
    named = set(_LISTENER.findall(fault.message))
    section = _section(dump, "ListenersConfigDump")
    if not named or section is None:
        return dump
    listeners = [
        each | {"error_state": {"details": fault.message}} if each.get("name") in named else each
        for each in section.get("dynamic_listeners") or ()
    ]
    return _replaced(dump, "ListenersConfigDump", section | {"dynamic_listeners": listeners})


def _drifted(sent: Json, fault: Fault) -> Json:
    if fault.types[0] not in _SECTIONS:
        return sent
    name, fields, inner = _SECTIONS[fault.types[0]]
    section = _section(sent, name)
    if section is None:
        return sent
    for field in fields:
        changed = [_changed(each, inner, fault) for each in section.get(field) or ()]
        section = section | {field: [each for each in changed if each is not None]}
    return _replaced(sent, name, section)


def _changed(entry: Json, inner: str, fault: Fault) -> Json | None:
    holder = entry.get("active_state") or entry
    resource = holder.get(inner) or {}
    if fault.resource not in (resource.get("name"), resource.get("cluster_name")):
        return entry
    if not fault.merge:
        return None
    entry = copy.deepcopy(entry)
    holder = entry.get("active_state") or entry
    holder[inner] = merged(holder[inner], fault.merge)
    return entry


def merged(target: Any, patch: Any) -> Any:
    """Return a document with a JSON merge patch applied (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found

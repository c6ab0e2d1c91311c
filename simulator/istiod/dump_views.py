"""The parts of a config dump selected by the parameters of `/config_dump`: mask, resource, name_regex, include_eds.

Envoy: source/server/admin/config_dump_handler.cc, docs/root/operations/admin.rst.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simulator.model.wire import Json

ENDPOINTS = "EndpointsConfigDump"
_PREFIX = "type.googleapis.com/envoy.admin.v3."
_ELEMENTS = {
    "static_clusters": "ClustersConfigDump.StaticCluster",
    "dynamic_active_clusters": "ClustersConfigDump.DynamicCluster",
    "dynamic_warming_clusters": "ClustersConfigDump.DynamicCluster",
    "static_listeners": "ListenersConfigDump.StaticListener",
    "dynamic_listeners": "ListenersConfigDump.DynamicListener",
    "static_route_configs": "RoutesConfigDump.StaticRouteConfig",
    "dynamic_route_configs": "RoutesConfigDump.DynamicRouteConfig",
    "static_secrets": "SecretsConfigDump.StaticSecret",
    "dynamic_active_secrets": "SecretsConfigDump.DynamicSecret",
    "dynamic_warming_secrets": "SecretsConfigDump.DynamicSecret",
    "static_endpoint_configs": "EndpointsConfigDump.StaticEndpointConfig",
    "dynamic_endpoint_configs": "EndpointsConfigDump.DynamicEndpointConfig",
    "ecds_filters": "EcdsConfigDump.EcdsFilterConfig",
}


class NoSuchResource(Exception):
    """`resource` names no repeated field of the dump."""


def section(dump: Json, name: str) -> Json:
    """Return a section of a dump by the last part of its type; empty when it is missing."""
    for each in dump.get("configs") or ():
        if str(each.get("@type", "")).endswith(f".{name}"):
            return dict(each)
    return {}


def view(dump: Json, query: Mapping[str, str]) -> Json:
    """Return the parts of a dump that the parameters of a query select. Raises NoSuchResource."""
    configs: Sequence[Json] = dump.get("configs") or ()
    if "include_eds" not in query:
        configs = [each for each in configs if not str(each.get("@type", "")).endswith(ENDPOINTS)]
    paths = [path.split(".") for path in query.get("mask", "").split(",") if path]
    wanted = query.get("resource", "")
    if wanted:
        configs = _elements(configs, wanted)
    if "name_regex" in query:
        configs = _named(configs, re.compile(query["name_regex"]))
    if paths:
        configs = [masked for each in configs if len(masked := _mask(each, paths)) > 1]
    return {"configs": list(configs)}


def _elements(configs: Sequence[Json], name: str) -> list[Json]:
    if name not in _ELEMENTS:
        raise NoSuchResource(name)
    return [{"@type": _PREFIX + _ELEMENTS[name]} | element for each in configs for element in each.get(name) or ()]


def _mask(document: Json, paths: Iterable[Sequence[str]]) -> Json:
    kept: Json = {"@type": document["@type"]} if "@type" in document else {}
    below: dict[str, list[Sequence[str]]] = {}
    for path in paths:
        below.setdefault(path[0], []).append(path[1:])
    for field, rest in below.items():
        if field not in document:
            continue
        value = document[field]
        kept[field] = value if any(not path for path in rest) else _mask_value(value, rest)
    return kept


def _mask_value(value: Any, paths: Sequence[Sequence[str]]) -> Any:
    if isinstance(value, dict):
        return _mask(value, paths)
    if isinstance(value, list):
        return [_mask_value(each, paths) for each in value]
    return value


def _named(configs: Sequence[Json], pattern: re.Pattern[str]) -> list[Json]:
    found = []
    for each in configs:
        if "bootstrap" in each:
            found.append(each)
            continue
        kept = {
            field: [element for element in value if pattern.search(_name(element))]
            if isinstance(value, list)
            else value
            for field, value in each.items()
        }
        found.append(kept)
    return found


def _name(element: Json) -> str:
    if "name" in element:
        return str(element["name"])
    for field in ("cluster", "listener", "route_config", "secret", "endpoint_config", "ecds_filter"):
        if field in element:
            return str(element[field].get("name") or element[field].get("cluster_name") or "")
    state = element.get("active_state") or {}
    return str((state.get("listener") or {}).get("name", ""))

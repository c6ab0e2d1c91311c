"""DestinationRule consistent hashing → route hash policies.

istiod: pilot/pkg/networking/core/route/route.go (consistentHashToHashPolicy, HashForHTTPDestination).
"""

import json
from collections.abc import Sequence

from simulator.model.wire import Json
from simulator.registry.scopes import DestinationRule
from simulator.registry.snapshot import Snapshot
from simulator.xds.durations import duration


def uses_hash(snapshot: Snapshot, rule: DestinationRule) -> bool:
    """Tell whether any policy of a rule hashes consistently; most do not, and need no closer look."""
    return '"consistentHash"' in json.dumps(rule.spec)


def service_hash(rule: DestinationRule | None, port: int) -> str:
    """Return the consistent hash of a service port that no VirtualService routes; port settings come first.

    The hash is canonical JSON, so that it can be part of a dependence; empty where there is none.
    """
    if rule is None:
        return ""
    policy = rule.spec.get("trafficPolicy") or {}
    return _text(_of_port(policy, port) or _consistent_hash(policy))


def destination_hash(rule: DestinationRule | None, destination: Json) -> str:
    """Return the consistent hash of a route destination: subset port, subset, port, then the rule as a whole."""
    if rule is None:
        return ""
    policy = rule.spec.get("trafficPolicy") or {}
    port = (destination.get("port") or {}).get("number")
    name = destination.get("subset") or ""
    subsets: Sequence[Json] = rule.spec.get("subsets") or ()
    subset = next((subset for subset in subsets if (subset.get("name") or "") == name), {})
    subset_policy = subset.get("trafficPolicy") or {}
    candidates = (
        _of_port(subset_policy, port),
        _consistent_hash(subset_policy),
        _of_port(policy, port),
        _consistent_hash(policy),
    )
    return _text(next((candidate for candidate in candidates if candidate is not None), None))


def hash_policy(text: str) -> Json | None:
    """Translate a consistent hash as `service_hash` and `destination_hash` return it; None without a key."""
    if not text:
        return None
    settings: Json = json.loads(text)
    if settings.get("httpHeaderName") is not None:
        return {"header": {"header_name": settings["httpHeaderName"]}}
    if settings.get("httpCookie") is not None:
        return {"cookie": _cookie(settings["httpCookie"])}
    if settings.get("useSourceIp") is not None:
        return {"connection_properties": {"source_ip": True} if settings["useSourceIp"] else {}}
    if settings.get("httpQueryParameterName") is not None:
        return {"query_parameter": {"name": settings["httpQueryParameterName"]}}
    return None


def _cookie(cookie: Json) -> Json:
    result: Json = {"name": cookie.get("name", "")}
    if cookie.get("ttl") is not None:
        result["ttl"] = duration(cookie["ttl"])
    if cookie.get("path"):
        result["path"] = cookie["path"]
    if cookie.get("attributes"):
        result["attributes"] = [
            {key: attribute[key] for key in ("name", "value") if attribute.get(key)}
            for attribute in cookie["attributes"]
        ]
    return result


def _of_port(policy: Json, port: int | None) -> Json | None:
    for settings in policy.get("portLevelSettings") or ():
        if port is not None and (settings.get("port") or {}).get("number") == port:
            return _consistent_hash(settings)
    return None


def _consistent_hash(policy: Json) -> Json | None:
    value: Json | None = (policy.get("loadBalancer") or {}).get("consistentHash")
    return value


def _text(settings: Json | None) -> str:
    return "" if settings is None else json.dumps(settings, sort_keys=True)

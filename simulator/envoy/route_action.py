"""What a matched route does with a request: clusters and their shares, timeouts, retries, mirrors, header changes.

Envoy: source/common/router/config_impl.cc, route_components.proto (RouteAction). Cluster choice is part of route
selection, so it is made before the HTTP filters run.
"""

from dataclasses import dataclass
from typing import Any

from simulator.envoy.chance import percents, pick, runtime_percent
from simulator.envoy.documents import child, children, flag, integer, seconds, text
from simulator.envoy.header_mutation import response_changes
from simulator.envoy.route_match import Context
from simulator.envoy.timeouts import retry_policy_of
from simulator.model.traces import Share
from simulator.model.wire import Json

_DEFAULT_TIMEOUT = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The cluster a route leads to; `entry` is the weighted entry it came from, empty without weights."""

    cluster: str
    shares: tuple[Share, ...]
    because: str
    entry: Json


def choose_cluster(action: Json, context: Context) -> Choice:
    """Choose the cluster of a RouteAction; its name is empty when nothing has weight or a header is missing."""
    weighted = child(action, "weighted_clusters")
    if weighted:
        return weighted_choice(children(weighted, "clusters"), context)
    if "cluster_header" in action:
        header = text(action, "cluster_header")
        name = context.message.value(header) or ""
        return Choice(cluster=name, shares=_whole(name), because=f"header {header} names it", entry={})
    name = text(action, "cluster")
    return Choice(cluster=name, shares=_whole(name), because="the route's only cluster", entry={})


def weighted_choice(entries: list[Json], context: Context) -> Choice:
    """Choose one of several clusters by weight."""
    weights = [integer(entry, "weight") for entry in entries]
    names = [text(entry, "name") or (context.message.value(text(entry, "cluster_header")) or "") for entry in entries]
    shares = tuple(
        Share(cluster=name, percent=part) for name, part in zip(names, percents(weights), strict=True) if part
    )
    position = pick(weights, context.random)
    if position is None:
        return Choice(cluster="", shares=(), because="no cluster has any weight", entry={})
    part = percents(weights)[position]
    how = "the largest share" if context.random is None else f"random {context.random:g}"
    because = f"{how}: {part:g} % of requests" if len(shares) > 1 else "the only cluster with weight"
    return Choice(cluster=names[position], shares=shares, because=because, entry=entries[position])


def _whole(name: str) -> tuple[Share, ...]:
    return (Share(cluster=name, percent=100.0),) if name else ()


def mirrors(action: Json, virtual_host: Json) -> tuple[Share, ...]:
    """Return the clusters that get a copy, with the part of requests that is copied."""
    policies = children(action, "request_mirror_policies") or children(virtual_host, "request_mirror_policies")
    found = []
    for policy in policies:
        part = runtime_percent(child(policy, "runtime_fraction")) if "runtime_fraction" in policy else 100.0
        found.append(Share(cluster=text(policy, "cluster"), percent=part))
    return tuple(found)


def missing_cluster_status(action: Json) -> int:
    """Return the status for a cluster that the proxy does not have."""
    code = text(action, "cluster_not_found_response_code")
    return {"NOT_FOUND": 404, "1": 404, "INTERNAL_SERVER_ERROR": 500, "2": 500}.get(code, 503)


def describe_action(route: Json, virtual_host: Json, levels: list[Json]) -> dict[str, Any]:
    """Return what else a route means for a request, by name; only what is set."""
    action = child(route, "route")
    timeout = seconds(action, "timeout")
    retry = retry_policy_of(action, virtual_host)
    found: dict[str, Any] = {
        "timeout": "15s (default)" if timeout is None else (f"{timeout:g}s" if timeout else "none"),
        "retries": _retries(retry) if retry else None,
        "hash": [_hash(policy) for policy in children(action, "hash_policy")] or None,
        "response_headers": list(response_changes(levels)) or None,
        "upgrades": [text(item, "upgrade_type") for item in children(action, "upgrade_configs")] or None,
        "auto_host_rewrite": True if flag(action, "auto_host_rewrite") else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _retries(policy: Json) -> dict[str, Any]:
    per_try = seconds(policy, "per_try_timeout")
    found: dict[str, Any] = {"on": text(policy, "retry_on"), "attempts": integer(policy, "num_retries", 1)}
    if per_try:
        found["per_try_timeout"] = f"{per_try:g}s"
    codes = policy.get("retriable_status_codes")
    if codes:
        found["status_codes"] = codes
    return found


def _hash(policy: Json) -> str:
    for kind, field in (("header", "header_name"), ("cookie", "name"), ("query_parameter", "name")):
        if kind in policy:
            return f"{kind} {text(child(policy, kind), field)}"
    return "source IP" if "connection_properties" in policy else "filter state"


def upgrade_allowed(kind: str, manager: Json, action: Json) -> bool:
    """Tell whether an upgrade (or CONNECT) is enabled on the route, else on the connection manager."""
    for level in (action, manager):
        for item in children(level, "upgrade_configs"):
            if text(item, "upgrade_type").lower() == kind.lower():
                return flag(item, "enabled", default=True)
    return False


def header_levels(choice: Choice, route: Json, virtual_host: Json, configuration: Json) -> list[Json]:
    """Return the documents whose header changes apply, in the order in which they do."""
    levels = [level for level in (choice.entry, route, virtual_host, configuration) if level]
    return levels[::-1] if flag(configuration, "most_specific_header_mutations_wins") else levels

"""Which filter chains does a waypoint hold, and which connections does each receive?

istioctl: pkg/writer/envoy/configdump/listener.go (PrintRemoteListenerSummary). Its order within a matcher is that of a
Go map, that is random; here it is the order of the names.
"""

from collections.abc import Iterator

from kubectl_mesh.diagnosis.config_dump import ConfigDump, listed
from kubectl_mesh.diagnosis.listeners import (
    addresses,
    all_listeners,
    describe_chain_match,
    destination,
    filter_chains,
    port,
    protocol,
)
from kubectl_mesh.diagnosis.unstable_sort import sort_unstable
from kubectl_mesh.errors import NothingFound
from kubectl_mesh.reports import proxy_config as report
from kubectl_mesh.reports.tables import Table
from simulator.model.wire import Json

_WHOLE = (32, 128)


def table(dump: ConfigDump) -> Table[report.RemoteListenerRow]:
    """Return one row for each path of the matcher tree into each filter chain."""
    found = all_listeners(dump)
    if not found:
        raise NothingFound("no listeners found")
    rows = []
    for listener in sort_unstable(found, less=_less):
        chains = filter_chains(listener)
        name = f"envoy://{listener.get('name', '')}"
        if "internalListener" in listener and len(chains) == 1 and chains[0].get("name") == name:
            name = "internal"
        for chain in chains:
            for match in _ways_in(chain, listener):
                rows.append(
                    report.RemoteListenerRow(
                        listener=name, chain=str(chain.get("name", "")), match=match, destination=destination(chain)
                    )
                )
    return report.remote_listeners(tuple(rows))


def _less(one: Json, other: Json) -> bool:
    if "internalListener" in one and "internalListener" in other:
        return str(one.get("name", "")) < str(other.get("name", ""))
    return (port(one), addresses(one)[0], protocol(one)) < (port(other), addresses(other)[0], protocol(other))


def _ways_in(chain: Json, listener: Json) -> list[str]:
    matcher, name = listener.get("filterChainMatcher"), str(chain.get("name", ""))
    if matcher is None:
        return [describe_chain_match(chain)]
    otherwise = matcher.get("onNoMatch") or {}
    if "matcher" in otherwise:
        return _paths(name, otherwise["matcher"]) or ["NONE"]
    if "action" in otherwise and otherwise["action"].get("name", "") == name:
        return ["UNMATCHED"]
    return _paths(name, matcher) or ["NONE"]


def _paths(name: str, matcher: Json) -> list[str]:
    """Return the paths through a matcher tree to the action `name`; empty when none leads there."""
    otherwise = matcher.get("onNoMatch") or {}
    if "action" in otherwise and otherwise["action"].get("name", "") == name:
        return ["ANY"]
    if "matcher" in otherwise:
        return _paths(name, otherwise["matcher"]) or ["NONE"]
    tree = matcher.get("matcherTree") or {}
    source = (tree.get("input") or {}).get("name", "")
    found = []
    for sign, key, target in _branches(tree):
        step = f"{source}{sign}{key}"
        if "action" in target:
            found += [step] if target["action"].get("name", "") == name else []
        elif "matcher" in target:
            found += [f"{step} -> {rest}" for rest in _paths(name, target["matcher"])]
    return found


def _branches(tree: Json) -> Iterator[tuple[str, str, Json]]:
    for field, sign in (("exactMatchMap", "="), ("prefixMatchMap", "^")):
        for key, target in sorted(((tree.get(field) or {}).get("map") or {}).items()):
            yield sign, key, target
    config = (tree.get("customMatch") or {}).get("typedConfig") or {}
    for ranges in listed(config.get("rangeMatchers")):
        for each in listed(ranges.get("ranges")):
            length = each.get("prefixLen") or 0
            suffix = "" if length in _WHOLE else f"/{length}"
            yield "=", f"{each.get('addressPrefix', '')}{suffix}", ranges.get("onMatch") or {}

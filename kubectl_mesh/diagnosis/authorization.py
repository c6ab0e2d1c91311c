"""Which authorization policies does a proxy enforce?

istioctl: pkg/authz/listener.go. Rules carry the name `ns[NAMESPACE]-policy[NAME]-rule[INDEX]`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kubectl_mesh.diagnosis.config_dump import ConfigDump, listed
from kubectl_mesh.diagnosis.listeners import HTTP_FILTER
from kubectl_mesh.reports.tables import Column, Table
from simulator.model.wire import Json

_RULE = re.compile(r"(?:istio-ext-authz-)?ns\[(.+)\]-policy\[(.+)\]-rule\[(.+)\]")
_EXTERNAL = "istio-ext-authz-"
_ANONYMOUS = "_anonymous_match_nothing_"
_HTTP_RBAC = "envoy.filters.http.rbac"
_TCP_RBAC = "envoy.filters.network.rbac"
_ACTIONS = ("DENY", "ALLOW", "LOG", "CUSTOM")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One policy, and how many of its rules a proxy holds."""

    action: str
    policy: str
    rules: int


_COLUMNS: tuple[Column[PolicyRow], ...] = (
    Column(header="ACTION", value=lambda row: row.action),
    Column(header="AuthorizationPolicy", value=lambda row: row.policy),
    Column(header="RULES", value=lambda row: str(row.rules)),
)


def table(dump: ConfigDump) -> Table[PolicyRow] | None:
    """Return the policies in a proxy's listeners, as istioctl counts them; None without an active listener."""
    section = dump.section("ListenersConfigDump", asked="failed to get dynamic listener dump")
    active = [
        listener
        for entry in listed(section.get("dynamicListeners"))
        if isinstance(listener := (entry.get("activeState") or {}).get("listener"), dict)
    ]
    if not active:
        return None
    policies: dict[str, set[str]] = {}
    rules: dict[str, set[str]] = {}
    for filter_ in (filter_ for listener in active for filter_ in _filters(listener)):
        for action, policy, rule in _entries(filter_):
            policies.setdefault(action, set()).add(policy)
            rules.setdefault(policy, set()).add(rule)
    rows = [
        PolicyRow(action=action, policy=policy, rules=len(rules[policy]))
        for action in _ACTIONS
        for policy in sorted(policies.get(action, ()))
    ]
    return Table(columns=_COLUMNS, rows=tuple(rows), padding=3)


def _filters(listener: Json) -> Iterator[Json]:
    """Yield the configuration of each RBAC filter; istioctl leaves out the default filter chain."""
    for chain in listed(listener.get("filterChains")):
        for filter_ in listed(chain.get("filters")):
            config = filter_.get("typedConfig") or {}
            if filter_.get("name") in (HTTP_FILTER, "envoy.http_connection_manager"):
                for http_filter in listed(config.get("httpFilters")):
                    if http_filter.get("name") == _HTTP_RBAC:
                        yield http_filter.get("typedConfig") or {}
            elif filter_.get("name") == _TCP_RBAC:
                yield config


def _entries(config: Json) -> Iterator[tuple[str, str, str]]:
    """Yield action, policy and rule for each rule of a filter, or one that says it matches nothing."""
    enforced = config.get("rules") or {}
    action = str(enforced.get("action") or "ALLOW")
    names = list(enforced.get("policies") or {})
    for name in names:
        yield action, *_split(name)
    for name in (config.get("shadowRules") or {}).get("policies") or {}:
        if name.startswith(_EXTERNAL):
            yield "CUSTOM", *_split(name)
    if not names:
        yield action, _ANONYMOUS, "0"


def _split(name: str) -> tuple[str, str]:
    found = _RULE.search(name)
    return (f"{found[2]}.{found[1]}", found[3]) if found else ("", "")

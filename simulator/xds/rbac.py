"""One rule of an AuthorizationPolicy → one RBAC policy.

istiod: pilot/pkg/security/authz/model/model.go, pilot/pkg/security/trustdomain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.model.wire import Json
from simulator.xds import rbac_attributes as attributes
from simulator.xds.rbac_attributes import Attribute, NotExpressible, RuleContext
from simulator.xds.trust_domains import expand_aliases, replace_aliases

NEVER: Json = {"permissions": [{"not_rule": {"any": True}}], "principals": [{"not_id": {"any": True}}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """An attribute with the values that are asked for and those that are ruled out."""

    key: str
    attribute: Attribute
    values: Sequence[str] = ()
    not_values: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.not_values)


def rule_policy(rule: Json, *, allow: bool, domains: Sequence[str], context: RuleContext) -> Json | None:
    """Translate one rule; None when it must be left out, which istiod does to fail towards refusing.

    In an ALLOW rule a condition that cannot be checked here removes the rule; other actions lose just the condition,
    and so apply to more.
    """
    conditions = _conditions(rule)
    if conditions is None:
        return None
    asked = [item for item in conditions if item.attribute.permission]
    required = [item for item in conditions if not item.attribute.permission]
    try:
        permissions = [
            _matchers([*_operation(to.get("operation") or {}), *asked], allow=allow, context=context)
            for to in rule.get("to") or [{}]
        ]
        principals = [
            _matchers(_migrated([*_source(item.get("source") or {}), *required], domains), allow=allow, context=context)
            for item in rule.get("from") or [{}]
        ]
    except ValueError:
        return None
    return {
        "permissions": [{"and_rules": {"rules": matchers or [{"any": True}]}} for matchers in permissions],
        "principals": [{"and_ids": {"ids": matchers or [{"any": True}]}} for matchers in principals],
    }


def _conditions(rule: Json) -> list[Condition] | None:
    found = []
    for entry in rule.get("when") or ():
        key = entry.get("key") or ""
        attribute = attributes.condition(key)
        if attribute is None:
            return None
        values, not_values = tuple(entry.get("values") or ()), tuple(entry.get("notValues") or ())
        found.append(Condition(key=key, attribute=attribute, values=values, not_values=not_values))
    return [item for item in found if item]


def _fields(document: Json, table: Sequence[tuple[str, Attribute]]) -> list[Condition]:
    found = [
        Condition(
            key=name,
            attribute=attribute,
            values=tuple(document.get(name) or ()),
            not_values=tuple(document.get(f"not{name[0].upper()}{name[1:]}") or ()),
        )
        for name, attribute in table
    ]
    return [item for item in found if item]


def _operation(operation: Json) -> list[Condition]:
    table = (
        ("hosts", attributes.HOSTS),
        ("methods", attributes.METHODS),
        ("paths", attributes.PATHS),
        ("ports", attributes.PORTS),
    )
    return _fields(operation, table)


def _source(source: Json) -> list[Condition]:
    table = (
        ("principals", attributes.PRINCIPAL),
        ("requestPrincipals", attributes.REQUEST_PRINCIPAL),
        ("serviceAccounts", attributes.SERVICE_ACCOUNT),
        ("trustDomains", attributes.TRUST_DOMAIN),
        ("namespaces", attributes.NAMESPACE),
        ("remoteIpBlocks", attributes.REMOTE_IP),
        ("ipBlocks", attributes.SOURCE_IP),
    )
    return _fields(source, table)


def _migrated(conditions: Sequence[Condition], domains: Sequence[str]) -> list[Condition]:
    """Let identities of the mesh's trust domain stand for its aliases too."""
    migrated = []
    for item in conditions:
        for attribute, change in ((attributes.PRINCIPAL, replace_aliases), (attributes.TRUST_DOMAIN, expand_aliases)):
            if item.attribute is attribute:
                item = replace(item, values=change(item.values, domains), not_values=change(item.not_values, domains))
        migrated.append(item)
    return migrated


def _matchers(conditions: Sequence[Condition], *, allow: bool, context: RuleContext) -> list[Json]:
    found = []
    for item in conditions:
        if asked := _joined(item, item.values, allow=allow, context=context):
            found.append(asked)
        if ruled_out := _joined(item, item.not_values, allow=allow, context=context):
            found.append({"not_rule" if item.attribute.permission else "not_id": ruled_out})
    return found


def _joined(item: Condition, values: Sequence[str], *, allow: bool, context: RuleContext) -> Json | None:
    """Combine the matchers of values with OR; None when no value can be checked."""
    attribute = item.attribute
    if not values:
        return None
    if attribute.http_only and context.tcp:
        _leave_out(item.key, whole_rule=allow)
        return None
    if attribute.whole is not None:
        try:
            return attribute.whole(item.key, values, context)
        except ValueError:
            _leave_out(item.key, whole_rule=allow)
            return None
    matchers = []
    for value in values:
        try:
            matchers.append(attribute.one(item.key, value, context) if attribute.one else {})
        except ValueError:
            _leave_out(item.key, whole_rule=allow)
    either = {"or_rules": {"rules": matchers}} if attribute.permission else {"or_ids": {"ids": matchers}}
    return either if matchers else None


def _leave_out(key: str, *, whole_rule: bool) -> None:
    if whole_rule:
        raise NotExpressible(key)

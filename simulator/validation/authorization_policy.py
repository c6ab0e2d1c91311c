"""Rules of an AuthorizationPolicy. istio: ValidateAuthorizationPolicy, and pkg/config/security/security.go."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation.problems import Problems, at, error, warning
from simulator.validation.rule_values import (
    attribute,
    not_empty,
    paths,
    ports,
    service_accounts,
    trust_domains,
    with_addresses,
)
from simulator.validation.selectors import policy_attachment

_SOURCES = (
    "principals",
    "requestPrincipals",
    "namespaces",
    "ipBlocks",
    "remoteIpBlocks",
    "serviceAccounts",
    "trustDomains",
)
_OPERATIONS = ("ports", "methods", "paths", "hosts")
_WITHOUT_HTTP = ("principals", "ipBlocks", "namespaces", "remoteIpBlocks", "serviceAccounts")
_NOT_CUSTOM = ("namespaces", "serviceAccounts", "trustDomains", "principals", "requestPrincipals")
_NOT_CUSTOM_KEYS = frozenset({"source.namespace", "source.serviceAccount", "source.trustDomain", "source.principal"})
_NEVER = (
    "{} action without `rules` is meaningless as it will never be triggered, add an empty rule `{{}}` if you want it "
    "be triggered for every request"
)
_ONLY_HTTP = (
    "configured AuthorizationPolicy will deny all traffic to TCP ports under its scope due to the use of only HTTP "
    "attributes in a DENY rule; it is recommended to explicitly specify the port"
)


def validate(resource: Resource) -> Problems:
    """Check an AuthorizationPolicy; errors name it first, as Istio's do."""
    prefix = f"invalid policy {resource.name}.{resource.namespace}:"
    for problem in at(("spec",), _spec(resource.spec)):
        yield problem if problem.is_warning else replace(problem, text=f"{prefix} {problem.text}")


def _spec(spec: Json) -> Problems:
    yield from policy_attachment(spec)
    action, rules, provider = spec.get("action") or "ALLOW", spec.get("rules"), spec.get("provider")
    if action == "CUSTOM":
        yield from _custom(rules, provider)
    if provider is not None and action != "CUSTOM":
        yield error(f"`provider` must not be with non CUSTOM action, found {action}", "provider")
    if action == "DENY" and not rules:
        yield error(_NEVER.format("DENY"))
    for number, rule in enumerate(rules or ()):
        yield from at(("rules", number), _rule(rule or {}, number, action))


def _custom(rules: Sequence[Json] | None, provider: Json | None) -> Problems:
    if not rules:
        yield error(_NEVER.format("CUSTOM"))
    elif not (provider or {}).get("name"):
        yield error("`provider.name` must not be empty", "provider")
    for number, rule in enumerate(rules or ()):
        for name, path in _unsupported(rule or {}):
            yield error(f"{name} is currently not supported with CUSTOM action", "rules", number, *path)


def _unsupported(rule: Json) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    for index, sender in enumerate(rule.get("from") or ()):
        source = sender.get("source") or {}
        for field in _NOT_CUSTOM:
            for name in (field, _negated(field)):
                if source.get(name):
                    yield f"From.{_go(name)}", ("from", index, "source", name)
    for index, condition in enumerate(rule.get("when") or ()):
        key = condition.get("key") or ""
        if key in _NOT_CUSTOM_KEYS or key.startswith("request.auth."):
            yield key, ("when", index, "key")


def _rule(rule: Json, number: int, action: str) -> Problems:
    where = f"found at rule {number}"
    sources = [sender.get("source") for sender in rule.get("from") or ()]
    operations = [target.get("operation") for target in rule.get("to") or ()]
    for index, source in enumerate(sources):
        yield from at(("from", index), _source(source, where))
    for index, operation in enumerate(operations):
        yield from at(("to", index), _operation(operation, where))
    for index, condition in enumerate(rule.get("when") or ()):
        yield from at(("when", index), _condition(condition))
    if action == "DENY" and _is_http_only(sources, operations):
        yield warning(_ONLY_HTTP)


def _is_http_only(sources: Sequence[Json | None], operations: Sequence[Json | None]) -> bool:
    """Tell whether a rule has no condition that TCP connections can fail, so that it denies all of them."""
    senders, targets = ([each for each in given if each is not None] for given in (sources, operations))
    if targets:
        return not any(_has(target, ("ports",)) for target in targets)
    return bool(senders) and not any(_has(sender, _WITHOUT_HTTP) for sender in senders)


def _has(part: Json, fields: Sequence[str]) -> bool:
    return any(part.get(name) for field in fields for name in (field, _negated(field)))


def _source(source: Json | None, where: str) -> Problems:
    if source is None:
        yield error(f"`from.source` must not be nil, {where}")
        return
    if _has(source, ("principals", "namespaces")) and _has(source, ("serviceAccounts",)):
        yield error(f"cannot set serviceAccounts with namespaces or principals, {where}", "source")
    if not _has(source, _SOURCES):
        yield error(f"`from.source` must not be empty, {where}", "source")
    checks = {"serviceAccounts": service_accounts, "trustDomains": trust_domains}
    for field in ("ipBlocks", "remoteIpBlocks"):
        for name in (field, _negated(field)):
            yield from at(("source", name), with_addresses(source.get(name) or ()))
    for field in _SOURCES:
        for name in (field, _negated(field)):
            check = checks.get(field, not_empty)
            yield from at(("source", name), check(_go(name), source.get(name) or ()))


def _operation(operation: Json | None, where: str) -> Problems:
    if operation is None:
        yield error(f"`to.operation` must not be nil, {where}")
        return
    if not _has(operation, _OPERATIONS):
        yield error(f"`to.operation` must not be empty, {where}", "operation")
    for name in ("ports", "notPorts"):
        yield from at(("operation", name), ports(operation.get(name) or ()))
    for field in _OPERATIONS:
        for name in (field, _negated(field)):
            yield from at(("operation", name), not_empty(_go(name), operation.get(name) or ()))
    for name in ("paths", "notPaths"):
        yield from at(("operation", name), paths(_go(name), operation.get(name) or ()))


def _condition(condition: Json) -> Problems:
    key = condition.get("key") or ""
    if not key:
        yield error("`key` must not be empty")
    elif not condition.get("values") and not condition.get("notValues"):
        yield error(f"at least one of `values` or `notValues` must be set for key {key}")
    else:
        for field, name in (("values", "value"), ("notValues", "notValue")):
            if problem := attribute(key, condition.get(field) or ()):
                yield error(f"invalid `{name}` for `key` {key}: {problem}", field)


@cache
def _negated(field: str) -> str:
    return f"not{_go(field)}"


@cache
def _go(field: str) -> str:
    return re.sub(r"\A[a-z]", lambda first: first[0].upper(), field)

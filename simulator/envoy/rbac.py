"""Role-based access control: which rule allows or denies a request or a connection.

Envoy: source/extensions/filters/common/rbac/{engine_impl,matchers}.cc, envoy/config/rbac/v3/rbac.proto. Policies are
tried in the order of their names; one matches when any of its permissions and any of its principals does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.envoy.addresses import describe_cidr, is_inside
from simulator.envoy.documents import NotSimulated, child, children, flag, integer, mapping, text, typed
from simulator.envoy.filter_chain_match import read_input
from simulator.envoy.headers import describe_header, matches_header
from simulator.envoy.matcher_tree import action_text, evaluate
from simulator.envoy.route_match import Context, matches_filter_state
from simulator.envoy.strings import describe_string, matches_metadata, matches_string
from simulator.envoy.uri_template import matches_template
from simulator.model.requests import Tls
from simulator.model.traces import Rejected
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a set of rules says. `policy` is the rule that matched, empty when none did."""

    allowed: bool
    policy: str
    because: str
    rejected: tuple[Rejected, ...] = ()
    document: Json | None = None


def judge(rules: Json, context: Context) -> Judgement:
    """Evaluate `rules` (an RBAC message); an absent action is ALLOW."""
    action = {"": "ALLOW", "0": "ALLOW", "1": "DENY", "2": "LOG"}.get(text(rules, "action"), text(rules, "action"))
    rejected: list[Rejected] = []
    for name, policy in sorted(mapping(rules, "policies").items()):
        reason = policy_mismatch(policy, context)
        if reason is None:
            allowed = action != "DENY"
            because = f"{action} policy {name} matches"
            return Judgement(allowed=allowed, policy=name, because=because, rejected=tuple(rejected), document=policy)
        rejected.append(Rejected(name=name, because=reason))
    allowed = action != "ALLOW"
    because = "no DENY policy matches" if action == "DENY" else f"no {action} policy matches"
    return Judgement(allowed=allowed, policy="", because=because, rejected=tuple(rejected))


def judge_matcher(matcher: Json, context: Context) -> Judgement:
    """Evaluate the matcher form of the rules; a request that nothing matches is denied."""
    action = evaluate(matcher, lambda kind, config: _read(kind, config, context))
    if action is None:
        return Judgement(allowed=False, policy="", because="the matcher matches nothing")
    _, config = typed(action)
    verdict = text(config, "action")
    name = text(config, "name") or action_text(action)
    return Judgement(
        allowed=verdict not in ("DENY", "1"), policy=name, because=f"{verdict or 'ALLOW'} by matcher {name}"
    )


def _read(kind: str, config: Json, context: Context) -> str | tuple[str, ...] | None:
    match kind:
        case "HttpRequestHeaderMatchInput":
            values = context.message.values(text(config, "header_name"))
            return ",".join(values) if values else None
        case "UriSanInput":
            return context.connection.identity or None
        case "FilterStateInput":
            return context.connection.request.filter_state.get(text(config, "key"))
    return read_input(kind, context.connection)


def policy_mismatch(policy: Json, context: Context) -> str | None:
    """Return why a policy does not match; None when it does."""
    permissions = children(policy, "permissions")
    if not any(permits(permission, context) for permission in permissions):
        return f"operation: needs {_any_of(permissions, _describe_permission)}"
    principals = children(policy, "principals")
    if not any(is_principal(principal, context) for principal in principals):
        return f"source: needs {_any_of(principals, _describe_principal)}"
    if policy.keys() & {"condition", "checked_condition"}:
        raise NotSimulated("condition: CEL conditions are not simulated")
    return None


def permits(permission: Json, context: Context) -> bool:
    """Evaluate a Permission."""
    for kind, check in _PERMISSIONS.items():
        if kind in permission:
            return check(permission, context)
    raise NotSimulated(f"permission: {', '.join(permission) or 'nothing'} is not simulated")


def is_principal(principal: Json, context: Context) -> bool:
    """Evaluate a Principal."""
    for kind, check in _PRINCIPALS.items():
        if kind in principal:
            return check(principal, context)
    raise NotSimulated(f"principal: {', '.join(principal) or 'nothing'} is not simulated")


def _url_path(matcher: Json, context: Context) -> bool:
    path = child(matcher, "url_path")
    return bool(context.message.path) and matches_string(child(path, "path"), context.message.path_only)


def _header(matcher: Json, context: Context) -> bool:
    return matches_header(child(matcher, "header"), context.message)


def _metadata(matcher: Json, context: Context) -> bool:
    return matches_metadata(child(matcher, "metadata"), context.metadata)


def _sourced_metadata(matcher: Json, context: Context) -> bool:
    sourced = child(matcher, "sourced_metadata")
    if text(sourced, "metadata_source") not in ("", "DYNAMIC", "0"):
        raise NotSimulated("sourced_metadata: only dynamic metadata is simulated")
    return matches_metadata(child(sourced, "metadata_matcher"), context.metadata)


def _server_name(permission: Json, context: Context) -> bool:
    return matches_string(child(permission, "requested_server_name"), context.connection.request.sni)


def _port_range(permission: Json, context: Context) -> bool:
    bounds = child(permission, "destination_port_range")
    return integer(bounds, "start") <= context.connection.destination_port < integer(bounds, "end")


def _uri_template(permission: Json, context: Context) -> bool:
    _, config = typed(child(permission, "uri_template"))
    return matches_template(text(config, "path_template"), context.message.path_only)


def _authenticated(principal: Json, context: Context) -> bool:
    if context.connection.request.tls is Tls.NONE:
        return False
    # TLS without a certificate has the name "", which only a pattern for everything matches
    wanted = child(child(principal, "authenticated"), "principal_name")
    return not wanted or matches_string(wanted, context.connection.identity)


def _custom(principal: Json, context: Context) -> bool:
    kind, config = typed(child(principal, "custom"))
    if kind == "Config" and config.keys() & {"san_matcher", "any_validated_client_certificate"}:
        names = child(config, "san_matcher")
        shown = context.connection.request.tls is Tls.MUTUAL
        if not shown or not names:
            return shown
        by_uri = text(names, "san_type") in ("URI", "3")
        return by_uri and matches_string(child(names, "matcher"), context.connection.identity)
    raise NotSimulated(f"principal: custom {kind} is not simulated")


Check = Callable[[Json, Context], bool]

_PERMISSIONS: Mapping[str, Check] = {
    "and_rules": lambda p, c: all(permits(rule, c) for rule in children(child(p, "and_rules"), "rules")),
    "or_rules": lambda p, c: any(permits(rule, c) for rule in children(child(p, "or_rules"), "rules")),
    "not_rule": lambda p, c: not permits(child(p, "not_rule"), c),
    "any": lambda p, c: flag(p, "any"),
    "header": _header,
    "url_path": _url_path,
    "destination_ip": lambda p, c: is_inside(child(p, "destination_ip"), c.connection.destination_ip),
    "destination_port": lambda p, c: integer(p, "destination_port") == c.connection.destination_port,
    "destination_port_range": _port_range,
    "metadata": _metadata,
    "sourced_metadata": _sourced_metadata,
    "requested_server_name": _server_name,
    "uri_template": _uri_template,
}

_PRINCIPALS: Mapping[str, Check] = {
    "and_ids": lambda p, c: all(is_principal(one, c) for one in children(child(p, "and_ids"), "ids")),
    "or_ids": lambda p, c: any(is_principal(one, c) for one in children(child(p, "or_ids"), "ids")),
    "not_id": lambda p, c: not is_principal(child(p, "not_id"), c),
    "any": lambda p, c: flag(p, "any"),
    "authenticated": _authenticated,
    "source_ip": lambda p, c: is_inside(child(p, "source_ip"), c.connection.source_ip),
    "direct_remote_ip": lambda p, c: is_inside(child(p, "direct_remote_ip"), c.connection.source_ip),
    "remote_ip": lambda p, c: is_inside(child(p, "remote_ip"), c.remote_ip or c.connection.source_ip),
    "header": _header,
    "url_path": _url_path,
    "metadata": _metadata,
    "sourced_metadata": _sourced_metadata,
    "filter_state": lambda p, c: matches_filter_state(child(p, "filter_state"), c),
    "custom": _custom,
}


def _any_of(items: list[Json], describe: Callable[[Json], str]) -> str:
    described = [describe(item) for item in items[:3]]
    return " or ".join(described) + (" or …" if len(items) > 3 else "") if described else "what nothing fulfils"


def _group(matcher: Json, field: str, items: str, describe: Callable[[Json], str]) -> str:
    word = " and " if field.startswith("and") else " or "
    inner = [describe(item) for item in children(child(matcher, field), items)]
    return word.join(inner) if len(inner) == 1 else f"({word.join(inner)})"


def _describe_permission(permission: Json) -> str:
    for field in ("and_rules", "or_rules"):
        if field in permission:
            return _group(permission, field, "rules", _describe_permission)
    if "not_rule" in permission:
        return f"not {_describe_permission(child(permission, 'not_rule'))}"
    if "destination_ip" in permission:
        return f"destination IP {describe_cidr(child(permission, 'destination_ip'))}"
    if "destination_port" in permission:
        return f"destination port {integer(permission, 'destination_port')}"
    if "requested_server_name" in permission:
        return f"server name {describe_string(child(permission, 'requested_server_name'))}"
    if "uri_template" in permission:
        return f"path fits {text(typed(child(permission, 'uri_template'))[1], 'path_template')}"
    return _describe_common(permission)


def _describe_principal(principal: Json) -> str:
    for field in ("and_ids", "or_ids"):
        if field in principal:
            return _group(principal, field, "ids", _describe_principal)
    if "not_id" in principal:
        return f"not {_describe_principal(child(principal, 'not_id'))}"
    for field, words in (
        ("source_ip", "peer IP"),
        ("direct_remote_ip", "peer IP"),
        ("remote_ip", "client IP"),
    ):
        if field in principal:
            return f"{words} {describe_cidr(child(principal, field))}"
    if "authenticated" in principal:
        return f"identity {describe_string(child(child(principal, 'authenticated'), 'principal_name'))}"
    if "filter_state" in principal:
        state = child(principal, "filter_state")
        return f"{text(state, 'key')} {describe_string(child(state, 'string_match'))}"
    return _describe_common(principal)


def _describe_common(matcher: Json) -> str:
    if "header" in matcher:
        return describe_header(child(matcher, "header"))
    if "url_path" in matcher:
        return f"path {describe_string(child(child(matcher, 'url_path'), 'path'))}"
    if "any" in matcher:
        return "anything"
    if "metadata" in matcher:
        path = ".".join(text(segment, "key") for segment in children(child(matcher, "metadata"), "path"))
        return f"{text(child(matcher, 'metadata'), 'filter')} {path}"
    return ", ".join(matcher)

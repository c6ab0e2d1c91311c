"""Whether a route takes a request: every condition of its match has to hold.

Envoy: source/common/router/config_impl.cc (matchRoute and the path matchers), route_components.proto (RouteMatch).
Paths are compared without query; a regular expression must match the whole path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.envoy.chance import happens, runtime_percent
from simulator.envoy.connections import Connection
from simulator.envoy.documents import NotSimulated, child, children, flag, text, typed
from simulator.envoy.headers import (
    Message,
    describe_header,
    describe_query,
    matches_header,
    matches_query,
    query_parameters,
)
from simulator.envoy.strings import full_match, matches_metadata, matches_string
from simulator.envoy.uri_template import matches_template
from simulator.model.requests import Tls
from simulator.model.traces import Rejected
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that matching and access rules may look at in one request."""

    connection: Connection
    message: Message
    remote_ip: str = ""
    """The client address that the proxy trusts, behind proxies before it."""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def random(self) -> float | None:
        """The number that decides what is left to chance."""
        return self.connection.request.random


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMatch:
    """The first route that takes a request, and its position; None when none does."""

    route: Json | None
    index: int | None
    because: str
    rejected: tuple[Rejected, ...] = ()


def match_route(virtual_host: Json, context: Context) -> RouteMatch:
    """Choose the first route of a virtual host that takes the request."""
    rejected: list[Rejected] = []
    for index, route in enumerate(children(virtual_host, "routes")):
        match = child(route, "match")
        reason = mismatch(match, context)
        if reason is None:
            return RouteMatch(route=route, index=index, because=describe(match), rejected=tuple(rejected))
        rejected.append(Rejected(name=route_name(route, index), because=reason))
    return RouteMatch(route=None, index=None, because="no route of the virtual host matches", rejected=tuple(rejected))


def route_name(route: Json, index: int) -> str:
    """Name a route for people; many have no name of their own."""
    return text(route, "name") or f"route {index}"


def mismatch(match: Json, context: Context) -> str | None:
    """Return the first condition of a RouteMatch that does not hold; None when all do."""
    message = context.message
    if "runtime_fraction" in match:
        chance = runtime_percent(child(match, "runtime_fraction"))
        if not happens(chance, context.random):
            return f"takes {chance:g} % of requests only"
    if "grpc" in match and not message.is_grpc:
        return "takes gRPC only"
    for condition in children(match, "headers"):
        if not matches_header(condition, message):
            return f"{describe_header(condition)}: {_shown(message, text(condition, 'name'))}"
    parameters = query_parameters(message.path) if "query_parameters" in match else {}
    for condition in children(match, "query_parameters"):
        if not matches_query(condition, parameters):
            return f"{describe_query(condition)}: does not hold"
    for condition in children(match, "cookies"):
        if not _cookie_matches(condition, message):
            return f"cookie {text(condition, 'name')}: does not hold"
    return _attributes_mismatch(match, context) or path_mismatch(match, message)


def _shown(message: Message, name: str) -> str:
    values = message.values(name)
    return f"it is {', '.join(values)}" if values else "it was not sent"


def _cookie_matches(matcher: Json, message: Message) -> bool:
    value = message.cookies.get(text(matcher, "name"))
    holds = value is not None and matches_string(child(matcher, "string_match"), value)
    return holds != flag(matcher, "invert_match")


def _attributes_mismatch(match: Json, context: Context) -> str | None:
    if "tls_context" in match:
        wanted = child(match, "tls_context")
        shown = context.connection.request.tls is Tls.MUTUAL
        for name in ("presented", "validated"):
            if name in wanted and flag(wanted, name) != shown:
                return f"client certificate {name}: {flag(wanted, name)}"
    for condition in children(match, "dynamic_metadata"):
        if not matches_metadata(condition, context.metadata):
            return f"metadata of {text(condition, 'filter')}: does not hold"
    for condition in children(match, "filter_state"):
        if not matches_filter_state(condition, context):
            return f"filter state {text(condition, 'key')}: does not hold"
    return None


def matches_filter_state(matcher: Json, context: Context) -> bool:
    """Evaluate a FilterStateMatcher on what an earlier listener handed over."""
    value = context.connection.request.filter_state.get(text(matcher, "key"))
    if value is None:
        return False
    if "string_match" in matcher:
        return matches_string(child(matcher, "string_match"), value)
    raise NotSimulated("filter_state: only string_match is simulated")


def path_mismatch(match: Json, message: Message) -> str | None:
    """Return why the path condition of a RouteMatch does not hold; None when it does."""
    path = message.path_only
    sensitive = flag(match, "case_sensitive", default=True)
    if "connect_matcher" in match:
        return None if message.method == "CONNECT" else "takes CONNECT only"
    if message.method == "CONNECT":
        return "does not take CONNECT"
    subject = path if sensitive else path.lower()

    def folded(field: str) -> str:
        wanted = text(match, field)
        return wanted if sensitive else wanted.lower()

    if "path" in match:
        return None if subject == folded("path") else f"path is not {text(match, 'path')}"
    if "path_separated_prefix" in match:
        prefix = folded("path_separated_prefix")
        fits = subject == prefix or subject.startswith(f"{prefix}/")
        return None if fits else f"path is not {prefix} or below it"
    if "safe_regex" in match:
        pattern = text(child(match, "safe_regex"), "regex")
        return None if full_match(pattern, path) else f"path does not match {pattern}"
    if "path_match_policy" in match:
        return _policy_mismatch(child(match, "path_match_policy"), path)
    prefix = folded("prefix")
    return None if subject.startswith(prefix) else f"path does not start with {text(match, 'prefix')}"


def _policy_mismatch(policy: Json, path: str) -> str | None:
    kind, config = typed(policy)
    if kind != "UriTemplateMatchConfig":
        raise NotSimulated(f"path_match_policy: {kind or 'an unnamed type'} is not simulated")
    template = text(config, "path_template")
    return None if matches_template(template, path) else f"path does not fit {template}"


def describe(match: Json) -> str:
    """Print a RouteMatch for people."""
    parts = [_describe_path(match)]
    parts += [describe_header(condition) for condition in children(match, "headers")]
    parts += [describe_query(condition) for condition in children(match, "query_parameters")]
    parts += ["gRPC"] if "grpc" in match else []
    return ", ".join(parts)


def _describe_path(match: Json) -> str:
    folded = "" if flag(match, "case_sensitive", default=True) else " in any case"
    if "connect_matcher" in match:
        return "CONNECT"
    if "safe_regex" in match:
        return f"path matches {text(child(match, 'safe_regex'), 'regex')}"
    if "path_match_policy" in match:
        return f"path fits {text(typed(child(match, 'path_match_policy'))[1], 'path_template')}"
    for field_name, words in (("path", "path is"), ("path_separated_prefix", "path is at or below")):
        if field_name in match:
            return f"{words} {text(match, field_name)}{folded}"
    prefix = text(match, "prefix")
    return "any path" if prefix == "/" else f"path starts with {prefix}{folded}"

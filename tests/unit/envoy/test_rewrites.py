"""Rewrites of paths and hosts by routes, and the locations of redirects."""

from typing import Any

import pytest

from simulator.envoy.connections import Connection
from simulator.envoy.header_mutation import mutate
from simulator.envoy.headers import Message
from simulator.envoy.rewrites import redirect_location, rewrite, rewritten_path
from simulator.envoy.route_match import Context
from simulator.envoy.timeouts import with_grpc_timeout
from simulator.model.requests import Request

REQUEST = Message(
    method="GET", path="/api/v1?q=1", authority="a.test:80", scheme="http", fields=(("x-forwarded-proto", "http"),)
)

SEEN = Context(
    connection=Connection(request=Request(source_ip="10.0.0.1", source_port=5)), message=REQUEST, remote_ip="1.2.3.4"
)


@pytest.mark.parametrize(
    ("action", "match", "result"),
    [
        ({"prefix_rewrite": "/"}, {"prefix": "/api"}, "//v1?q=1"),
        ({"prefix_rewrite": "/x"}, {"path": "/api/v1"}, "/x?q=1"),
        ({"prefix_rewrite": "/x"}, {"safe_regex": {"regex": ".*"}}, "/x?q=1"),
        ({"prefix_rewrite": "/x"}, {"path_separated_prefix": "/api"}, "/x/v1?q=1"),
        ({"regex_rewrite": {"pattern": {"regex": "^/api/(.*)"}, "substitution": "/\\1"}}, {}, "/v1?q=1"),
        ({}, {"prefix": "/"}, "/api/v1?q=1"),
    ],
)
def test_a_rewrite_replaces_what_matched(action: dict[str, Any], match: dict[str, Any], result: str) -> None:
    """A prefix rewrite replaces just the matched part, and the query stays."""
    assert rewritten_path(action, match, "/api/v1?q=1") == result


def test_a_template_puts_variables_where_they_belong() -> None:
    """A path template rewrite carries the variables over."""
    match = {"path_match_policy": {"typed_config": {"@type": "t/U", "path_template": "/api/{version}"}}}
    action = {"path_rewrite_policy": {"typed_config": {"@type": "t/R", "path_template_rewrite": "/{version}/api"}}}
    assert rewritten_path(action, match, "/api/v1?q=1") == "/v1/api?q=1"


def test_the_original_path_is_kept_in_a_header() -> None:
    """A rewrite changes host and path and leaves the old path in a header."""
    message = rewrite(REQUEST, {"prefix_rewrite": "/", "host_rewrite_literal": "b"}, {"prefix": "/api/"})
    assert (message.authority, message.path) == ("b", "/v1?q=1")
    assert message.value("x-envoy-original-path") == "/api/v1?q=1"


@pytest.mark.parametrize(
    ("action", "location"),
    [
        ({"path_redirect": "/new"}, "http://a.test:80/new?q=1"),
        ({"path_redirect": "/new?z=1"}, "http://a.test:80/new?z=1"),
        ({"https_redirect": True}, "https://a.test/api/v1?q=1"),
        ({"host_redirect": "b", "strip_query": True}, "http://b/api/v1"),
        ({"port_redirect": 8443, "scheme_redirect": "https"}, "https://a.test:8443/api/v1?q=1"),
        ({"prefix_rewrite": "/x"}, "http://a.test:80/x/v1?q=1"),
    ],
)
def test_a_redirect_keeps_what_it_does_not_replace(action: dict[str, Any], location: str) -> None:
    """Query, host and port stay unless replaced; a change of scheme drops only the old default port."""
    assert redirect_location(action, {"prefix": "/api"}, REQUEST) == location


def test_a_redirect_knows_the_old_protocol_in_any_case() -> None:
    """The default port goes with the protocol it belongs to, however that was spelt."""
    message = Message(
        method="GET", path="/", authority="a.test:443", scheme="http", fields=(("x-forwarded-proto", "HTTPS"),)
    )
    assert redirect_location({"path_redirect": "/n"}, {"prefix": "/"}, message) == "http://a.test/n"


def test_a_host_rewrite_to_nothing_leaves_the_host() -> None:
    """A pattern that leaves no text leaves the host as it is."""
    action = {"host_rewrite_path_regex": {"pattern": {"regex": ".*"}, "substitution": ""}}
    assert rewrite(REQUEST, action, {"prefix": "/"}).authority == "a.test:80"


def test_headers_are_removed_before_they_are_added() -> None:
    """Each level removes first and then adds; a later level sees what an earlier one did."""
    levels: list[dict[str, Any]] = [
        {
            "request_headers_to_remove": ["X-Forwarded-Proto"],
            "request_headers_to_add": [{"header": {"key": "x-a", "value": "%REQ(:authority)%"}}],
        },
        {
            "request_headers_to_add": [
                {"header": {"key": "x-a", "value": "2"}, "append_action": "ADD_IF_ABSENT"},
                {"header": {"key": "x-b", "value": "%PROTOCOL% 100%%"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"},
            ]
        },
    ]
    message, changes = mutate(REQUEST, levels, SEEN)
    assert message.fields == (("x-a", "a.test:80"), ("x-b", "HTTP/1.1 100%"))
    assert len(changes) == 4


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ({"header": {"key": "x-a", "value": "%DOWNSTREAM_REMOTE_ADDRESS%"}}, "1.2.3.4:0"),
        ({"header": {"key": "x-a", "value": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"}}, "10.0.0.1:5"),
        ({"header": {"key": "x-a", "value": "[%REQ(x-none)%%REQ(x-none?:method):2%]"}}, "[GE]"),
        ({"header": {"key": "x-a", "value": "%PATH(NQ)% %QUERY_PARAM(q)%"}}, "/api/v1 1"),
        ({"header": {"key": "x-a", "value": "%REQ(x-none)%"}}, None),
        ({"header": {"key": "x-a", "value": "%REQ(x-none)%"}, "keep_empty_value": True}, ""),
        ({"header": {"key": "x-a", "value": "%HOSTNAME%"}}, "%HOSTNAME%"),
    ],
)
def test_commands_in_values_are_answered(option: dict[str, Any], value: str | None) -> None:
    """Variables without a value are empty, and an empty header is not added unless it is to be kept."""
    assert mutate(REQUEST, [{"request_headers_to_add": [option]}], SEEN)[0].value("x-a") == value


def test_a_well_known_header_is_added_to_its_line() -> None:
    """A header that Envoy keeps once grows by a comma, any other by a line."""
    added = [{"header": {"key": name, "value": "new"}} for name in ("User-Agent", "x-a")]
    sent = REQUEST.with_field("user-agent", "old").with_field("x-a", "old")
    message = mutate(sent, [{"request_headers_to_add": added}], SEEN)[0]
    assert (message.values("user-agent"), message.values("x-a")) == (("old,new",), ("old", "new"))


def test_a_grpc_server_is_told_the_timeout_it_has() -> None:
    """A route's limit replaces a longer or missing gRPC timeout, and a timeout per try is shorter still."""
    grpc = REQUEST.with_field("content-type", "application/grpc")
    assert with_grpc_timeout(grpc, {"max_grpc_timeout": "4s"}, {}).value("grpc-timeout") == "4000m"
    assert with_grpc_timeout(grpc, {"max_grpc_timeout": "0s"}, {}).value("grpc-timeout") is None
    hurried = with_grpc_timeout(grpc, {"max_grpc_timeout": "4s"}, {"per_try_timeout": "1s"})
    assert hurried.value("grpc-timeout") == "1000m"
    assert with_grpc_timeout(REQUEST, {"max_grpc_timeout": "4s"}, {}) is REQUEST


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("5S", "5000m"),
        ("1500u", "2m"),
        ("0S", "0m"),
        ("99999999S", "99999999S"),
        ("5s", "5s"),
        ("123456789S", "123456789S"),
    ],
)
def test_a_grpc_timeout_that_counts_is_told_in_milliseconds(asked: str, told: str) -> None:
    """Where the route respects the client's timeout, it is rounded up to milliseconds; an invalid one is unchanged."""
    route = {"timeout": "0s", "max_stream_duration": {"max_stream_duration": "0s", "grpc_timeout_header_max": "0s"}}
    grpc = REQUEST.with_field("content-type", "application/grpc").with_field("grpc-timeout", asked)
    assert with_grpc_timeout(grpc, route, {}).value("grpc-timeout") == told

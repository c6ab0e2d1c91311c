"""Requests that the HTTP codecs refuse before routing, and how they read the others."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.envoy.config import Config
from simulator.envoy.connections import Connection
from simulator.envoy.http_connection import Accepted, accept
from simulator.envoy.http_routing import route_http
from simulator.model.requests import Request, Wire
from simulator.model.traces import StepKind

GET = Request(host="h", port=80, authority="h", source_ip="127.0.0.1", destination_ip="127.0.0.2")
BOTH_LENGTHS = "http1.content_length_and_chunked_not_allowed"
PLAIN: dict[str, Any] = {"normalize_path": True}


def sent(**changes: Any) -> Accepted:
    """Return what a manager makes of a request."""
    return accept(PLAIN, Connection(request=replace(GET, **changes)))


def refusal(**changes: Any) -> tuple[int, str]:
    """Return how a manager refuses a request."""
    refused = sent(**changes).refusal
    return (refused.status, refused.details) if refused else (0, "")


@pytest.mark.parametrize(
    ("target", "status", "details"),
    [
        ("*", 400, "http1.invalid_url"),
        ("x", 400, "http1.codec_error"),
        ("/a b", 400, "http1.codec_error"),
        ("/a\tb", 400, "http1.codec_error"),
        ("/a\x7f", 400, "http1.invalid_characters"),
        ("/\xe9", 400, "http1.codec_error"),
        ("http://h?a=b", 404, "absolute_path_rejected"),
        ("http:///a", 400, "http1.invalid_url"),
        ("http://h:bad/", 400, "http1.invalid_url"),
        ("http://h:65536/", 400, "http1.invalid_url"),
        ("http://h_x/a", 400, "http1.invalid_url"),
        ("http://u@v@h/a", 400, "http1.invalid_url"),
        ("http://[1::g]/", 400, "http1.invalid_url"),
        ("http://h#f", 400, "http1.codec_error"),
        ("ws://h/", 400, "http1.invalid_scheme"),
        ("ftp://h:bad/", 400, "http1.invalid_url"),
        ("/#f", 400, "path_normalization_failed"),
    ],
)
def test_a_target_is_refused_as_in_envoy(target: str, status: int, details: str) -> None:
    """What the parser does not take, and what Envoy then cannot read as a URL, have refusals of their own."""
    assert refusal(target=target) == (status, details)


@pytest.mark.parametrize(
    ("target", "authority", "path"),
    [
        ("/a\t", "h", "/a"),
        ("http://u:p@x.test:080/a", "x.test:080", "/a"),
        ("http://[::1]:8080/a", "[::1]:8080", "/a"),
        ("http://x.test.", "x.test.", "/"),
        ("HTTP://-x/a?b", "-x", "/a?b"),
    ],
)
def test_an_absolute_target_names_the_host(target: str, authority: str, path: str) -> None:
    """User and password are left out of the authority; case, port and trailing dot stay as they were sent."""
    message = sent(target=target).message
    assert (message.authority, message.path) == (authority, path)


@pytest.mark.parametrize(
    ("target", "details"),
    [("h", "http1.invalid_url"), ("/a", "http1.invalid_url"), ("u@h:80", "http1.invalid_url"), ("[::1]:80", "")],
)
def test_connect_wants_host_and_port(target: str, details: str) -> None:
    """The target of CONNECT is a host with a port and nothing else."""
    assert refusal(method="CONNECT", target=target)[1] == details


@pytest.mark.parametrize(
    ("headers", "status", "details"),
    [
        ((("x y", "1"),), 400, "http1.codec_error"),
        (((":path", "/x"),), 400, "http1.codec_error"),
        ((("x-a", "a\x01b"),), 400, "http1.invalid_characters"),
        ((("content-length", "+5"),), 400, "http1.codec_error"),
        ((("content-length", "0"), ("content-length", "0")), 400, "http1.codec_error"),
        ((("content-length", "0"), ("transfer-encoding", "chunked")), 400, BOTH_LENGTHS),
        ((("transfer-encoding", "gzip, chunked"),), 501, "http1.invalid_transfer_encoding"),
        ((("transfer-encoding", "Chunked"),), 0, ""),
        ((("connection", "x-forwarded-for"),), 400, "http1.connection_header_rejected"),
        ((("connection", ",".join("abcdefghij")),), 400, "http1.connection_header_rejected"),
        ((("connection", ",".join("abcdefghi")),), 0, ""),
        ((("connection", "host"),), 400, "missing_host_header"),
        ((("x-a", "v" * 62_000),), 431, "http1.headers_too_large"),
        (tuple((f"x-{n}", "") for n in range(100)), 431, "http1.too_many_headers"),
    ],
)  # fmt: skip
def test_headers_are_refused_as_in_envoy(headers: tuple[tuple[str, str], ...], status: int, details: str) -> None:
    """Names are tokens, lengths are one number, and only the connection's own headers may be named by it."""
    assert refusal(headers=headers) == (status, details)


def test_older_http_is_refused_unless_it_is_accepted() -> None:
    """HTTP/1.0 gets 426, before its missing host matters; where it is accepted, a default host is used."""
    old: dict[str, Any] = {"wire": Wire.HTTP10, "omits_host": True, "authority": ""}
    assert refusal(**old) == (426, "low_version")
    options = {"http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "d"}}
    assert accept(options, Connection(request=replace(GET, **old))).message.authority == "d"


def test_a_query_has_to_say_what_it_is() -> None:
    """A QUERY without Content-Type is refused, as its specification demands."""
    assert refusal(method="QUERY") == (400, "query_missing_content_type")
    assert refusal(method="QUERY", headers=(("content-type", "x/y"),)) == (0, "")


def test_lines_of_one_header_are_joined_where_envoy_keeps_one() -> None:
    """Well-known headers become one line, empty lines left out; any other header keeps its lines."""
    message = sent(headers=(("Origin", ""), ("origin", "a"), ("Origin", "b"), ("x-a", "1"), ("x-a", "2"))).message
    assert message.values("origin") == ("a,b",)
    assert message.values("x-a") == ("1", "2")


def test_headers_that_connection_names_do_not_go_on() -> None:
    """Headers of this connection alone are neither matched nor sent on, except those an upgrade needs."""
    named = (("connection", "x-a, TE"), ("x-a", "1"), ("te", "gzip, trailers"), ("x-b", "2"))
    message = sent(headers=named).message
    assert (message.value("x-a"), message.value("te"), message.value("x-b")) == (None, "trailers", "2")
    upgrade = sent(headers=(("connection", "upgrade, x-a"), ("upgrade", "websocket"), ("x-a", "1"))).message
    assert upgrade.value("x-a") == "1"


def test_an_empty_forwarded_protocol_finds_no_route() -> None:
    """Routes are not looked at when X-Forwarded-Proto is there and empty, though the virtual host is chosen."""
    routes = {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {}}]}]}
    request = replace(GET, headers=(("x-forwarded-proto", ""),))
    departure = route_http(Config(), {"route_config": routes}, Connection(request=request))
    assert (departure.verdict.status, departure.verdict.details) == (404, "route_not_found")


def test_a_refused_request_still_has_a_route_where_its_protocol_is_told() -> None:
    """A request refused for its path is matched as sent, if an earlier proxy stated the protocol."""
    routes = {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {}}]}]}
    manager = PLAIN | {"route_config": routes}
    for headers, route in ((), None), ((("x-forwarded-proto", "https"),), 0):
        departure = route_http(Config(), manager, Connection(request=replace(GET, target="/%00", headers=headers)))
        found = [step.index for step in departure.steps if step.kind is StepKind.ROUTE]
        assert (found[0] if found else None, departure.verdict.status) == (route, 400)


@pytest.mark.parametrize(("status", "location"), [(200, ""), (302, "http://h/p?q")])
def test_a_direct_response_that_redirects_names_the_same_place(status: int, location: str) -> None:
    """Envoy gives a direct response of a redirect's status the request's own URL."""
    route = {"match": {"prefix": "/"}, "direct_response": {"status": status, "body": {"inline_string": "no"}}}
    routes = {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [route]}]}
    verdict = route_http(Config(), {"route_config": routes}, Connection(request=replace(GET, target="/p?q"))).verdict
    assert (verdict.status, verdict.location, verdict.body) == (status, location, "no")


@pytest.mark.parametrize(("source", "internal"), [("10.1.2.3", "true"), ("192.168.0.1", None)])
def test_only_the_operators_own_addresses_are_internal(source: str, internal: str | None) -> None:
    """The client's claim to be internal is ignored; no address is internal unless it is configured."""
    own = {"internal_address_config": {"cidr_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]}}
    request = replace(GET, source_ip=source, headers=(("x-envoy-internal", "true"),))
    assert accept(own, Connection(request=request)).message.value("x-envoy-internal") == internal
    assert accept(PLAIN, Connection(request=request)).message.value("x-envoy-internal") is None


@pytest.mark.parametrize(
    ("forwarded", "trusted"),
    [
        ("1.2.3.4, 5.6.7.8", "5.6.7.8"),
        ("5.6.7.8, bad", "127.0.0.1"),
        ("5.6.7.8:80", "127.0.0.1"),
        ("[2001:db8::1]", "127.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("", "127.0.0.1"),
    ],
)
def test_the_address_that_a_proxy_told_has_to_be_one(forwarded: str, trusted: str) -> None:
    """The last address of X-Forwarded-For counts; where it is none, the peer's own does."""
    assert sent(headers=(("x-forwarded-for", forwarded),)).remote_ip == trusted


def test_datagrams_need_the_path_that_is_theirs() -> None:
    """An upgrade to CONNECT-UDP is refused before routing unless its path is the well-known one."""
    upgrade = (("connection", "upgrade"), ("upgrade", "connect-udp"))
    assert refusal(headers=upgrade) == (404, "invalid_path")
    assert refusal(headers=upgrade, target="/.well-known/masque/udp/h/80/") == (0, "")


def test_escaped_slashes_can_be_redirected() -> None:
    """The client is redirected to the normalised path."""
    routes = {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": []}]}
    manager = PLAIN | {"path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT", "route_config": routes}
    verdict = route_http(Config(), manager, Connection(request=replace(GET, target="/a%2F..%2Fb?c=%2F"))).verdict
    assert (verdict.status, verdict.location) == (307, "/b?c=%2F")


@pytest.mark.parametrize(("host", "kept"), [("h:80", "h"), ("h:x", "h:x"), ("h:", "h:"), ("[::1]:80", "[::1]")])
def test_only_a_number_is_a_port_to_strip(host: str, kept: str) -> None:
    """A number after the last colon of the host is stripped."""
    request = replace(GET, authority=host)
    assert accept({"strip_any_host_port": True}, Connection(request=request)).message.authority == kept


def test_http2_has_its_own_framing() -> None:
    """HTTP/1's restrictions on methods do not apply to HTTP/2."""
    assert refusal(method="BREW") == (400, "http1.codec_error")
    assert refusal(method="BREW", wire=Wire.HTTP2) == (0, "")

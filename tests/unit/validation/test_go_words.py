"""Sentences that Istio's rules take from Go's libraries: URLs, durations, JSON, key sets and Envoy's messages."""

import pytest

from simulator.validation.envoy_message import problems_of
from simulator.validation.go_errors import duration_problem, parse_json
from simulator.validation.ip_addresses import prefix_problem
from simulator.validation.json_web_keys import keys
from simulator.validation.urls import parse

LISTENER_FILTER = "envoy.config.listener.v3.Filter"
PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


@pytest.mark.parametrize(
    ("text", "absolute", "scheme", "problem"),
    [
        ("https://a.example/keys", False, "https", ""),
        ("a.example/keys", False, "", ""),
        ("a.example/keys", True, "", 'parse "a.example/keys": invalid URI for request'),
        ("oci:x", True, "oci", ""),
        ("", True, "", 'parse "": empty url'),
        (":80", False, "", 'parse ":80": missing protocol scheme'),
        ("http://a:b/c", False, "", 'parse "http://a:b/c": invalid port ":b" after host'),
        ("http://[::1", False, "", "parse \"http://[::1\": missing ']' in host"),
        ("http://a b/", False, "", 'parse "http://a b/": invalid character " " in host name'),
        ("/a%zz", False, "", 'parse "/a%zz": invalid URL escape "%zz"'),
        ("a\nb", False, "", 'parse "a\\nb": net/url: invalid control character in URL'),
        ("1:b", False, "", 'parse "1:b": first path segment in URL cannot contain colon'),
    ],
)
def test_urls_are_read_as_go_does(text: str, absolute: bool, scheme: str, problem: str) -> None:
    """A URL has the scheme, or the problem, that net/url reports."""
    found = parse(text, absolute=absolute)
    assert (found.scheme, found.problem) == (scheme, problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1h30m", ""),
        ("-1.5s", ""),
        ("0", ""),
        ("", 'time: invalid duration ""'),
        ("apple", 'time: invalid duration "apple"'),
        ("5", 'time: missing unit in duration "5"'),
        ("0.5S", 'time: unknown unit "S" in duration "0.5S"'),
    ],
)
def test_durations_are_read_as_go_does(text: str, problem: str) -> None:
    """An invalid duration gets Go's error message."""
    assert duration_problem(text) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": [1]}', ""),
        ("xyz", "invalid character 'x' looking for beginning of value"),
        ("nope", "invalid character 'o' in literal null (expecting 'u')"),
        ("{} x", "invalid character 'x' after top-level value"),
        ('{"a": 1 "b"}', "invalid character '\"' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ('{"a"', "unexpected end of JSON input"),
        ("{a: 1}", "invalid character 'a' looking for beginning of object key string"),
    ],
)
def test_json_is_refused_as_go_does(text: str, problem: str) -> None:
    """Invalid JSON gets Go's error message."""
    assert parse_json(text)[1] == problem


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"keys": []}', []),
        ("{}", ["failed to parse sole key in key set: invalid key type from JSON ()"]),
        ("[]", ["expected '{', but got '['"]),
        ('{"keys": [{"kty": "x"}]}', ['failed to decode key #0 in "keys": invalid key type from JSON (x)']),
        (
            '{"keys": [{"kty": "RSA", "e": "AQAB"}]}',
            [
                'failed to decode key #0 in "keys": failed to unmarshal JSON into key (*jwk.rsaPublicKey): '
                "required field n is missing"
            ],
        ),
    ],
)
def test_key_sets_are_refused_as_istio_does(text: str, told: list[str]) -> None:
    """For a key set without readable keys, the error is that of the library that reads it."""
    assert [each.text for each in keys(text)] == [f"jwks parse error: failed to unmarshal JWK set: {t}" for t in told]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"name": "a", "typed_config": {"@type": PROXY, "stat_prefix": "x"}}, ""),
        ({"name": 3}, "Envoy filter: json: cannot unmarshal number into Go value of type string"),
        ({"typed_config": {}}, "Envoy filter: Any JSON doesn't have '@type'"),
        (
            {"typed_config": {"@type": PROXY, "wrong": 1}},
            f"Envoy filter: can't unmarshal Any nested proto {PROXY}: "
            'unknown field "wrong" in envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
        ),
        (
            {"typed_config": {"@type": PROXY, "idle_timeout": "5"}},
            f"Envoy filter: can't unmarshal Any nested proto {PROXY}: "
            'bad Duration: time: missing unit in duration "5"',
        ),
        (
            {"typed_config": {"@type": "a/envoy.config.filter.http.cors.v2.Cors"}},
            "referenced type unknown (hint: try using the v3 XDS API): "
            "Envoy filter: could not resolve Any message type: "
            "a/envoy.config.filter.http.cors.v2.Cors",
        ),
    ],
)
def test_messages_are_refused_as_istiod_does(value: object, told: str) -> None:
    """A value that does not fit Envoy's message gets the parser's first error message only."""
    assert [each.text for each in problems_of(LISTENER_FILTER, value)] == ([told] if told else [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("10.0.0.0/8", ""),
        ("fe80::/10", ""),
        ("::1.2.3.4/128", ""),
        ("10.0.0.0", "no '/'"),
        ("10.0.0.0/33", "prefix length out of range"),
        ("10.0.0.0/x", 'bad bits after slash: "x"'),
        ("10.0.0.256/8", 'ParseAddr("10.0.0.256"): IPv4 field has value >255'),
        ("10.0.0/8", 'ParseAddr("10.0.0"): IPv4 address too short'),
        ("10.01.0.0/8", 'ParseAddr("10.01.0.0"): IPv4 field has octet with leading zero'),
        ("a/8", 'ParseAddr("a"): unable to parse IP'),
        ("./8", 'ParseAddr("."): IPv4 field must have at least one digit (at ".")'),
        ("fe80::1::/8", 'ParseAddr("fe80::1::"): multiple :: in address (at ":")'),
        ("1:2/8", 'ParseAddr("1:2"): address string too short'),
        ("fe80:x::/8", 'ParseAddr("fe80:x::"): each colon-separated field must have at least one digit (at "x::")'),
    ],
)
def test_ranges_of_addresses_are_read_as_go_does(text: str, problem: str) -> None:
    """An invalid CIDR range gets Go's error message."""
    assert prefix_problem(text) == problem

"""Header and query parameter matchers."""

from typing import Any

import pytest

from simulator.envoy.headers import Message, matches_header, matches_query, query_parameters


def message(**fields: str) -> Message:
    """Return a request with some headers."""
    named = tuple((name.replace("_", "-"), value) for name, value in fields.items())
    return Message(method="GET", path="/p?q=1", authority="h", fields=named)


EXACT = {"name": "x-a", "string_match": {"exact": "1"}}


@pytest.mark.parametrize(
    ("matcher", "sent", "holds"),
    [
        (EXACT, {"x_a": "1"}, True),
        (EXACT, {"x_a": "2"}, False),
        (EXACT, {}, False),
        (EXACT | {"invert_match": True}, {"x_a": "2"}, True),
        (EXACT | {"invert_match": True}, {}, False),
        (EXACT | {"invert_match": True, "treat_missing_header_as_empty": True}, {}, True),
        ({"name": "x-a", "present_match": True}, {"x_a": ""}, True),
        ({"name": "x-a", "present_match": True}, {}, False),
        ({"name": "x-a", "present_match": True, "invert_match": True}, {}, True),
        ({"name": "x-a", "present_match": False}, {}, True),
        ({"name": "x-a"}, {"x_a": "1"}, True),
        ({"name": "x-a", "range_match": {"start": "-1", "end": "10"}}, {"x_a": "9"}, True),
        ({"name": "x-a", "range_match": {"start": 1, "end": 10}}, {"x_a": "10"}, False),
        ({"name": "x-a", "range_match": {"start": 1, "end": 10}}, {"x_a": "no"}, False),
        ({"name": "x-a", "prefix_match": "ab"}, {"x_a": "abc"}, True),
        ({"name": ":method", "string_match": {"exact": "GET"}}, {}, True),
    ],
)
def test_a_header_matcher_holds_as_in_envoy(matcher: dict[str, Any], sent: dict[str, str], holds: bool) -> None:
    """A header that is not sent fails conditions on its value, negated or not; presence can be negated."""
    assert matches_header(matcher, message(**sent)) is holds


def test_one_line_of_several_is_enough() -> None:
    """A header on several lines matches when any line does, but a line is not split at commas."""
    lines = Message(method="GET", path="/", authority="h", fields=(("x-a", "2"), ("x-a", "1")))
    assert matches_header(EXACT, lines)
    assert not matches_header(EXACT, message(x_a="2,1"))


def test_of_repeated_query_parameters_the_first_counts() -> None:
    """Query parameters are matched as sent, and the first of one name counts."""
    assert query_parameters("/p?a=1&a=2&b&c=%20#f") == {"a": "1", "b": "", "c": "%20"}
    assert matches_query({"name": "b", "present_match": True}, {"b": ""})
    assert not matches_query({"name": "a", "string_match": {"exact": "2"}}, {"a": "1"})
    assert not matches_query({"name": "z", "string_match": {"prefix": ""}}, {})


def test_cookies_are_read_without_their_quotes() -> None:
    """The first cookie of a name counts, and a part without an equals sign is not a cookie."""
    lines = Message(method="GET", path="/", authority="h", fields=(("cookie", 'a="1"; b'), ("cookie", "a=2; c=")))
    assert lines.cookies == {"a": "1", "c": ""}

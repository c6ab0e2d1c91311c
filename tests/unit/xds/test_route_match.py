from typing import Any

import pytest

from simulator.xds.route_match import is_catch_all, route_match


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ({"exact": "/a"}, {"path": "/a"}),
        ({"prefix": "/a/"}, {"prefix": "/a/"}),
        ({"regex": "/a.*"}, {"safe_regex": {"regex": "/a.*"}}),
        ({}, {"prefix": "/"}),
    ],
)
def test_kinds_of_path(uri: dict[str, str], path: dict[str, Any]) -> None:
    """Each kind of uri becomes its own path specifier, and case matters unless the rule says otherwise."""
    assert route_match({"uri": uri}) == {**path, "case_sensitive": True}


def test_ignores_case_when_told() -> None:
    """ignoreUriCase turns case sensitivity off explicitly."""
    assert route_match({"ignoreUriCase": True})["case_sensitive"] is False


def test_no_match_block_says_nothing_of_case() -> None:
    """A rule without match blocks matches every path and leaves case to Envoy's default."""
    assert route_match(None) == {"prefix": "/"}


@pytest.mark.parametrize(
    ("prefix", "path"),
    [("/a/", {"path_separated_prefix": "/a"}), ("/a", {"path_separated_prefix": "/a"}), ("/", {"prefix": "/"})],
)
def test_whole_path_elements(prefix: str, path: dict[str, str]) -> None:
    """Prefixes of Ingress and Gateway API match whole path elements, the root excepted."""
    assert route_match({"uri": {"prefix": prefix}}, separated_prefix=True) == {**path, "case_sensitive": True}


def test_order_of_header_matchers() -> None:
    """Headers are sorted by name, with and without mixed; method, authority and scheme follow in that order."""
    match = {
        "headers": {"z": {"exact": "1"}, "a": {"prefix": "2"}},
        "withoutHeaders": {"m": {"exact": "3"}},
        "scheme": {"exact": "https"},
        "authority": {"prefix": "shop"},
        "method": {"exact": "GET"},
    }
    names = [header["name"] for header in route_match(match)["headers"]]
    assert names == ["a", "m", "z", ":method", ":authority", ":scheme"]


@pytest.mark.parametrize("value", [None, {}, {"regex": "*"}])
def test_presence(value: dict[str, str] | None) -> None:
    """An empty header condition and an empty regex both match any header that is present."""
    assert route_match({"headers": {"x": value}})["headers"] == [{"name": "x", "present_match": True}]


def test_without_header_takes_missing_as_empty() -> None:
    """A header that must not have a value is inverted and a missing one counts as empty; absence needs no such word."""
    matched = route_match({"withoutHeaders": {"x": {"exact": "1"}, "y": {}}})["headers"]
    assert matched == [
        {
            "name": "x",
            "string_match": {"exact": "1"},
            "invert_match": True,
            "treat_missing_header_as_empty": True,
        },
        {"name": "y", "present_match": True, "invert_match": True},
    ]


@pytest.mark.parametrize("name", ["@request.auth.claims.realm.roles", "@request.auth.claims[realm][roles]"])
def test_claims_of_a_token(name: str) -> None:
    """A condition on a claim is a condition on metadata, for a single value and for a list of them."""
    (matcher,) = route_match({"headers": {name: {"exact": "admin"}}})["dynamic_metadata"]
    assert [step["key"] for step in matcher["path"]] == ["payload", "realm", "roles"]
    either = matcher["value"]["or_match"]["value_matchers"]
    assert either[1] == either[0]["list_match"]["one_of"] == {"string_match": {"exact": "admin"}}


@pytest.mark.parametrize(
    ("match", "everything"),
    [
        (None, True),
        ({}, True),
        ({"uri": {"prefix": "/"}}, True),
        ({"uri": {"regex": ".*"}}, True),
        ({"uri": {"prefix": "/a"}}, False),
        ({"headers": {"x": {}}}, False),
        ({"queryParams": {"q": {"exact": "1"}}}, False),
        ({"headers": {"@request.auth.claims.a": {"exact": "1"}}}, False),
    ],
)
def test_catch_all(match: dict[str, Any] | None, everything: bool) -> None:
    """Only a match without any condition takes every request."""
    assert is_catch_all({"match": route_match(match)}) is everything

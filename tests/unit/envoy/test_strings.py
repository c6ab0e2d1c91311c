"""String, regex and metadata matchers."""

import pytest

from simulator.envoy.documents import UnreadableDocument
from simulator.envoy.strings import full_match, matches_metadata, matches_string, matches_value, replace_all


@pytest.mark.parametrize(
    ("matcher", "subject", "holds"),
    [
        ({"exact": "a"}, "a", True),
        ({"exact": "a"}, "A", False),
        ({"exact": "a", "ignore_case": True}, "A", True),
        ({"prefix": "ab"}, "abc", True),
        ({"suffix": "bc"}, "abc", True),
        ({"contains": "b"}, "abc", True),
        ({"safe_regex": {"regex": "a.*"}}, "abc", True),
        ({"safe_regex": {"regex": "b"}}, "abc", False),
        ({}, "", True),
        ({}, "x", False),
    ],
)
def test_a_string_matcher_compares_as_envoy_does(matcher: dict[str, object], subject: str, holds: bool) -> None:
    """Each kind of string matcher holds for what it names, a regular expression only for the whole text."""
    assert matches_string(matcher, subject) is holds


def test_a_regex_matches_the_whole_text() -> None:
    """A regular expression that matches a part only does not match."""
    assert full_match("a+", "aaa")
    assert not full_match("a+", "aaab")


def test_a_regex_that_re2_refuses_is_named() -> None:
    """A pattern that RE2 does not know ends in an error that shows it."""
    with pytest.raises(UnreadableDocument, match="a\\(\\?="):
        full_match("a(?=b)", "a")


@pytest.mark.parametrize(
    ("pattern", "subject", "substitution", "result"),
    [
        ("^/api(/?)(.*)", "/api/v1", "/\\2", "/v1"),
        ("a", "banana", "o", "bonono"),
        (".*", "abc", "x", "x"),
        ("b*", "abc", "-", "-a-c-"),
        ("(a)(b)", "ab", "\\2\\1\\0", "baab"),
    ],
)
def test_every_match_is_replaced(pattern: str, subject: str, substitution: str, result: str) -> None:
    """All matches are replaced, groups stand for their text, and no empty match follows a match."""
    assert replace_all(pattern, subject, substitution) == result


def test_metadata_is_matched_along_its_path() -> None:
    """A metadata matcher follows its path, and a missing value matches only when it is inverted."""
    matcher = {"filter": "f", "path": [{"key": "a"}, {"key": "b"}], "value": {"string_match": {"exact": "x"}}}
    assert matches_metadata(matcher, {"f": {"a": {"b": "x"}}})
    assert not matches_metadata(matcher, {"f": {"a": "x"}})
    assert matches_metadata(matcher | {"invert": True}, {})


def test_a_list_matches_by_one_of_its_members() -> None:
    """A list matcher holds when one member does."""
    matcher = {"list_match": {"one_of": {"string_match": {"exact": "b"}}}}
    assert matches_value(matcher, ["a", "b"])
    assert not matches_value(matcher, "b")
    assert matches_value({"or_match": {"value_matchers": [matcher, {"string_match": {"prefix": "c"}}]}}, "cd")

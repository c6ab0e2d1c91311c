"""Path normalisation."""

import pytest

from simulator.envoy.paths import merge_slashes, normalize, unescape_slashes


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("/a/../b?x=..", "/b?x=.."),
        ("/a/%2e%2E/b", "/b"),
        ("/a/./b/.", "/a/b/"),
        ("/..", "/"),
        ("/%61%2F%20", "/a%2F%20"),
        ("/a\\b", "/a/b"),
        ("//a", "//a"),
        ("/a//..", "/a/"),
        ("/%", "/%"),
        ("/a<b", "/a%3Cb"),
        ("/a%00b", None),
        ("/a/b/..;/..;x=1/c;v/d?q", "/c;v/d?q"),
        ("/a/%2e%2e;/b", "/a/..;/b"),
        ("/a\\..;/b", "/a/..;/b"),
    ],
)
def test_a_path_is_normalised_as_envoy_does(path: str, result: str | None) -> None:
    """Dots are resolved and unreserved characters decoded; escaped slashes and the query stay; a zero byte is none.

    A literal dot segment counts with parameters after it, too.
    """
    assert normalize(path) == result


def test_slashes_are_merged_in_the_path_only() -> None:
    """Adjacent slashes become one, not in the query; a path of slashes keeps both its ends."""
    assert merge_slashes("//a///b//?c=//") == "/a/b/?c=//"
    assert merge_slashes("//") == "//"


def test_escaped_slashes_are_decoded_in_the_path_only() -> None:
    """Escaped slashes are decoded before the query."""
    assert unescape_slashes("/a%2fb%5C?c=%2f") == "/a/b\\?c=%2f"

import re

import pytest

from simulator.spaces.examples import regex_example, string_example
from simulator.spaces.witnesses import Witness, domain_example, route_witnesses


@pytest.mark.parametrize(
    "expression",
    ["/api/v[0-9]+/.*", "^(a|b)$", "[^/]+", r"\d{3}-\w+", "/x(/.*)?", "[^x1aA]", "(?:a|b){2,3}", r"\s?z", "a.b"],
)
def test_the_example_of_a_regex_matches_it(expression: str) -> None:
    """An example string is matched by the whole expression."""
    example = regex_example(expression)
    assert example is not None
    assert re.fullmatch(expression, example)


@pytest.mark.parametrize("expression", ["(", "(?=a)b", r"(a)\1\1(?!x)", "[a"])
def test_an_expression_beyond_reach_has_no_example(expression: str) -> None:
    """A match that cannot be read or satisfied gives None, never an exception."""
    assert regex_example(expression) is None


def test_string_matchers_accept_their_examples() -> None:
    """Each kind of string matcher yields a text of its kind."""
    assert string_example({"prefix": "/a"}) == "/a"
    assert string_example({"suffix": ".b"}) == ".b"
    assert string_example({"exact": "c"}) == "c"
    assert string_example({"contains": "d"}) == "d"
    assert string_example({"safe_regex": {"regex": "e+"}}) == "e"


def test_a_witness_satisfies_every_part_of_the_match() -> None:
    """The first witness of a route carries its path, method, headers and query."""
    match = {
        "prefix": "/cart",
        "headers": [
            {"name": "x-user", "string_match": {"exact": "ann"}},
            {"name": ":method", "string_match": {"exact": "POST"}},
            {"name": "x-none", "present_match": True, "invert_match": True},
        ],
        "query_parameters": [{"name": "q", "string_match": {"exact": "1"}}],
    }
    first, *near = route_witnesses(match, "cart.shop")
    assert first == Witness(authority="cart.shop", method="POST", target="/cart?q=1", headers=(("x-user", "ann"),))
    assert Witness(authority="cart.shop", method="GET", target="/cart?q=1") in near


def test_a_wildcard_domain_has_a_host_inside_it() -> None:
    """An example of a domain is a host that the domain covers."""
    assert domain_example("*.shop.example") == "any.shop.example"
    assert domain_example("shop.*") == "shop.any"
    assert domain_example("shop") == "shop"

"""Requests that stand for the rules of an RBAC filter: their paths and methods, read from Envoy's permissions."""

from collections.abc import Iterator
from typing import Any

from simulator.model.wire import Json
from simulator.spaces.examples import string_example

MOST = 6
"""Paths, and methods, taken from one filter: a witness is an example, not an enumeration."""


def filter_rules(listener: Json) -> Iterator[Json]:
    """Yield the rules of every RBAC filter of a listener, enforced ones first."""
    yield from (rules for key in ("rules", "shadow_rules") for rules in _values(listener, key) if "policies" in rules)


def rule_paths(rules: Json) -> list[str]:
    """Return paths that the permissions of `rules` name, in their order."""
    found = (example for matcher in _values(rules, "url_path") if (example := _path(matcher)))
    return list(dict.fromkeys(found))[:MOST]


def rule_methods(rules: Json) -> list[str]:
    """Return methods that the permissions of `rules` name, in their order."""
    headers = (header for header in _values(rules, "header") if header.get("name") == ":method")
    found = (string_example(header.get("string_match") or {}) for header in headers)
    return list(dict.fromkeys(method for method in found if method))[:MOST]


def _path(matcher: Json) -> str | None:
    if "uri_template" in str(matcher):
        return None
    example = string_example(matcher.get("path") or {})
    return example if example is None or example.startswith("/") else f"/{example}"


def _values(node: Any, key: str) -> Iterator[Json]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key and isinstance(value, dict):
                yield value
            yield from _values(value, key)
    elif isinstance(node, list):
        for item in node:
            yield from _values(item, key)

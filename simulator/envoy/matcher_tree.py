"""The unified matcher: lists and trees of conditions that lead to an action.

Envoy: xds/type/matcher/v3/matcher.proto, source/common/matcher/matcher.h. A nested matcher that finds nothing makes its
parent go on as if nothing had matched.
"""

from collections.abc import Callable
from typing import Any

from simulator.envoy.addresses import parse_ip, prefix_length_if_inside
from simulator.envoy.documents import NotSimulated, UnreadableDocument, child, children, mapping, text, typed, unpack
from simulator.envoy.strings import matches_string
from simulator.model.wire import Json

Read = Callable[[str, Json], str | tuple[str, ...] | None]
"""Returns the value of an input, given its short type name and configuration; None when there is none."""


def evaluate(matcher: Json, read: Read) -> Json | None:
    """Return the action (`name`, `typed_config`) that a matcher arrives at; None when it arrives at none."""
    found: Json | None = None
    if "matcher_list" in matcher:
        found = _list(child(matcher, "matcher_list"), read)
    elif "matcher_tree" in matcher:
        found = _tree(child(matcher, "matcher_tree"), read)
    if found is None and "on_no_match" in matcher:
        found = _on_match(child(matcher, "on_no_match"), read)
    return found


def _on_match(outcome: Json, read: Read) -> Json | None:
    if "matcher" in outcome:
        return evaluate(child(outcome, "matcher"), read)
    return child(outcome, "action") or None


def _list(document: Json, read: Read) -> Json | None:
    for entry in children(document, "matchers"):
        if holds(child(entry, "predicate"), read):
            found = _on_match(child(entry, "on_match"), read)
            if found is not None:
                return found
    return None


def holds(predicate: Json, read: Read) -> bool:
    """Evaluate a predicate of a matcher list."""
    if "single_predicate" in predicate:
        return _single(child(predicate, "single_predicate"), read)
    if "or_matcher" in predicate:
        return any(holds(item, read) for item in children(child(predicate, "or_matcher"), "predicate"))
    if "and_matcher" in predicate:
        return all(holds(item, read) for item in children(child(predicate, "and_matcher"), "predicate"))
    if "not_matcher" in predicate:
        return not holds(child(predicate, "not_matcher"), read)
    raise UnreadableDocument("predicate: none of single_predicate, or_matcher, and_matcher, not_matcher")


def _values(source: Json, read: Read) -> tuple[str, ...]:
    kind, config = typed(source)
    value = read(kind, config)
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def _single(predicate: Json, read: Read) -> bool:
    values = _values(child(predicate, "input"), read)
    if "value_match" in predicate:
        condition = child(predicate, "value_match")
        return any(matches_string(condition, value) for value in values)
    raise NotSimulated("single_predicate: only value_match is simulated")


def _tree(tree: Json, read: Read) -> Json | None:
    values = _values(child(tree, "input"), read)
    if "custom_match" in tree:
        return _custom(child(tree, "custom_match"), values, read)
    if "exact_match_map" in tree:
        table = mapping(child(tree, "exact_match_map"), "map")
        return _first((table[value] for value in values if value in table), read)
    if "prefix_match_map" in tree:
        table = mapping(child(tree, "prefix_match_map"), "map")
        fitting = sorted({key for key in table for value in values if value.startswith(key)}, key=len, reverse=True)
        return _first((table[key] for key in fitting), read)
    raise UnreadableDocument("matcher_tree: none of exact_match_map, prefix_match_map, custom_match")


def _first(outcomes: Any, read: Read) -> Json | None:
    for outcome in outcomes:
        found = _on_match(outcome, read)
        if found is not None:
            return found
    return None


def _custom(extension: Json, values: tuple[str, ...], read: Read) -> Json | None:
    kind, config = typed(extension)
    if kind != "IPMatcher":
        raise NotSimulated(f"custom_match: {kind or 'an unnamed type'} is not simulated")
    ip = parse_ip(values[0]) if values else None
    if ip is None:
        return None
    fitting: list[tuple[int, Json]] = []
    for entry in children(config, "range_matchers"):
        lengths = [prefix_length_if_inside(cidr, ip) for cidr in children(entry, "ranges")]
        best = max((length for length in lengths if length is not None), default=None)
        if best is not None:
            fitting.append((best, entry))
    for _, entry in sorted(fitting, key=lambda pair: -pair[0]):
        found = _on_match(child(entry, "on_match"), read)
        if found is not None or entry.get("exclusive"):
            return found
    return None


def action_text(action: Json) -> str:
    """Return the text of an action that is a StringValue, else the action's name."""
    kind, config = unpack(child(action, "typed_config"))
    return text(config, "value") if kind == "StringValue" else text(action, "name")

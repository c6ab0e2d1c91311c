"""Examples of strings that a matcher accepts.

Built from the matcher alone and verified by nobody here: a caller asks the predictor what the example meets. Regular
expressions are read by Python's parser, whose syntax agrees with RE2's wherever both accept an expression.
"""

import importlib
import re
from typing import Any

from simulator.model.wire import Json

_parser: Any = importlib.import_module("re._parser")  # untyped, and the only reader of expressions Python has
sre: Any = importlib.import_module("re._constants")

_FILLER = "x"


def string_example(matcher: Json) -> str | None:
    """Return a string that an Envoy StringMatcher accepts; None when none can be found."""
    if "exact" in matcher:
        return str(matcher["exact"])
    if "prefix" in matcher:
        return str(matcher["prefix"])
    if "suffix" in matcher:
        return str(matcher["suffix"])
    if "contains" in matcher:
        return str(matcher["contains"])
    if "safe_regex" in matcher:
        return regex_example(matcher["safe_regex"].get("regex", ""))
    return _FILLER


def regex_example(expression: str) -> str | None:
    """Return a short string that the whole of `expression` matches; None when it cannot be read or made."""
    try:
        text = _sequence(_parser.parse(expression))
        return text if re.fullmatch(expression, text) else None
    except (re.error, RecursionError, OverflowError, NotImplementedError):
        return None


def _sequence(nodes: Any) -> str:
    return "".join(_node(kind, value) for kind, value in nodes)


def _node(kind: Any, value: Any) -> str:
    if kind is sre.LITERAL:
        return chr(value)
    if kind is sre.NOT_LITERAL:
        return _FILLER if chr(value) != _FILLER else "y"
    if kind is sre.ANY:
        return _FILLER
    if kind is sre.IN:
        return _member(value)
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, getattr(sre, "POSSESSIVE_REPEAT", None)):
        least, most, body = value
        return _sequence(body) * int(max(least, min(1, most)))
    if kind is sre.SUBPATTERN:
        return _sequence(value[-1])
    if kind is sre.BRANCH:
        return _sequence(value[1][0])
    if kind is sre.AT:
        return ""
    raise NotImplementedError(kind)


def _member(items: Any) -> str:
    """Choose a character of a class; for a negated one, the first printable character outside it."""
    negated = items[0][0] is sre.NEGATE
    members = items[1:] if negated else items
    candidates = [_FILLER, "1", "a", "A", "-", "_", " ", "/", "."] if negated else [_first(*item) for item in members]
    for candidate in candidates:
        if not negated or not any(_contains(item, candidate) for item in members):
            return candidate
    raise NotImplementedError(items)


def _first(kind: Any, value: Any) -> str:
    if kind is sre.LITERAL:
        return chr(value)
    if kind is sre.RANGE:
        return chr(value[0])
    examples: dict[Any, str] = {sre.CATEGORY_DIGIT: "1", sre.CATEGORY_WORD: "a", sre.CATEGORY_SPACE: " "}
    return examples.get(value, "-")


def _contains(item: tuple[Any, Any], character: str) -> bool:
    kind, value = item
    if kind is sre.LITERAL:
        return bool(chr(value) == character)
    if kind is sre.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    pattern = {sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_SPACE: r"\s"}.get(value)
    return re.match(pattern, character) is not None if pattern else False


def literal_start(expression: str) -> str:
    """Return the text that everything which `expression` matches as a whole begins with; empty when unknown."""
    try:
        parsed = _parser.parse(expression)
    except (re.error, RecursionError, OverflowError):
        return ""
    if parsed.state.flags & (re.IGNORECASE | re.VERBOSE):
        return ""
    text = ""
    for kind, value in parsed:
        if kind is sre.AT and value in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING):
            continue
        if kind is not sre.LITERAL:
            break
        text += chr(value)
    return text

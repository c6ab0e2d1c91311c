"""Error messages of Go's parsers of durations (package time) and JSON (encoding/json).

Istio's rules print these texts verbatim.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from simulator.model.go_text import quote

_NUMBER = re.compile(r"\d*(?:\.\d*)?")
_UNIT = re.compile(r"[^.0-9]+")
_UNITS = frozenset({"ns", "us", "µs", "μs", "ms", "s", "m", "h"})
_EXPECTED = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
    "Illegal trailing comma before end of array": "looking for beginning of value",
    "Expecting ':' delimiter": "after object key",
    "Invalid control character at": "in string literal",
    "Invalid \\escape": "in string escape code",
    "Extra data": "after top-level value",
}
_CUT_OFF = "unexpected end of JSON input"
_LITERALS = ("true", "false", "null")


def duration_problem(text: str) -> str:
    """Return what is wrong with a duration; empty for a valid one."""
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return ""
    if not rest:
        return f"time: invalid duration {quote(text)}"
    while rest:
        number = _NUMBER.match(rest)
        amount = number[0] if number else ""
        if amount in ("", "."):
            return f"time: invalid duration {quote(text)}"
        rest = rest[len(amount) :]
        unit = _UNIT.match(rest)
        if unit is None:
            return f"time: missing unit in duration {quote(text)}"
        if unit[0] not in _UNITS:
            return f"time: unknown unit {quote(unit[0])} in duration {quote(text)}"
        rest = rest[unit.end() :]
    return ""


def parse_json(text: str) -> tuple[Any, str]:
    """Return (value of a JSON text, error); the error is empty for a valid text."""
    return _parsed(text, json.JSONDecoder(parse_constant=_no_constant).decode)


def first_json(text: str) -> tuple[Any, str]:
    """Return (first value in a text, error): like Go's stream decoder, it ignores what follows the first value."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    value, problem = _parsed(text, lambda given: decoder.raw_decode(given.lstrip())[0])
    return value, "unexpected EOF" if problem == _CUT_OFF and text.strip() else problem


def _parsed(text: str, decode: Callable[[str], Any]) -> tuple[Any, str]:
    try:
        return decode(text), ""
    except json.JSONDecodeError as error:
        return None, _sentence(text, error)
    except _Constant as error:
        return None, f"invalid character '{error.args[0][0]}' looking for beginning of value"
    except RecursionError:
        return None, "exceeded max depth"


class _Constant(Exception):
    """Raised for NaN and Infinity, which Python's parser accepts and Go's does not."""


def _no_constant(word: str) -> None:
    raise _Constant(word)


def _sentence(text: str, error: json.JSONDecodeError) -> str:
    position = error.pos
    if error.msg.startswith("Unterminated string") or position >= len(text.rstrip()):
        return _CUT_OFF
    where = _EXPECTED.get(error.msg)
    if error.msg == "Expecting ',' delimiter":
        where = "after array element" if _in_list(text[:position]) else "after object key:value pair"
    if error.msg == "Expecting value" and (literal := _near_literal(text[position:])):
        return literal
    return f"invalid character {_character(text[position])} {where or 'looking for beginning of value'}"


def _near_literal(rest: str) -> str:
    for word in _LITERALS:
        if rest[0] == word[0]:
            for number, expected in enumerate(word):
                if rest[number : number + 1] == "":
                    return _CUT_OFF
                if rest[number] != expected:
                    return f"invalid character {_character(rest[number])} in literal {word} (expecting '{expected}')"
    return ""


def _in_list(text: str) -> bool:
    """Tell whether the innermost bracket that is open is a list's."""
    open_brackets: list[str] = []
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text):
        if token[0] in "[{":
            open_brackets.append(token[0])
        elif token[0] in "]}" and open_brackets:
            open_brackets.pop()
    return bool(open_brackets) and open_brackets[-1] == "["


def _character(character: str) -> str:
    if character == "'":
        return "'\\''"
    return "'\"'" if character == '"' else f"'{quote(character)[1:-1]}'"

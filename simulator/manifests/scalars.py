"""What a plain YAML scalar means to Kubernetes.

kubectl and the API server read YAML 1.1 through go-yaml v2 and carry it on as JSON (sigs.k8s.io/yaml, resolve.go):
`yes` and `on` are booleans, `010` is eight, `0x1F` and `1_000` are numbers, dates stay text, and 1:30 is no number.
"""

import math
import re
from typing import Any

_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_NULL = ("", "~", "null", "Null", "NULL")
_NOT_FINITE = (
    *(".nan", ".NaN", ".NAN"),
    *(sign + text for sign in ("", "+", "-") for text in (".inf", ".Inf", ".INF")),
)
WORDS: dict[str, Any] = (
    dict.fromkeys(_TRUE, True)
    | dict.fromkeys(_FALSE, False)
    | dict.fromkeys(_NULL)
    | dict.fromkeys(_NOT_FINITE, math.nan)
)
"""Words with a meaning of their own; not-a-number stands for every float that JSON cannot carry."""

NUMBER_STARTS = frozenset("0123456789+-.")

_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_LARGEST_EXACT = 1e21  # beyond it Go prints a float with an exponent, so it stays a float
_MOST_DIGITS = 400


def number(text: str) -> int | float | None:
    """Read a plain scalar that may be a number; None when it is text.

    A float without a fraction becomes an integer, as it does on its way through Go's JSON encoder.
    """
    plain = text.replace("_", "") if text[0] != "." else text
    if len(plain) > _MOST_DIGITS:
        return None
    if _INTEGER.match(plain):
        return _integer(plain)
    if not _FLOAT.match(plain):
        return None
    value = float(plain)
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < _LARGEST_EXACT else value


def _integer(plain: str) -> int:
    sign, digits = (-1, plain[1:]) if plain[0] == "-" else (1, plain.lstrip("+"))
    prefix = digits[:2].lower()
    if prefix in ("0x", "0b", "0o"):
        return sign * int(digits[2:], {"0x": 16, "0b": 2, "0o": 8}[prefix])
    if digits[0] == "0" and len(digits) > 1:
        return sign * int(digits, 8)
    return sign * int(digits)


def key_text(value: Any) -> str:
    """Spell a scalar as the JSON key that it becomes; raise ValueError where JSON has none."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return repr(value)
    raise ValueError

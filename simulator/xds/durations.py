"""Durations: from the forms users write to the one form that proto-JSON prints.

Istio's resources are read with a decoder that takes Go's notation (`1m30s`, `250ms`) besides proto-JSON's (`0.25s`).
"""

import re
from functools import cache

from simulator.model.errors import ConfigurationError

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


class DurationError(ConfigurationError, ValueError):
    """A text is not a duration, so the API server would refuse the resource that contains it."""


def nanoseconds(text: str) -> int:
    """Read a duration in Go's or proto-JSON's notation; raise DurationError for anything else."""
    body = text.lstrip("+-")
    if body == "0":
        return 0
    total, end = 0.0, 0
    whole = 0
    for part in _PART.finditer(body):
        if part.start() != end:
            break
        end = part.end()
        number, unit = part[1], _UNITS[part[2]]
        if "." in number:
            units, _, fraction = number.partition(".")
            whole += int(units or 0) * unit
            total += float(f"0.{fraction or 0}") * unit
        else:
            whole += int(number) * unit
    if not body or end != len(body):
        raise DurationError(f"not a duration: {text!r}", hint="write it as in 1m30s, 0.5s or 250ms")
    result = whole + round(total)
    return -result if text.startswith("-") else result


@cache
def duration(text: str) -> str:
    """Print a duration as proto-JSON does: seconds, with 3, 6 or 9 digits where there is a fraction."""
    return from_nanoseconds(nanoseconds(text))


def from_nanoseconds(total: int) -> str:
    """Print nanoseconds as proto-JSON's seconds."""
    sign = "-" if total < 0 else ""
    seconds, rest = divmod(abs(total), 10**9)
    if not rest:
        return f"{sign}{seconds}s"
    digits = f"{rest:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{sign}{seconds}.{digits}s"

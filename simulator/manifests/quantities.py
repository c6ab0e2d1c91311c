"""Amounts of resources, spelled as Kubernetes spells them back.

Kubernetes: apimachinery's resource.Quantity (CanonicalizeBytes): the largest suffix that leaves a whole number.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from simulator.model.wire import Json

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE])?)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"": 0, "Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def canonical(quantity: object) -> str:
    """Spell a quantity in canonical form; any other text is returned as it is."""
    return _canonical(str(quantity))


@lru_cache(maxsize=256)  # most containers of a mesh ask for the same few amounts
def _canonical(text: str) -> str:
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return text
    number, exponent, suffix = Decimal(found[1]), found[2], found[3] or ""
    if exponent:
        return _scientific(number.scaleb(int(exponent[1:])))
    if suffix not in _BINARY or not suffix:
        return _largest(number.scaleb(_DECIMAL[suffix]))
    amount = number * 2 ** _BINARY[suffix]
    return _binary(amount) if abs(amount) >= 1024 else _largest(amount)


def canonical_resources(container: Json) -> Json:
    """Return a container whose requests and limits are in canonical form."""
    given = container.get("resources")
    if not isinstance(given, dict) or not given:
        return container
    spelled: dict[str, Any] = dict(given)
    for field in ("limits", "requests"):
        if isinstance(given.get(field), dict):
            spelled[field] = {name: canonical(amount) for name, amount in given[field].items()}
    return {**container, "resources": spelled}


def _largest(amount: Decimal) -> str:
    for suffix, power in reversed(_DECIMAL.items()):
        scaled = amount.scaleb(-power)
        if amount and scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return "0" if not amount else f"{int(amount.scaleb(9).to_integral_value(rounding='ROUND_UP'))}n"


def _binary(amount: Decimal) -> str:
    whole = int(amount.to_integral_value(rounding="ROUND_UP"))
    suffix = next(suffix for suffix, power in reversed(_BINARY.items()) if whole % 2**power == 0)
    return f"{whole >> _BINARY[suffix]}{suffix}"


def _scientific(amount: Decimal) -> str:
    for power in range(18, -12, -3):
        scaled = amount.scaleb(-power)
        if amount and scaled == scaled.to_integral_value():
            return f"{int(scaled)}e{power}" if power else str(int(scaled))
    return "0"

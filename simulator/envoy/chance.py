"""What is left to chance: weights and fractions, decided by one number of the request's or by what is most likely.

Envoy: source/common/router/config_impl.cc (pickWeightedCluster), envoy/type/v3/percent.proto.
"""

from collections.abc import Sequence

from simulator.envoy.documents import child, integer, text
from simulator.model.wire import Json

_DENOMINATORS = {"": 100, "HUNDRED": 100, "0": 100, "TEN_THOUSAND": 10_000, "1": 10_000, "MILLION": 1_000_000,
                 "2": 1_000_000}  # fmt: skip


def pick(weights: Sequence[int], random: float | None) -> int | None:
    """Return the position that a number in [0, 1) falls on, or the heaviest without one; None when nothing weighs."""
    total = sum(weights)
    if total <= 0:
        return None
    if random is None:
        return max(range(len(weights)), key=lambda position: weights[position])
    selected = min(int(random * total), total - 1)
    for position, weight in enumerate(weights):
        if selected < weight:
            return position
        selected -= weight
    return None


def pick_next(weights: Sequence[float], random: float | None) -> tuple[int | None, float | None]:
    """Return the position that a number falls on, as `pick` does, and the number within it for the next choice."""
    total = sum(weights)
    if total <= 0:
        return None, random
    if random is None:
        return max(range(len(weights)), key=lambda position: weights[position]), None
    left = random * total
    last = 0
    for position, weight in enumerate(weights):
        if weight > 0 and left < weight:
            return position, left / weight
        left -= weight
        last = position if weight > 0 else last
    return last, 0.999999


def percents(weights: Sequence[int]) -> tuple[float, ...]:
    """Return each weight's part of 100; all zero when nothing weighs anything."""
    total = sum(weights)
    return tuple(100.0 * weight / total if total else 0.0 for weight in weights)


def percent(fraction: Json) -> float:
    """Return a FractionalPercent in per cent, at most 100; an absent numerator is 0."""
    denominator = _DENOMINATORS.get(text(fraction, "denominator"), 100)
    return min(100.0, 100.0 * integer(fraction, "numerator") / denominator)


def runtime_percent(fraction: Json) -> float:
    """Return a RuntimeFractionalPercent's default in per cent; runtime keys are taken to be unset."""
    return percent(child(fraction, "default_value"))


def happens(chance: float, random: float | None) -> bool:
    """Tell whether what happens in `chance` per cent of cases happens; without a number, whether it mostly does."""
    if chance >= 100.0:
        return True
    return chance > 50.0 if random is None else random * 100.0 < chance

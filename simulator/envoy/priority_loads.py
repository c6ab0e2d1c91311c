"""How much of the load each priority of a cluster gets, from how many of its endpoints are healthy.

Healthy endpoints come first, over all priorities, then degraded ones; what a priority can carry is its healthy part
times the overprovisioning factor. Only where all together cannot carry the load, a priority with too few healthy
endpoints panics and uses all it has.
Envoy: source/extensions/load_balancing_policies/common/load_balancer_impl.cc (recalculatePerPriorityState).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FACTOR = 140
"""Envoy's overprovisioning factor in per cent, where an assignment names none."""
PANIC = 50.0
"""Envoy's panic threshold in per cent, where a cluster names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The endpoints of one priority."""

    all: int
    healthy: int
    degraded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """Parts of the load in per cent by priority, and which priorities panic."""

    healthy: Mapping[int, int]
    degraded: Mapping[int, int]
    panic: frozenset[int]


def priority_loads(priorities: Mapping[int, Counts], *, factor: int = FACTOR, threshold: float = PANIC) -> Loads:
    """Return how the load is shared."""
    order = sorted(priorities)
    fit = {number: _carries(priorities[number].healthy, priorities[number].all, factor) for number in order}
    weak = {number: _carries(priorities[number].degraded, priorities[number].all, factor) for number in order}
    total = min(100, sum(fit.values()) + sum(weak.values()))
    panic = frozenset(number for number in order if total < 100 and _panics(priorities[number], threshold))
    if not total:
        return Loads(healthy=_by_size(priorities, order), degraded=dict.fromkeys(order, 0), panic=panic)
    healthy, left = _shares(fit, order, total, 100)
    degraded, left = _shares(weak, order, total, left)
    first = next(number for number in order if fit[number] or weak[number])
    rounded = healthy if fit[first] else degraded
    rounded[first] += left
    return Loads(healthy=healthy, degraded=degraded, panic=panic)


def _carries(part: int, whole: int, factor: int) -> int:
    return min(100, factor * part // whole) if whole else 0


def _panics(counts: Counts, threshold: float) -> bool:
    usable = counts.healthy + counts.degraded
    return threshold > 0 and (100.0 * usable / counts.all if counts.all else 0.0) < threshold


def _shares(able: Mapping[int, int], order: Sequence[int], total: int, left: int) -> tuple[dict[int, int], int]:
    """Give each priority what it can carry of what is left; return also what is left then."""
    shares: dict[int, int] = {}
    for number in order:
        shares[number] = min(left, able[number] * 100 // total)
        left -= shares[number]
    return shares, left


def _by_size(priorities: Mapping[int, Counts], order: Sequence[int]) -> dict[int, int]:
    """Share the load by the number of endpoints: none is fit."""
    every = sum(counts.all for counts in priorities.values())
    if not every:
        return dict.fromkeys(order, 0)
    shares = {number: 100 * priorities[number].all // every for number in order}
    shares[next(number for number in order if shares[number])] += 100 - sum(shares.values())
    return shares

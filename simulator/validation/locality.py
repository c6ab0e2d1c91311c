"""Rules of locality load balancing. istio: ValidateLocalityLbSetting in pkg/config/validation/agent/validation.go."""

from collections.abc import Sequence

from simulator.model.wire import Json
from simulator.validation.problems import Problems, error, warning

_TOPOLOGY = frozenset({"topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"})


def locality(setting: Json | None, *, has_outlier_detection: bool) -> Problems:
    """Check a localityLbSetting."""
    if setting is None:
        return
    distribute, failover = setting.get("distribute") or (), setting.get("failover") or ()
    priority = setting.get("failoverPriority") or ()
    if distribute and failover:
        yield error("can not simultaneously specify 'distribute' and 'failover'")
        return
    clash = next((label for label in priority if label in _TOPOLOGY), "") if failover else ""
    if clash:
        yield error(f"can not simultaneously set 'failover' and topology label '{clash}' in 'failover_priority'")
        return
    for entry in distribute:
        found = list(_shares(entry.get("to") or {}))
        yield from found
        if any("weight" in problem.text for problem in found):
            return
    yield from _localities([entry.get("from") or "" for entry in distribute])
    if (failover or priority) and not has_outlier_detection:
        yield warning("outlier detection policy must be provided for failover")
    for entry in failover:
        yield from _failover(entry.get("from") or "", entry.get("to") or "")


def _shares(shares: Json) -> Problems:
    if any(not isinstance(weight, int) or not 0 < weight <= 100 for weight in shares.values()):
        yield error("locality weight must be in range [1, 100]")
        return
    if (total := sum(shares.values())) != 100:
        yield error(f"total locality weight {total} != 100")
        return
    yield from _localities(list(shares))


def _failover(source: str, target: str) -> Problems:
    if source == target:
        yield error("locality lb failover settings must specify different regions")
    if "/" in source + target:
        yield error("locality lb failover only specify region")
    if "*" in source + target:
        yield error("locality lb failover region should not contain '*' wildcard")


def _localities(localities: Sequence[str]) -> Problems:
    """Check a list of `region/zone/subzone`, none of which may contain another."""
    seen: list[list[str]] = []
    for text in localities:
        if text.count("*") > 1 or ("*" in text and not text.endswith("*")):
            yield error(f"locality {text} wildcard '*' number can not exceed 1 and must be in the end")
            return
        parts = text.split("/", 2)
        everything = ["*"] in seen
        if not everything and "" in parts:
            yield error(f"locality {text} must not contain empty region/zone/subzone info")
            return
        if everything or any(_overlap(parts, other) for other in seen):
            yield error(f"locality {text} overlap with previous specified ones")
            return
        seen.append(parts)


def _overlap(later: list[str], earlier: list[str]) -> bool:
    """Tell whether one of two localities contains the other; a final `*` stands for all of its level."""
    earlier = earlier[:-1] if earlier[-1] == "*" and len(earlier) > 1 else earlier
    shorter = min(len(later), len(earlier))
    return later[:shorter] == earlier[:shorter]

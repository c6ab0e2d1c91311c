"""Locality load balancing: which setting applies, and what it does to the locality groups of an assignment.

istiod: pilot/pkg/networking/core/loadbalancer/loadbalancer.go.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulator.model.services import Endpoint, Locality
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import DISTRIBUTION_LABELS, Place


@dataclass(slots=True, kw_only=True)
class LocalityGroup:
    """The endpoints of one locality and priority, each with its Envoy form."""

    locality: Locality
    members: list[tuple[Endpoint, Json]] = field(default_factory=list)
    priority: int = 0
    weight: int | None = None

    def weigh(self) -> None:
        """Set the weight to the sum of the members' (none without members)."""
        total = sum(member.get("load_balancing_weight", 0) for _, member in self.members)
        self.weight = min(total, 2**32 - 1) if self.members else None

    def envoy(self) -> Json:
        """Return the LocalityLbEndpoints message."""
        names = (("region", self.locality.region), ("zone", self.locality.zone), ("sub_zone", self.locality.subzone))
        result: Json = {"locality": {name: value for name, value in names if value}}
        if self.members:
            result["lb_endpoints"] = [member for _, member in self.members]
        if self.weight is not None:
            result["load_balancing_weight"] = self.weight
        if self.priority:
            result["priority"] = self.priority
        return result


def locality_setting(snapshot: Snapshot, rule: Json | None, distribution: str) -> tuple[Json | None, bool]:
    """Return the setting that applies, and whether it fails over without outlier detection.

    The rule's, else what the service's trafficDistribution stands for, else the mesh's; None when that is disabled.
    """
    if rule is not None:
        return (None if rule.get("enabled") is False else rule), False
    if distribution in DISTRIBUTION_LABELS:
        return {"enabled": True, "failoverPriority": list(DISTRIBUTION_LABELS[distribution])}, True
    mesh = snapshot.mesh.get("localityLbSetting")
    return (None if mesh is None or mesh.get("enabled") is False else mesh), False


def balance_localities(
    groups: Sequence[LocalityGroup], *, place: Place, setting: Json | None, failover: bool
) -> list[LocalityGroup]:
    """Give the groups weights (`distribute`) or priorities (failover) as seen from a client's place."""
    groups = list(groups)
    if setting is None:
        return groups
    if setting.get("distribute"):
        _distribute(groups, place.locality, setting["distribute"])
    elif failover:
        priorities = setting.get("failoverPriority")
        if priorities:
            groups = fail_over_by_labels(groups, place, priorities)
        if not priorities or setting.get("failover"):
            _fail_over(groups, place.locality, setting.get("failover") or ())
    return groups


def fail_over_by_labels(groups: list[LocalityGroup], place: Place, priorities: Sequence[str]) -> list[LocalityGroup]:
    """Split the groups by how long a prefix of the labels the endpoint shares with the client."""
    labels = dict(place.labels)
    wanted = [_wanted(priority, labels) for priority in priorities]
    result = []
    for group in groups:
        split: dict[int, LocalityGroup] = {}
        for endpoint, member in group.members:
            priority = _label_priority(endpoint.labels, wanted)
            part = split.setdefault(priority, LocalityGroup(locality=group.locality, priority=priority))
            part.members.append((endpoint, member))
        for priority in sorted(split):
            split[priority].weight = sum(m.get("load_balancing_weight", 0) for _, m in split[priority].members)
            result.append(split[priority])
    _close_gaps(result)
    return result


def _wanted(priority: str, labels: Mapping[str, str]) -> tuple[str, str]:
    parts = priority.split("=")
    return parts[0], parts[1] if len(parts) == 2 else labels.get(parts[0], "")


def _label_priority(labels: Mapping[str, str], wanted: Sequence[tuple[str, str]]) -> int:
    for index, (key, value) in enumerate(wanted):
        if labels.get(key, "") != value:
            return len(wanted) - index
    return 0


def _distribute(groups: list[LocalityGroup], locality: Locality, distribute: Sequence[Json]) -> None:
    for rule in distribute:
        if not _matches(locality, rule.get("from") or ""):
            continue
        left = dict(enumerate(groups))
        for target, share in (rule.get("to") or {}).items():
            chosen = {i: 1 if g.weight is None else g.weight for i, g in left.items() if _matches(g.locality, target)}
            for index, weight in chosen.items():
                del left[index]
                part = weight * share / sum(chosen.values()) if sum(chosen.values()) else 0
                if part > 0:
                    groups[index].weight = math.ceil(part)
        for group in left.values():
            group.members = []
        return


def _matches(locality: Locality, text: str) -> bool:
    region, zone, subzone = ([*text.split("/"), "", ""])[:3]
    return (
        region in ("*", locality.region) and zone in ("*", "", locality.zone) and subzone in ("*", "", locality.subzone)
    )


def _fail_over(groups: list[LocalityGroup], locality: Locality, failover: Sequence[Json]) -> None:
    target = next((rule.get("to") or "" for rule in failover if (rule.get("from") or "") == locality.region), None)
    for group in groups:
        distance = _distance(locality, group.locality)
        if distance == 3 and target is not None and group.locality.region != target:
            distance = 4
        group.priority = group.priority * 5 + distance
    _close_gaps(groups)


def _distance(mine: Locality, theirs: Locality) -> int:
    if mine.region != theirs.region:
        return 3
    if mine.zone != theirs.zone:
        return 2
    return 0 if mine.subzone == theirs.subzone else 1


def _close_gaps(groups: list[LocalityGroup]) -> None:
    ranks = {priority: rank for rank, priority in enumerate(sorted({group.priority for group in groups}))}
    for group in groups:
        group.priority = ranks[group.priority]

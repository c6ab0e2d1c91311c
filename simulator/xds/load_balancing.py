"""Load balancing of a cluster: the policy, its configuration and locality weighting.

istiod: pilot/pkg/networking/core/cluster_traffic_policy.go (applyLoadBalancer, ApplyRingHashLoadBalancer).
"""

from simulator.model.ports import Protocol
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.cluster_draft import ClusterDraft
from simulator.xds.durations import duration
from simulator.xds.locality import locality_setting
from simulator.xds.outlier_detection import supports_unhealthy

RING_SIZE = 1024


def apply_load_balancer(
    snapshot: Snapshot, draft: ClusterDraft, *, protocol: Protocol, distribution: str, balancer: Json | None
) -> None:
    """Choose how a cluster balances; call it after outlier detection, on which failover depends."""
    cluster, balancer = draft.cluster, balancer or {}
    if cluster.get("lb_policy") == "CLUSTER_PROVIDED":
        return
    if supports_unhealthy(snapshot, distribution):
        cluster["common_lb_config"]["healthy_panic_threshold"] = {}
    _weigh_localities(snapshot, draft, distribution, balancer)
    if draft.type == "ORIGINAL_DST":
        cluster["lb_policy"] = "CLUSTER_PROVIDED"
    elif snapshot.flag("PILOT_ENABLE_REDIS_FILTER", default=False) and protocol is Protocol.REDIS:
        cluster["lb_policy"] = "MAGLEV"
    else:
        _apply_simple(draft, balancer)
        _apply_consistent_hash(draft, balancer.get("consistentHash"))


def _weigh_localities(snapshot: Snapshot, draft: ClusterDraft, distribution: str, balancer: Json) -> None:
    setting, forced = locality_setting(snapshot, balancer.get("localityLbSetting"), distribution)
    setting = setting or {}
    fails_over = forced or "outlier_detection" in draft.cluster
    if (
        snapshot.flag("ENABLE_LOCALITY_WEIGHTED_LB_CONFIG", default=False)
        or (fails_over and (setting.get("failover") or setting.get("failoverPriority")))
        or setting.get("distribute")
    ):
        draft.cluster["common_lb_config"]["locality_weighted_lb_config"] = {}


def _apply_simple(draft: ClusterDraft, balancer: Json) -> None:
    cluster = draft.cluster
    match balancer.get("simple"):
        case "RANDOM":
            cluster["lb_policy"] = "RANDOM"
        case "PASSTHROUGH":
            cluster["lb_policy"] = "CLUSTER_PROVIDED"
            cluster["type"] = "ORIGINAL_DST"
            cluster.pop("load_assignment", None)
        case "ROUND_ROBIN":
            cluster.pop("lb_policy", None)  # it is the default
            if slow_start := _slow_start(balancer):
                cluster["round_robin_lb_config"] = {"slow_start_config": slow_start}
        case _:
            cluster["lb_policy"] = "LEAST_REQUEST"
            if slow_start := _slow_start(balancer):
                cluster["least_request_lb_config"] = {"slow_start_config": slow_start}


def _slow_start(balancer: Json) -> Json | None:
    warmup = balancer.get("warmup")
    if warmup is None:
        seconds = balancer.get("warmupDurationSecs")
        return {"slow_start_window": duration(seconds)} if seconds else None
    aggression, percent = warmup.get("aggression"), warmup.get("minimumPercent")
    minimum = 10 if percent is None else percent
    return {
        "slow_start_window": duration(warmup.get("duration") or "0s"),
        "aggression": {"default_value": 1 if aggression is None else aggression, "runtime_key": "("},
        "min_weight_percent": {"value": minimum} if minimum else {},
    }


def _apply_consistent_hash(draft: ClusterDraft, consistent: Json | None) -> None:
    if consistent is None:
        return
    cluster = draft.cluster
    maglev, ring = consistent.get("maglev"), consistent.get("ringHash")
    if maglev is not None:
        cluster["lb_policy"] = "MAGLEV"
        size = int(maglev.get("tableSize") or 0)
    else:
        cluster["lb_policy"] = "RING_HASH"
        size = int((consistent if ring is None else ring).get("minimumRingSize") or 0)
        if ring is None:
            size = size or RING_SIZE
    if not size:
        return
    cluster.pop("least_request_lb_config", None)  # one of the two at most: the last one set stays
    if maglev is not None:
        cluster["maglev_lb_config"] = {"table_size": size}
    else:
        cluster["ring_hash_lb_config"] = {"minimum_ring_size": size}

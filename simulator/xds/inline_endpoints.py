"""The endpoints written into a cluster that is resolved by DNS.

istiod: pilot/pkg/networking/core/cluster.go (buildOutboundClusters), cluster_traffic_policy.go
(applyLocalityLoadBalancer).
"""

from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.load_assignment import Wanted, locality_groups
from simulator.xds.locality import balance_localities, fail_over_by_labels, locality_setting
from simulator.xds.view import Shared


def inline_endpoints(
    snapshot: Snapshot, shared: Shared, wanted: Wanted, *, policy: Json | None, labels_known: bool
) -> list[Json]:
    """Return the locality groups that a DNS cluster holds; empty where there is nothing to resolve.

    `labels_known`: istiod keeps the labels of endpoints, by which failover may go, for the clusters of whole services
    only, and of their first locality only.
    """
    groups = locality_groups(snapshot, shared, wanted)
    if not groups:
        return []
    balancer = (policy or {}).get("loadBalancer") or {}
    distribution = wanted.service.traffic_distribution
    setting, forced = locality_setting(snapshot, balancer.get("localityLbSetting"), distribution)
    failover = forced or (policy or {}).get("outlierDetection") is not None
    priorities = (setting or {}).get("failoverPriority")
    if setting and failover and priorities and not setting.get("distribute"):
        groups = fail_over_by_labels(groups[:1], wanted.place, priorities) if labels_known else groups
        setting = {"failover": setting["failover"]} if setting.get("failover") else None
    balanced = balance_localities(groups, place=wanted.place, setting=setting, failover=failover)
    return [group.envoy() for group in balanced]

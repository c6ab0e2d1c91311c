"""Outlier detection of a cluster.

istiod: pilot/pkg/networking/core/cluster_traffic_policy.go (applyOutlierDetection).
"""

from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import DISTRIBUTION_LABELS
from simulator.xds.cluster_draft import ClusterDraft
from simulator.xds.durations import duration


def apply_outlier_detection(
    snapshot: Snapshot, draft: ClusterDraft, *, distribution: str, outlier: Json | None
) -> None:
    """Eject failing endpoints as the rule says; panic mode is off unless the rule sets a threshold for it."""
    if outlier is None:
        return
    draft.cluster["outlier_detection"] = _detection(outlier)
    healthy = 0 if supports_unhealthy(snapshot, distribution) else outlier.get("minHealthPercent") or 0
    if healthy >= 0:
        draft.cluster.setdefault("common_lb_config", {})["healthy_panic_threshold"] = (
            {"value": healthy} if healthy else {}
        )


def supports_unhealthy(snapshot: Snapshot, distribution: str) -> bool:
    """Tell whether unhealthy endpoints are sent: by flag, or since the service's `distribution` prefers near ones."""
    return distribution in DISTRIBUTION_LABELS or snapshot.flag("PILOT_SEND_UNHEALTHY_ENDPOINTS", default=False)


def _detection(outlier: Json) -> Json:
    result: Json = {"enforcing_success_rate": 0}
    _consecutive(result, "consecutive_5xx", outlier.get("consecutive5xxErrors"))
    _consecutive(result, "consecutive_gateway_failure", outlier.get("consecutiveGatewayErrors"))
    for field, name in (("interval", "interval"), ("baseEjectionTime", "base_ejection_time")):
        if outlier.get(field) is not None:
            result[name] = duration(outlier[field])
    if outlier.get("maxEjectionPercent"):
        result["max_ejection_percent"] = outlier["maxEjectionPercent"]
    if outlier.get("splitExternalLocalOriginErrors"):
        result["split_external_local_origin_errors"] = True
        if outlier.get("consecutiveLocalOriginFailures"):
            _consecutive(result, "consecutive_local_origin_failure", outlier["consecutiveLocalOriginFailures"])
        result["enforcing_local_origin_success_rate"] = 0
    return result


def _consecutive(result: Json, name: str, errors: int | None) -> None:
    if errors is not None:
        result[name] = errors
        result[f"enforcing_{name}"] = 100 if errors else 0

"""Connection pools: circuit breakers, connection limits, HTTP protocol options and TCP keepalive of a cluster.

istiod: pilot/pkg/networking/core/cluster_traffic_policy.go (applyConnectionPool, applyH2Upgrade, applyRetryBudget).
"""

from simulator.model.ports import Protocol
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.cluster_draft import ClusterDraft, connect_timeout
from simulator.xds.durations import duration, nanoseconds

UNLIMITED = 4294967295


def upgrade_to_http2(snapshot: Snapshot, draft: ClusterDraft, *, protocol: Protocol, pool: Json) -> None:
    """Speak HTTP/2 where the rule or, for HTTP ports, the mesh asks for the upgrade."""
    http = pool.get("http") or {}
    policy = http.get("h2UpgradePolicy") or "DEFAULT"
    if http.get("useClientProtocol") or policy == "DO_NOT_UPGRADE":
        return
    if policy == "UPGRADE" or (protocol.is_http and snapshot.mesh.get("h2UpgradePolicy") == "UPGRADE"):
        draft.use_http2()


def apply_connection_pool(snapshot: Snapshot, draft: ClusterDraft, *, pool: Json, retry_budget: Json | None) -> None:
    """Set connect timeout, circuit breakers, keepalive and connection options from a connection pool."""
    tcp, http = pool.get("tcp") or {}, pool.get("http") or {}
    cluster = draft.cluster
    cluster["connect_timeout"] = (
        duration(tcp["connectTimeout"]) if tcp.get("connectTimeout") else connect_timeout(snapshot)
    )
    threshold = thresholds(snapshot, tcp, http)
    if retry_budget is not None:
        threshold["retry_budget"] = _retry_budget(retry_budget)
    cluster["circuit_breakers"] = {"thresholds": [threshold]}
    _apply_keepalive(draft, snapshot.mesh.get("tcpKeepalive"))
    _apply_keepalive(draft, tcp.get("tcpKeepalive"))
    _apply_connection_options(draft, tcp, http)
    if http.get("useClientProtocol"):
        draft.use_downstream_protocol()


def thresholds(snapshot: Snapshot, tcp: Json | None = None, http: Json | None = None) -> Json:
    """Return the circuit breakers that the two halves of a connection pool set; what they leave out is unlimited."""
    tcp, http = tcp or {}, http or {}
    threshold: Json = {
        "max_connections": tcp.get("maxConnections") or UNLIMITED,
        "max_pending_requests": http.get("http1MaxPendingRequests") or UNLIMITED,
        "max_requests": http.get("http2MaxRequests") or UNLIMITED,
        "max_retries": http.get("maxRetries") or UNLIMITED,
    }
    if not snapshot.flag("DISABLE_TRACK_REMAINING_CB_METRICS", default=True):
        threshold["track_remaining"] = True
    return threshold


def _retry_budget(budget: Json) -> Json:
    percent = budget.get("percent")
    value = 20.0 if percent is None else float(percent)
    return {
        "budget_percent": {"value": value} if value else {},
        "min_retry_concurrency": budget.get("minRetryConcurrency") or 3,
    }


def _apply_keepalive(draft: ClusterDraft, keepalive: Json | None) -> None:
    if keepalive is None:
        return
    options = draft.cluster.setdefault("upstream_connection_options", {"tcp_keepalive": {}})["tcp_keepalive"]
    if keepalive.get("probes"):
        options["keepalive_probes"] = keepalive["probes"]
    for field, name in (("time", "keepalive_time"), ("interval", "keepalive_interval")):
        if keepalive.get(field) is not None:
            options[name] = nanoseconds(keepalive[field]) // 10**9


def _apply_connection_options(draft: ClusterDraft, tcp: Json, http: Json) -> None:
    idle = http.get("idleTimeout") or tcp.get("idleTimeout")
    lifetime, per_connection = tcp.get("maxConnectionDuration"), http.get("maxRequestsPerConnection")
    streams = http.get("maxConcurrentStreams")
    if not (idle or lifetime or per_connection or streams):
        return
    options = draft.http_options()
    common = options.setdefault("common_http_protocol_options", {})
    if idle:
        common["idle_timeout"] = duration(idle)
    if per_connection:
        common["max_requests_per_connection"] = per_connection
    if lifetime:
        common["max_connection_duration"] = duration(lifetime)
    if draft.explicit_http2 and streams:
        options["explicit_http_config"] = {"http2_protocol_options": {"max_concurrent_streams": streams}}

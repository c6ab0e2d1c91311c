"""Envoy's `/clusters` and `/listeners`: the hosts of each cluster with their health, and the addresses of listeners.

Envoy: source/server/admin/clusters_handler.cc (ClusterStatus, HostStatus), listeners_handler.cc.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.istiod.circumstances import UNTROUBLED, Circumstances
from simulator.istiod.dump_views import section
from simulator.model.wire import Json

_COUNTERS = ("cx_connect_fail", "cx_total", "rq_error", "rq_success", "rq_timeout", "rq_total")
_GAUGES = ("cx_active", "rq_active", "rq_pending_active")
_STATS: tuple[Json, ...] = (
    *({"name": name} for name in _COUNTERS),
    *({"type": "GAUGE", "name": name} for name in _GAUGES),
)
_DNS = frozenset({"STRICT_DNS", "LOGICAL_DNS"})


def clusters(dump: Json) -> Iterator[tuple[Json, bool]]:
    """Yield (cluster, whether it came over xDS) for the active clusters of a dump."""
    found = section(dump, "ClustersConfigDump")
    for each in found.get("static_clusters") or ():
        yield each.get("cluster") or {}, False
    for each in found.get("dynamic_active_clusters") or ():
        yield each.get("cluster") or {}, True


def assignments(dump: Json) -> Mapping[str, Json]:
    """Return the endpoints that came over EDS by the name of their cluster."""
    found = section(dump, "EndpointsConfigDump")
    listed = [*(found.get("static_endpoint_configs") or ()), *(found.get("dynamic_endpoint_configs") or ())]
    configs = [each.get("endpoint_config") or {} for each in listed]
    return {str(config.get("cluster_name", "")): config for config in configs}


def hosts(cluster: Json, eds: Mapping[str, Json]) -> Iterator[tuple[Json, Json, int]]:
    """Yield (endpoint, locality, priority) of a cluster, without names that are yet to be resolved."""
    name = cluster.get("name", "")
    if cluster.get("type") == "EDS":
        service = (cluster.get("eds_cluster_config") or {}).get("service_name") or name
        assignment = eds.get(service) or eds.get(name) or {}
    else:
        assignment = cluster.get("load_assignment") or {}
    for group in assignment.get("endpoints") or ():
        for endpoint in group.get("lb_endpoints") or ():
            address = (endpoint.get("endpoint") or {}).get("address") or {}
            if not (cluster.get("type") in _DNS and _is_name(address)):
                yield endpoint, group.get("locality") or {}, int(group.get("priority") or 0)


def _is_name(address: Json) -> bool:
    text = str((address.get("socket_address") or {}).get("address", ""))
    return bool(text) and ":" not in text and not text.replace(".", "").isdigit()


def cluster_statuses(dump: Json, met: Circumstances = UNTROUBLED) -> Json:
    """Return `/clusters?format=json`."""
    eds = assignments(dump)
    found = [_cluster_status(cluster, added, eds) for cluster, added in clusters(dump)]
    return {"cluster_statuses": [_ejected(each) if met.is_ejected(each["name"]) else each for each in found]}


def _ejected(status: Json) -> Json:
    hosts = [
        host | {"health_status": {"failed_outlier_check": True} | host["health_status"]}
        for host in status.get("host_statuses") or ()
    ]
    return status | {"host_statuses": hosts} if hosts else status


def _cluster_status(cluster: Json, added: bool, eds: Mapping[str, Json]) -> Json:
    status: Json = {"name": cluster.get("name", "")}
    if added:
        status["added_via_api"] = True
    found = [_host_status(*host) for host in hosts(cluster, eds)]
    if found:
        status["host_statuses"] = found
    circuit = (cluster.get("circuit_breakers") or {}).get("thresholds")
    if circuit:
        status["circuit_breakers"] = {"thresholds": circuit}
    status["observability_name"] = cluster.get("alt_stat_name") or cluster.get("name", "")
    service = (cluster.get("eds_cluster_config") or {}).get("service_name")
    return status | ({"eds_service_name": service} if service else {})


def _host_status(endpoint: Json, locality: Json, priority: int) -> Json:
    host = endpoint.get("endpoint") or {}
    health = endpoint.get("health_status") or "HEALTHY"
    status: Json = {
        "address": host.get("address") or {},
        "stats": list(_STATS),
        "health_status": {"eds_health_status": "HEALTHY" if health == "UNKNOWN" else health},
        "weight": int(endpoint.get("load_balancing_weight") or 1),
    }
    if host.get("hostname"):
        status["hostname"] = host["hostname"]
    if priority:
        status["priority"] = priority
    status["locality"] = locality
    return status


def clusters_text(dump: Json, met: Circumstances = UNTROUBLED) -> str:
    """Return `/clusters` as text."""
    eds = assignments(dump)
    lines: list[str] = []
    for cluster, added in clusters(dump):
        name = cluster.get("name", "")
        lines.append(f"{name}::observability_name::{cluster.get('alt_stat_name') or name}")
        for priority in ("default", "high"):
            for limit, value in _limits(cluster, priority):
                lines.append(f"{name}::{priority}_priority::{limit}::{value}")
        lines.append(f"{name}::added_via_api::{'true' if added else 'false'}")
        service = (cluster.get("eds_cluster_config") or {}).get("service_name")
        if service:
            lines.append(f"{name}::eds_service_name::{service}")
        for endpoint, locality, level in hosts(cluster, eds):
            lines.extend(_host_lines(name, endpoint, locality, level, flags=_flags(endpoint, met.is_ejected(name))))
    return "".join(f"{line}\n" for line in lines)


def _limits(cluster: Json, priority: str) -> Iterator[tuple[str, Any]]:
    thresholds = (cluster.get("circuit_breakers") or {}).get("thresholds") or ()
    wanted = [each for each in thresholds if each.get("priority", "DEFAULT") == priority.upper()]
    found = wanted[0] if wanted else {}
    for field, default in (
        ("max_connections", 1024),
        ("max_pending_requests", 1024),
        ("max_requests", 1024),
        ("max_retries", 3),
    ):
        yield field, found.get(field, default)


def _flags(endpoint: Json, ejected: bool) -> str:
    health = endpoint.get("health_status") or "HEALTHY"
    flags = ["/failed_outlier_check"] if ejected else []
    flags += [] if health in ("HEALTHY", "UNKNOWN") else ["/failed_eds_health"]
    return "".join(flags) or "healthy"


def _host_lines(name: str, endpoint: Json, locality: Json, priority: int, *, flags: str) -> Iterator[str]:
    host = endpoint.get("endpoint") or {}
    address = address_text(host.get("address") or {})
    for counter in sorted((*_COUNTERS, *_GAUGES)):
        yield f"{name}::{address}::{counter}::0"
    for field, value in (
        ("hostname", host.get("hostname", "")),
        ("health_flags", flags),
        ("weight", endpoint.get("load_balancing_weight") or 1),
        ("region", locality.get("region", "")),
        ("zone", locality.get("zone", "")),
        ("sub_zone", locality.get("sub_zone", "")),
        ("canary", "false"),
        ("priority", priority),
        ("success_rate", "-1.0"),
        ("local_origin_success_rate", "-1.0"),
    ):
        yield f"{name}::{address}::{field}::{value}"


def address_text(address: Json) -> str:
    """Return an Envoy address as text."""
    if socket := address.get("socket_address"):
        text = str(socket.get("address", ""))
        return f"{'[' + text + ']' if ':' in text else text}:{socket.get('port_value', 0)}"
    if pipe := address.get("pipe"):
        return str(pipe.get("path", ""))
    internal = address.get("envoy_internal_address") or {}
    return f"envoy://{internal.get('server_listener_name', '')}/{internal.get('endpoint_id', '')}"


def listeners(dump: Json) -> Iterator[Json]:
    """Yield the active listeners of a dump."""
    found = section(dump, "ListenersConfigDump")
    for each in found.get("static_listeners") or ():
        yield each.get("listener") or {}
    for each in found.get("dynamic_listeners") or ():
        if active := (each.get("active_state") or {}).get("listener"):
            yield active


def _bound(dump: Json) -> Iterator[Json]:
    return (
        each
        for each in listeners(dump)
        if each.get("bind_to_port", True) is not False and "internal_listener" not in each
    )


def listener_statuses(dump: Json) -> Json:
    """Return `/listeners?format=json`."""
    return {
        "listener_statuses": [
            {"name": each.get("name", ""), "local_address": each.get("address") or {}}
            | (
                {"additional_local_addresses": [more["address"] for more in each["additional_addresses"]]}
                if each.get("additional_addresses")
                else {}
            )
            for each in _bound(dump)
        ]
    }


def listeners_text(dump: Json) -> str:
    """Return `/listeners` as text."""
    return "".join(f"{each.get('name', '')}::{address_text(each.get('address') or {})}\n" for each in _bound(dump))

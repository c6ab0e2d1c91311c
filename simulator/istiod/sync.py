"""Which configuration each proxy was sent and has acknowledged, as istiod reports it.

In the simulated mesh every proxy has what istiod has, except for the deviations that are passed in, with which a mesh
out of sync can be simulated.
istiod: pilot/pkg/xds/debug.go (SyncStatus), statusgen.go.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.model.proxies import Proxy, ProxyId, Role
from simulator.model.wire import Json

if TYPE_CHECKING:
    from simulator.registry.snapshot import Snapshot

_PREFIX = "type.googleapis.com/"
CDS = _PREFIX + "envoy.config.cluster.v3.Cluster"
LDS = _PREFIX + "envoy.config.listener.v3.Listener"
RDS = _PREFIX + "envoy.config.route.v3.RouteConfiguration"
EDS = _PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"
ECDS = _PREFIX + "envoy.config.core.v3.TypedExtensionConfig"
NDS = _PREFIX + "istio.networking.nds.v1.NameTable"
ADDRESS = _PREFIX + "istio.workload.Address"
WORKLOAD_AUTHORIZATION = _PREFIX + "istio.security.Authorization"
TYPE_NAMES: Mapping[str, str] = {
    "CDS": CDS,
    "LDS": LDS,
    "RDS": RDS,
    "EDS": EDS,
    "ECDS": ECDS,
    "NDS": NDS,
    "WDS": ADDRESS,
    "WADS": WORKLOAD_AUTHORIZATION,
}
"""Type URLs by their common short names."""
_LEGACY = {CDS: "cluster", LDS: "listener", RDS: "route", EDS: "endpoint", ECDS: "extensionconfig"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """How a proxy's resources of one type differ from istiod's: never sent, not acknowledged, or rejected."""

    sent: bool = True
    acknowledged: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One push of istiod to all its proxies: a version that changes with the snapshot, and its time (RFC 3339)."""

    version: str
    time: str
    deviations: Mapping[tuple[ProxyId, str], Deviation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeStatus:
    """A proxy's state for one type of resource. `sent` and `acknowledged` are nonces, empty for never."""

    type_url: str
    sent: str
    acknowledged: str
    time: str
    error: str = ""

    @property
    def status(self) -> str:
        """The ConfigStatus that xDS reports."""
        if self.error:
            return "ERROR"
        if not self.sent:
            return "NOT_SENT"
        return "SYNCED" if self.acknowledged == self.sent else "STALE"


def subscriptions(snapshot: "Snapshot", proxy: Proxy) -> Sequence[str]:
    """Return the types that a proxy watches, in the order of their names."""
    if proxy.role is Role.ZTUNNEL:
        return (WORKLOAD_AUTHORIZATION, ADDRESS)
    types = {CDS, LDS, EDS}
    if proxy.role is not Role.GATEWAY or _has_http_server(snapshot, proxy):
        types.add(RDS)
    if snapshot.extensions(proxy):
        types.add(ECDS)
    if str(proxy.metadata.get("DNS_CAPTURE", "")).lower() in ("true", "1"):
        types.add(NDS)
    return sorted(types)


def _has_http_server(snapshot: "Snapshot", proxy: Proxy) -> bool:
    merged = snapshot.gateway(proxy)
    return merged is not None and any(
        server.route_name for servers in merged.servers_by_port.values() for server in servers
    )


def statuses(snapshot: "Snapshot", proxy: Proxy, push: Push) -> Iterator[TypeStatus]:
    """Yield the state of each type that a proxy watches."""
    for type_url in subscriptions(snapshot, proxy):
        deviation = push.deviations.get((proxy.id, type_url))
        nonce = _nonce(push.version, proxy.id, type_url)
        if deviation is None:
            yield TypeStatus(type_url=type_url, sent=nonce, acknowledged=nonce, time=push.time)
        elif not deviation.sent:
            yield TypeStatus(type_url=type_url, sent="", acknowledged="", time="", error=deviation.error)
        else:
            before = nonce if deviation.acknowledged else _nonce("before " + push.version, proxy.id, type_url)
            yield TypeStatus(type_url=type_url, sent=nonce, acknowledged=before, time=push.time, error=deviation.error)


def _nonce(version: str, proxy: ProxyId, type_url: str) -> str:
    digest = hashlib.sha256(f"{version}/{proxy}/{type_url}".encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def connected(snapshot: "Snapshot", revision: str | None = None) -> Sequence[Proxy]:
    """Return the proxies that are connected to the istiod of a revision; all of them for None."""
    found = (*snapshot.proxies, *snapshot.ztunnels)
    chosen = found if revision is None else [proxy for proxy in found if (proxy.revision or "default") == revision]
    return sorted(chosen, key=lambda proxy: proxy.id)


def sync_status(snapshot: "Snapshot", proxy: Proxy, push: Push) -> Json:
    """Return one entry of `/debug/syncz`."""
    entry: Json = {
        "cluster_id": proxy.cluster_id,
        "proxy": str(proxy.id),
        "proxy_type": proxy.role.value,
        "istio_version": proxy.istio_version,
    }
    resources: Json = {}
    for each in statuses(snapshot, proxy, push):
        if each.type_url in _LEGACY:
            name = _LEGACY[each.type_url]
            entry |= {f"{name}_sent": each.sent, f"{name}_acked": each.acknowledged}
        resources[each.type_url] = {
            key: value
            for key, value in (
                ("sent", each.sent),
                ("acked", each.acknowledged),
                ("sentTime", each.time or "0001-01-01T00:00:00Z"),
                ("lastError", each.error),
            )
            if value
        }
    return {key: value for key, value in entry.items() if value} | {"resources": resources}


def client_config(snapshot: "Snapshot", proxy: Proxy, push: Push) -> Json:
    """Return one `ClientConfig` of the xDS answer to `istio.io/debug/syncz`, in proto-JSON."""
    return {
        "node": {
            "id": str(proxy.id),
            "metadata": {
                "CLUSTER_ID": proxy.cluster_id,
                "NAMESPACE": proxy.namespace,
                "ISTIO_VERSION": proxy.istio_version,
            },
        },
        "generic_xds_configs": [
            {"type_url": each.type_url, "config_status": each.status}
            | ({"last_updated": each.time} if each.time else {})
            | (
                {"error_state": {"details": each.error} | ({"last_update_attempt": each.time} if each.time else {})}
                if each.error
                else {}
            )
            for each in statuses(snapshot, proxy, push)
        ],
    }

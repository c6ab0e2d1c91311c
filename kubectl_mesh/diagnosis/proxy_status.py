"""Which proxies hold what istiod sent them?

istiod's `/debug/syncz` lists the nonces sent and acknowledged. It is converted to what istioctl gets over xDS, a
DiscoveryResponse with one ClientConfig per proxy, which is also accepted as input.
istiod: pilot/pkg/xds/debug.go, statusgen.go. istioctl: pkg/writer/pilot/status.go.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from kubectl_mesh.diagnosis.config_dump import decode, listed
from kubectl_mesh.errors import InputError
from kubectl_mesh.reports.proxy_status import Disconnected, ProxyStatus, ProxyStatusReport, SyncState, TypeStatus
from kubectl_mesh.sources.base import MeshSource
from simulator.model.wire import Json

SYNCZ = "debug/syncz"
CLIENT_CONFIG = "type.googleapis.com/envoy.service.status.v3.ClientConfig"
_ENVOY = "type.googleapis.com/envoy."
_CORE = (
    _ENVOY + "config.cluster.v3.Cluster",
    _ENVOY + "config.listener.v3.Listener",
    _ENVOY + "config.endpoint.v3.ClusterLoadAssignment",
    _ENVOY + "config.route.v3.RouteConfiguration",
)
_EXTENSION = _ENVOY + "config.core.v3.TypedExtensionConfig"
SHORT_NAMES = {
    _CORE[0]: "CDS",
    _CORE[1]: "LDS",
    _CORE[2]: "EDS",
    _CORE[3]: "RDS",
    _EXTENSION: "ECDS",
    _ENVOY + "extensions.transport_sockets.tls.v3.Secret": "SDS",
    "type.googleapis.com/istio.networking.nds.v1.NameTable": "NDS",
    "type.googleapis.com/istio.mesh.v1alpha1.ProxyConfig": "PCDS",
    "type.googleapis.com/istio.workload.Address": "WDS",
    "type.googleapis.com/istio.workload.Workload": "WDS",
    "type.googleapis.com/istio.security.Authorization": "WADS",
}
_OLD_FIELDS = {_CORE[0]: "cluster", _CORE[1]: "listener", _CORE[2]: "endpoint", _CORE[3]: "route"}
_LEGACY = {
    "listenerConfig": _CORE[1],
    "clusterConfig": _CORE[0],
    "routeConfig": _CORE[3],
    "endpointConfig": _CORE[2],
}
_NEVER = "0001-01-01T00:00:00Z"


def diagnose(source: MeshSource, *, namespace: str = "", now: datetime) -> ProxyStatusReport:
    """Ask every istiod which proxies it serves, and find the pods that none of them serves."""
    found = read(responses(source), namespace=namespace, now=now)
    connected = {status.proxy for status in found.proxies}
    missing = [
        Disconnected(pod=str(proxy), because="no istiod has a connection from it")
        for proxy in source.proxies()
        if namespace in ("", proxy.namespace) and str(proxy) not in connected
    ]
    return ProxyStatusReport(proxies=found.proxies, types=found.types, disconnected=tuple(missing))


def responses(source: MeshSource) -> dict[str, Json]:
    """Return the answer of each istiod as the DiscoveryResponse that istioctl gets."""
    answers = source.istiod(SYNCZ)
    return {pod: response(data, istiod=pod) for pod, data in sorted(answers.items())}


def response(data: bytes, *, istiod: str) -> Json:
    """Return an answer of `/debug/syncz` as a DiscoveryResponse, which it may be already."""
    document = decode(data, subject=f"{SYNCZ} of {istiod}")
    if isinstance(document, dict) and "resources" in document:
        return document
    if document is not None and not isinstance(document, list):
        raise InputError(f"{SYNCZ} of {istiod}: not a list of proxies")
    clients = [_client(entry) for entry in document or () if isinstance(entry, dict)]
    return {
        "resources": clients,
        "typeUrl": CLIENT_CONFIG,
        "controlPlane": {"identifier": json.dumps({"Component": "istiod", "ID": istiod}, separators=(",", ":"))},
    }


def _client(entry: Json) -> Json:
    proxy = str(entry.get("proxy", ""))
    metadata = {
        "CLUSTER_ID": entry.get("cluster_id", ""),
        "ISTIO_VERSION": entry.get("istio_version", ""),
        "NAMESPACE": proxy.rpartition(".")[2],
    }
    return {
        "@type": CLIENT_CONFIG,
        "node": {"id": proxy, "metadata": {key: value for key, value in metadata.items() if value}},
        "genericXdsConfigs": [_generic(url, status) for url, status in _watched(entry)],
    }


def _watched(entry: Json) -> Iterator[tuple[str, Json]]:
    """Yield nonces by type; an istiod before 1.24 names only the four core types."""
    if entry.get("resources"):
        yield from sorted(entry["resources"].items())
        return
    for url, name in _OLD_FIELDS.items():
        yield url, {"sent": entry.get(f"{name}_sent", ""), "acked": entry.get(f"{name}_acked", "")}


def _generic(url: str, status: Json) -> Json:
    config: Json = {"typeUrl": url}
    sent, when = status.get("sent"), status.get("sentTime")
    if when and when != _NEVER:
        config["lastUpdated"] = when
    if status.get("lastError"):
        return config | {"configStatus": "ERROR", "errorState": {"details": status["lastError"]}}
    if not sent:
        return {"typeUrl": url, "configStatus": "NOT_SENT"}
    return config | {"configStatus": "SYNCED" if sent == status.get("acked") else "STALE"}


def read(answers: Mapping[str, Json], *, namespace: str = "", now: datetime) -> ProxyStatusReport:
    """Read DiscoveryResponses, one per istiod, into rows sorted by proxy."""
    rows = [
        _row(client, istiod=_istiod(answer), now=now)
        for answer in answers.values()
        for client in listed(answer.get("resources"))
        if namespace in ("", _metadata(client).get("NAMESPACE"))
    ]
    seen = {url for row in rows for url in row.types}
    ordered = [url for url in _CORE if url in seen] + sorted(seen - set(_CORE))
    return ProxyStatusReport(proxies=tuple(sorted(rows, key=lambda row: row.proxy)), types=tuple(ordered))


def documents(answers: Mapping[str, Json], *, namespace: str = "") -> list[Json]:
    """Return the DiscoveryResponses, with the proxies of one namespace only when it is given."""
    if not namespace:
        return list(answers.values())
    return [
        answer
        | {"resources": [c for c in listed(answer.get("resources")) if _metadata(c).get("NAMESPACE") == namespace]}
        for answer in answers.values()
    ]


def every_type(report: ProxyStatusReport) -> Sequence[str]:
    """Return the types of the detailed table: those seen and the five that every istiod knows."""
    return sorted({*report.types, *_CORE, _EXTENSION})


def _istiod(answer: Json) -> str:
    identifier = (answer.get("controlPlane") or {}).get("identifier")
    if not identifier:
        return "MISSING"
    try:
        return str(json.loads(identifier).get("ID", ""))
    except (ValueError, AttributeError):
        return "INVALID"


def _metadata(client: Json) -> Json:
    return (client.get("node") or {}).get("metadata") or {}


def _row(client: Json, *, istiod: str, now: datetime) -> ProxyStatus:
    metadata = _metadata(client)
    return ProxyStatus(
        proxy=str((client.get("node") or {}).get("id", "")),
        cluster_id=str(metadata.get("CLUSTER_ID", "")),
        version=str(metadata.get("ISTIO_VERSION", "")),
        istiod=istiod,
        types={config.get("typeUrl", ""): _type_status(config, now=now) for config in _configs(client)},
    )


def _configs(client: Json) -> list[Json]:
    if client.get("genericXdsConfigs"):
        return listed(client["genericXdsConfigs"])
    return [
        {"typeUrl": url, "configStatus": config.get("status", "UNKNOWN")}
        for config in listed(client.get("xdsConfig"))
        for name, url in _LEGACY.items()
        if name in config
    ]


def _type_status(config: Json, *, now: datetime) -> TypeStatus:
    state = str(config.get("configStatus", "UNKNOWN"))
    return TypeStatus(
        state=SyncState(state) if state in SyncState.__members__ else SyncState.UNKNOWN,
        age=age(config.get("lastUpdated"), now=now),
        rejection=str((config.get("errorState") or {}).get("details", "")),
    )


def age(moment: Any, *, now: datetime) -> str:
    """Return how long ago a moment (RFC 3339) was, as text; empty when there is none."""
    if not isinstance(moment, str):
        return ""
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return ""
    return human_duration(int((now - then).total_seconds()))


def human_duration(seconds: int) -> str:
    """Return a duration as kubectl prints it (apimachinery: util/duration, HumanDuration)."""
    if seconds < -1:
        return "<invalid>"
    seconds = max(seconds, 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    steps = (
        (seconds < 120, f"{seconds}s"),
        (minutes < 10, _two(minutes, "m", seconds % 60, "s")),
        (minutes < 180, f"{minutes}m"),
        (hours < 8, _two(hours, "h", minutes % 60, "m")),
        (hours < 48, f"{hours}h"),
        (days < 8, _two(days, "d", hours % 24, "h")),
        (days < 365 * 2, f"{days}d"),
        (days < 365 * 8, _two(days // 365, "y", days % 365, "d")),
    )
    return next((text for fits, text in steps if fits), f"{days // 365}y")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"

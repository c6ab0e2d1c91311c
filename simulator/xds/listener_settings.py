"""What the listeners of a proxy depend on besides its scope, services and policies: node metadata, configuration.

Two proxies with equal settings share listeners, so a fact belongs here only if a listener shows it; the labels are cut
down to those that rules of the scope select on.
istiod: pilot/pkg/model/context.go (NodeMetadata), pilot/pkg/networking/core/listener_address.go.
"""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from simulator.model.proxies import Proxy, Role
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.documents import Document
from simulator.xds.durations import DurationError, duration

STATUS_PORT = 15021
PROMETHEUS_PORT = 15090
_SHOWN = ("proxyHeaders", "tracing", "gatewayTopology")
"""Fields of ProxyConfig that listeners show."""


class ListenerClass(StrEnum):
    """Where a listener stands (istiod: networking.ListenerClass)."""

    INBOUND = "SidecarInbound"
    OUTBOUND = "SidecarOutbound"
    GATEWAY = "Gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceIdentity:
    """What traces and telemetry report about the proxy itself."""

    canonical_service: str
    canonical_revision: str
    mesh_id: str
    namespace: str
    cluster_id: str
    otel_service: str
    """Name of the service by OpenTelemetry's semantic conventions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSettings:
    """The facts of one proxy that its listeners show."""

    role: Role
    namespace: str
    domain: str
    ipv4: bool = True
    ipv6: bool = False
    dual_stack: bool = False
    """ISTIO_DUAL_STACK, which lets a proxy of both families listen on both."""
    interception: str = "REDIRECT"
    status_port: int = STATUS_PORT
    prometheus_port: int = PROMETHEUS_PORT
    unprivileged: bool = False
    idle_timeout: str = ""
    http10: bool = False
    inbound_exact_balance: bool = False
    outbound_exact_balance: bool = False
    http_proxy_port: str = ""
    uses_auto_addresses: bool = False
    """DNS is captured, so addresses allocated to ServiceEntries are ones that a client dials."""
    credential_socket: bool = False
    file_sds: bool = False
    certificates: tuple[str, str, str] = ("", "", "")
    """Paths of certificate chain, key and root where the node brings its own (`TLS_SERVER_*`)."""
    proxy_config: Document = field(default_factory=Document)
    labels: tuple[tuple[str, str], ...] = ()
    unicast_address: str = ""
    """Own address, where a listener binds it or a headless service has it."""

    @property
    def wildcards(self) -> tuple[str, ...]:
        """Any-addresses of the proxy's families, IPv4 first."""
        return (("0.0.0.0",) if self.ipv4 or not self.ipv6 else ()) + (("::",) if self.ipv6 else ())

    @property
    def localhosts(self) -> tuple[str, ...]:
        """Loopback addresses of the proxy's families, IPv4 first."""
        return (("127.0.0.1",) if self.ipv4 or not self.ipv6 else ()) + (("::1",) if self.ipv6 else ())

    @property
    def both_families(self) -> bool:
        """The proxy has addresses of both families."""
        return self.ipv4 and self.ipv6

    @property
    def label_map(self) -> dict[str, str]:
        """The labels that rules select on."""
        return dict(self.labels)


def number_flag(snapshot: Snapshot, name: str, default: float) -> float:
    """Return a number of istiod's environment; `default` when unset or unreadable."""
    try:
        return float(snapshot.flags[name])
    except (KeyError, ValueError):
        return default


def metadata_flag(metadata: Json, name: str) -> bool:
    """Return a boolean of node metadata, which is a string on the wire."""
    return str(metadata.get(name, "")).lower() in ("1", "t", "true")


def listener_settings(
    snapshot: Snapshot, proxy: Proxy, *, labels: Mapping[str, str], unicast: str = ""
) -> ListenerSettings:
    """Collect the settings of a proxy.

    `labels` are those of its labels that rules select on, `unicast` its own address where a listener shows it.
    """
    metadata, config = proxy.metadata, proxy_config(snapshot, proxy)
    families = {ipaddress.ip_address(address).version for address in proxy.addresses}
    certificates = tuple(str(metadata.get(f"TLS_SERVER_{part}") or "") for part in ("CERT_CHAIN", "KEY", "ROOT_CERT"))
    return ListenerSettings(
        role=proxy.role,
        namespace=proxy.namespace,
        domain=proxy.domain,
        ipv4=4 in families,
        ipv6=6 in families,
        dual_stack=snapshot.flag("ISTIO_DUAL_STACK", default=False),
        interception=str(metadata.get("INTERCEPTION_MODE") or "REDIRECT"),
        status_port=_port(metadata.get("ENVOY_STATUS_PORT"), STATUS_PORT),
        prometheus_port=_port(metadata.get("ENVOY_PROMETHEUS_PORT"), PROMETHEUS_PORT),
        unprivileged=metadata_flag(metadata, "UNPRIVILEGED_POD"),
        idle_timeout=_readable_duration(str(metadata.get("IDLE_TIMEOUT") or "")),
        http10=snapshot.flag("PILOT_HTTP10", default=False) or metadata.get("HTTP10") == "1",
        inbound_exact_balance=metadata_flag(metadata, "INBOUND_LISTENER_EXACT_BALANCE"),
        outbound_exact_balance=metadata_flag(metadata, "OUTBOUND_LISTENER_EXACT_BALANCE"),
        http_proxy_port=str(metadata.get("HTTP_PROXY_PORT") or ""),
        uses_auto_addresses=_uses_auto_addresses(snapshot, proxy),
        credential_socket=metadata.get("credential") == "true",
        file_sds=metadata.get("file-credential") == "true",
        certificates=(certificates[0], certificates[1], certificates[2]),
        proxy_config=Document({key: config[key] for key in _SHOWN if key in config}),
        labels=tuple(sorted(labels.items())),
        unicast_address=unicast,
    )


def proxy_config(snapshot: Snapshot, proxy: Proxy) -> Json:
    """Return the effective ProxyConfig: what the agent sends, else the mesh's default."""
    own = proxy.metadata.get("PROXY_CONFIG")
    if isinstance(own, str):
        own = json.loads(own) if own.strip() else None
    return own if isinstance(own, dict) else dict(snapshot.mesh.get("defaultConfig") or {})


def trace_identity(proxy: Proxy) -> TraceIdentity:
    """Return what the proxy's traces report about it."""
    metadata = proxy.metadata
    return TraceIdentity(
        canonical_service=proxy.labels.get("service.istio.io/canonical-name") or "unknown",
        canonical_revision=proxy.labels.get("service.istio.io/canonical-revision") or "latest",
        mesh_id=str(metadata.get("MESH_ID") or "unknown"),
        namespace=proxy.namespace or "default",
        cluster_id=proxy.cluster_id or "unknown",
        otel_service=_otel_service(proxy),
    )


def global_unicast(proxy: Proxy) -> str:
    """Return the first address that is neither loopback nor link-local nor multicast; empty when there is none."""
    for text in proxy.addresses:
        address = ipaddress.ip_address(text)
        if not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified):
            return text
    return ""


def _uses_auto_addresses(snapshot: Snapshot, proxy: Proxy) -> bool:
    allocated = snapshot.flag("PILOT_ENABLE_IP_AUTOALLOCATE", default=True)
    captured = metadata_flag(proxy.metadata, "DNS_CAPTURE") or proxy.role is Role.WAYPOINT
    return captured and (allocated or metadata_flag(proxy.metadata, "DNS_AUTO_ALLOCATE"))


def _otel_service(proxy: Proxy) -> str:
    annotations: Any = proxy.metadata.get("ANNOTATIONS") or proxy.annotations
    containers = str(proxy.metadata.get("APP_CONTAINERS") or "").split(",")
    return (
        annotations.get("resource.opentelemetry.io/service.name")
        or proxy.labels.get("app.kubernetes.io/instance")
        or proxy.labels.get("app.kubernetes.io/name")
        or str(proxy.metadata.get("WORKLOAD_NAME") or proxy.workload_name)
        or proxy.id.name.partition(".")[0]
        or (containers[0] if len(containers) == 1 else "")
        or "unknown_service"
    )


def _readable_duration(text: str) -> str:
    """Return a duration of node metadata in proto-JSON's form; istiod ignores what it cannot read."""
    try:
        return duration(text) if text else ""
    except DurationError:
        return ""


def _port(value: Any, default: int) -> int:
    try:
        return int(value) if value else default
    except (TypeError, ValueError):
        return default

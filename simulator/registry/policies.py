"""Security, telemetry and extension policies as they apply to one workload.

istiod: pilot/pkg/model/authentication.go, authorization.go, telemetry.go, envoyfilter.go, extensions.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from simulator.model.caveats import Caveat
from simulator.model.resources import Resource
from simulator.model.wire import Json


class MtlsMode(StrEnum):
    """Effective PeerAuthentication mode of a workload port (istiod: MutualTLSMode)."""

    UNKNOWN = "UNKNOWN"
    DISABLE = "DISABLE"
    PERMISSIVE = "PERMISSIVE"
    STRICT = "STRICT"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAuthentication:
    """mTLS modes of a workload: `mode` for every port but those in `ports`. Hashable, so it can be part of a key."""

    mode: MtlsMode = MtlsMode.PERMISSIVE
    ports: tuple[tuple[int, MtlsMode], ...] = ()
    source: Resource | None = field(default=None, compare=False)

    def mode_of(self, port: int) -> MtlsMode:
        """Return the mode of a workload port."""
        return dict(self.ports).get(port, self.mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationPolicies:
    """AuthorizationPolicies that select a workload, by action, in istiod's order (root namespace first)."""

    custom: tuple[Resource, ...] = ()
    deny: tuple[Resource, ...] = ()
    allow: tuple[Resource, ...] = ()
    audit: tuple[Resource, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.custom or self.deny or self.allow or self.audit)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GatewayServer:
    """One `servers` entry of a Gateway, as it lands on a proxy."""

    gateway: Resource
    server: Json
    """The entry; of its hosts `./host` became `namespace/host`, `*/host` became `host`."""
    port: int
    """Port the listener binds, after translation through the Service of the gateway."""
    route_name: str
    """`http.80`, `https.443.<port name>.<gateway>.<namespace>`; empty for TCP and TLS passthrough."""
    sni_hosts: tuple[str, ...] = ()
    """Hosts without namespaces, sorted, where the server has TLS settings."""
    position: int = 0
    """Index of the entry in `spec.servers`."""

    @property
    def name(self) -> str:
        """`namespace/name` of the Gateway, as VirtualServices refer to it."""
        return f"{self.gateway.namespace}/{self.gateway.name}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MergedServers:
    """Servers that share a listener, and within it protocol and address."""

    port: int
    protocol: str
    """As the first server spells it."""
    bind: str
    route_name: str
    """Route configuration of HTTP servers without TLS; each server with TLS has its own."""
    servers: tuple[GatewayServer, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MergedGateway:
    """Gateway resources that select a gateway proxy, merged (istiod: MergedGateway, pilot/pkg/model/gateway.go)."""

    servers_by_port: Mapping[int, tuple[GatewayServer, ...]]
    """Bound (target) port → servers on it in merge order."""
    merged: tuple[MergedServers, ...] = ()
    """Servers by port, protocol and address, in the order in which they were first seen."""
    auto_passthrough: bool = False
    """Some server passes TLS through by SNI alone, for which the proxy needs clusters of its own."""
    caveats: tuple[Caveat, ...] = ()
    """Servers that conflict with an earlier one, so that istiod leaves them out."""

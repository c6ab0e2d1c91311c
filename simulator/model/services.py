"""Services and endpoints as istiod's registries know them.

istiod: pilot/pkg/model/service.go (Service, IstioEndpoint).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from simulator.model.labels import Labels
from simulator.model.ports import Port, Protocol
from simulator.model.resources import ObjectRef

UNSPECIFIED = "0.0.0.0"


class Registry(StrEnum):
    """Which registry a service came from."""

    KUBERNETES = "Kubernetes"
    EXTERNAL = "External"  # ServiceEntry


class Resolution(StrEnum):
    """How a client finds the endpoints (istiod: model.Resolution)."""

    CLIENT_SIDE_LB = "ClientSideLB"  # EDS
    DNS_LB = "DNSLB"
    DNS_ROUND_ROBIN_LB = "DNSRoundRobinLB"
    DYNAMIC_DNS = "DynamicDNS"
    PASSTHROUGH = "Passthrough"  # headless, or ServiceEntry NONE
    ALIAS = "Alias"  # ExternalName


@dataclass(frozen=True, slots=True, kw_only=True)
class Locality:
    """Region, zone and sub-zone; empty parts are unknown."""

    region: str = ""
    zone: str = ""
    subzone: str = ""

    def __str__(self) -> str:
        return "/".join((self.region, self.zone, self.subzone)).rstrip("/")

    def __bool__(self) -> bool:
        return bool(self.region or self.zone or self.subzone)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Service:
    """One host of a registry. Compared by identity, so it can be part of a key."""

    host: str
    name: str
    namespace: str
    registry: Registry
    source: ObjectRef
    ports: tuple[Port, ...]
    resolution: Resolution
    addresses: tuple[str, ...] = (UNSPECIFIED,)
    """The address that listeners use first, then those of other IP families; CIDRs only from ServiceEntry."""
    auto_addresses: tuple[str, ...] = ()
    """Addresses allocated to a ServiceEntry (status.addresses), used by proxies that capture DNS."""
    external_addresses: tuple[str, ...] = ()
    """LoadBalancer ingress and externalIPs."""
    mesh_external: bool = False
    type: str = "ClusterIP"
    external_name: str = ""
    labels: Labels = field(default_factory=dict)
    selector: Labels = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    export_to: frozenset[str] = frozenset()
    """Namespaces, or `*`, `.`, `~`; empty means the mesh's default."""
    service_accounts: tuple[str, ...] = ()
    """SANs declared by annotation or `subjectAltNames`; those of endpoints are added when clusters are built."""
    aliases: tuple[str, ...] = ()
    created: str = ""
    node_local: bool = False
    """internalTrafficPolicy: Local."""
    traffic_distribution: str = ""
    publish_not_ready: bool = False
    node_ports: Mapping[int, int] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The default address."""
        return self.addresses[0]

    @property
    def headless(self) -> bool:
        """Kubernetes service without a cluster IP, or one of several forms of original destination."""
        return self.resolution is Resolution.PASSTHROUGH

    def port(self, number: int) -> Port | None:
        """Return the port of that number; one of UDP is not found, since another may have the same number."""
        for port in self.ports:
            if port.number == number and port.protocol is not Protocol.UDP:
                return port
        return None


class Health(StrEnum):
    """Health of an endpoint as istiod sends it."""

    UNKNOWN = "UNKNOWN"
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"
    DRAINING = "DRAINING"
    TERMINATING = "TERMINATING"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """One address that answers for a service port (istiod: IstioEndpoint)."""

    address: str
    """IP, host name, or the path of a Unix domain socket."""
    port: int
    port_name: str
    addresses: tuple[str, ...] = ()
    """All addresses of a dual-stack endpoint, the first one included."""
    labels: Labels = field(default_factory=dict)
    service_account: str = ""
    """SPIFFE identity, `spiffe://…`; empty when unknown."""
    network: str = ""
    cluster_id: str = "Kubernetes"
    locality: Locality = field(default_factory=Locality)
    weight: int = 0
    """0 means unset."""
    tls_mode: str = "disabled"
    """`istio` or `disabled`: what the endpoint's workload declares that it accepts."""
    health: Health = Health.UNKNOWN
    workload_name: str = ""
    namespace: str = ""
    node_name: str = ""
    host_name: str = ""
    sub_domain: str = ""
    pod: ObjectRef | None = None
    service_port: int = 0
    """Number of the service port, where a ServiceEntry gave the endpoint; 0 means that `port_name` alone says it."""

"""What the path of a request depends on besides Envoy's configuration: names, addresses, and who owns them.

Data only, built by `registry` from manifests (or by `diagnosis` from a live cluster) and handed to `traffic`, which
may not know the registry itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from simulator.model.labels import GATEWAY_NAME
from simulator.model.proxies import ProxyId, Role
from simulator.model.resources import ObjectRef, Origin
from simulator.model.services import Locality


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Which connections of a pod its proxy takes over (istio-iptables), spelt as the annotations spell it."""

    inbound: bool = True
    outbound: bool = True
    include_inbound_ports: frozenset[int] | None = None
    """None means all."""
    exclude_inbound_ports: frozenset[int] = frozenset({15020, 15021, 15090})
    exclude_outbound_ports: frozenset[int] = frozenset()
    include_outbound_ports: frozenset[int] = frozenset()
    include_outbound_cidrs: tuple[str, ...] = ("*",)
    exclude_outbound_cidrs: tuple[str, ...] = ()
    dns: bool = False
    """The proxy answers DNS (ISTIO_META_DNS_CAPTURE)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A pod, or a workload entry, that can send and receive."""

    name: str
    namespace: str
    addresses: tuple[str, ...]
    proxy: ProxyId | None = None
    """The Envoy beside (or instead of) the application; None when there is none."""
    role: Role | None = None
    identity: str = ""
    """SPIFFE identity that its certificate carries; empty without a proxy."""
    capture: Capture = field(default_factory=Capture)
    ports: Mapping[int, str] = field(default_factory=dict, hash=False)
    """Container port → name. Only declared ports are known; other ports may be served as well."""
    service_account: str = "default"
    locality: Locality = field(default_factory=Locality)
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    owner: str = ""
    """The workload's own name, as in `deployment/web`."""
    owner_kind: str = ""
    source: ObjectRef | None = None
    host_network: bool = False
    ambient: bool = False
    """ztunnel on its node takes its traffic."""
    gateways: tuple[ObjectRef, ...] = ()
    """The Gateways that select it."""

    @property
    def id(self) -> str:
        """`name.namespace`."""
        return f"{self.name}.{self.namespace}"

    @property
    def gateway_names(self) -> frozenset[str]:
        """Names of a gateway: of its pod, its owner, the Gateway it runs, and its label `istio`."""
        labelled = (self.labels.get(label, "") for label in (GATEWAY_NAME, "istio"))
        return frozenset({self.name, self.owner, *labelled}) - {""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One endpoint of a service port, as kube-proxy knows it."""

    address: str
    port: int
    ready: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """One host: a Kubernetes service, or a host of a ServiceEntry."""

    host: str
    namespace: str
    addresses: tuple[str, ...] = ()
    """Virtual addresses; empty for headless services and for hosts known to public DNS only."""
    external_addresses: tuple[str, ...] = ()
    """LoadBalancer addresses and externalIPs."""
    node_ports: Mapping[int, int] = field(default_factory=dict, hash=False)
    """Node port → service port."""
    headless: bool = False
    external_name: str = ""
    kubernetes: bool = True
    """False for ServiceEntry hosts: cluster DNS does not know them."""
    backends: Mapping[int, tuple[Backend, ...]] = field(default_factory=dict, hash=False)
    """Service port → endpoints, in a stable order."""
    tcp_ports: frozenset[int] = frozenset()
    """Service ports that are declared to carry neither HTTP nor TLS."""
    source: ObjectRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Directory:
    """Hosts, addresses and pods of one mesh."""

    domain: str = "cluster.local"
    services: Mapping[str, ServiceRecord] = field(default_factory=dict)
    """Host → record."""
    workloads: tuple[Workload, ...] = ()
    names: Mapping[ProxyId, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Proxy that answers DNS → its table, host → addresses (NDS)."""
    origins: Mapping[ObjectRef, Origin] = field(default_factory=dict)
    nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Node → its addresses, where node ports answer."""
    tls_ports: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Address and port of an endpoint → why its server is taken to speak TLS itself, as a clause."""
    resolve: Mapping[str, str] = field(default_factory=dict)
    """Host → address that public DNS is taken to give (`--resolve`); comes first."""

    def search_path(self, host: str, namespace: str) -> Iterator[str]:
        """Yield the names that a pod's resolver tries for `host`, as `ndots:5` makes it."""
        if host.endswith("."):
            yield host[:-1]
            return
        searched = [
            f"{host}.{suffix}" for suffix in (f"{namespace}.svc.{self.domain}", f"svc.{self.domain}", self.domain)
        ]
        yield from [host, *searched] if host.count(".") >= 5 else [*searched, host]

    def workload_at(self, address: str) -> Workload | None:
        """Return the workload that has an address; one on the host network only if no other has it."""
        found = [workload for workload in self.workloads if address in workload.addresses]
        return min(found, key=lambda workload: workload.host_network, default=None)

    def workload(self, name: str, namespace: str) -> Workload | None:
        """Return a workload by the name of its pod."""
        return next((w for w in self.workloads if w.name == name and w.namespace == namespace), None)

    def service_at(self, address: str) -> ServiceRecord | None:
        """Return the service that has a virtual or external address."""
        for record in self.services.values():
            if address in record.addresses or address in record.external_addresses:
                return record
        return None

    def node_at(self, address: str) -> str:
        """Return the node that has an address; empty when there is none."""
        return next((node for node, addresses in self.nodes.items() if address in addresses), "")

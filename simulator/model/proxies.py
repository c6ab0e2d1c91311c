"""Proxies: one Envoy each (istiod: Node, pilot/pkg/model/context.go)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from simulator.model.labels import Labels
from simulator.model.ports import Port
from simulator.model.services import Locality, Service
from simulator.model.wire import Json


class Direction(StrEnum):
    """Direction of traffic seen from the proxy."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Role(StrEnum):
    """What a proxy is in the mesh; the value is the node type on the wire."""

    SIDECAR = "sidecar"
    GATEWAY = "router"
    WAYPOINT = "waypoint"
    ZTUNNEL = "ztunnel"


@dataclass(frozen=True, slots=True, order=True)
class ProxyId:
    """Pod name and namespace; printed `name.namespace` as istioctl and Envoy's node id do."""

    name: str
    namespace: str

    def __str__(self) -> str:
        return f"{self.name}.{self.namespace}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name.namespace`; the last dot divides, since pod names may have dots."""
        name, _, namespace = text.rpartition(".")
        return cls(name, namespace)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proxy:
    """What istiod knows of one Envoy from its node metadata and its pod. Compared by identity."""

    id: ProxyId
    role: Role
    addresses: tuple[str, ...]
    labels: Labels
    """Pod labels plus the topology labels that istiod adds."""
    metadata: Json = field(default_factory=dict, repr=False)
    """Node metadata as the agent sends it (`NAMESPACE`, `PROXY_CONFIG`, `INTERCEPTION_MODE`, …)."""
    locality: Locality = field(default_factory=Locality)
    network: str = ""
    cluster_id: str = "Kubernetes"
    node_name: str = ""
    service_account: str = "default"
    workload_name: str = ""
    revision: str = "default"
    istio_version: str = "1.30.3"
    domain: str = "cluster.local"
    """The Kubernetes DNS domain; the node's own is `<namespace>.svc.<domain>`."""
    annotations: Labels = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """Namespace of the pod, which is that of the configuration it gets."""
        return self.id.namespace

    @property
    def node_id(self) -> str:
        """`type~ip~name.namespace~namespace.svc.domain`."""
        address = self.addresses[0] if self.addresses else ""
        return f"{self.role.value}~{address}~{self.id}~{self.namespace}.svc.{self.domain}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServiceTarget:
    """A service port that the proxy's own workload serves (istiod: ServiceTarget)."""

    service: Service
    port: Port
    target_port: int

"""Waypoints, and which services and workloads send their traffic through one.

istiod: pilot/pkg/serviceregistry/ambient/waypoints.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.model.labels import GATEWAY_NAME, Labels, label_selector_selects
from simulator.model.own_ports import HBONE_PORT
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.resource_index import KUBERNETES_GATEWAY, ResourceIndex
from simulator.registry.workloads import Workloads

USE_WAYPOINT = "istio.io/use-waypoint"
_USE_NAMESPACE = "istio.io/use-waypoint-namespace"
_FOR = "istio.io/waypoint-for"
_BINDING = "ambient.istio.io/waypoint-inbound-binding"
_MANAGED = "gateway.istio.io/managed"
_NO_TARGETS = frozenset({"istio.io-mesh-controller", "istio.io-eastwest-controller"})
_SANDWICH = "istio.io/PROXY"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waypoint:
    """A Gateway that istiod has seen an address of, so that traffic can be sent through it."""

    name: str
    namespace: str
    host: str
    """Host by which clients reach it; empty when only an address is known."""
    address: str = ""
    traffic: str = "service"
    """What it is for: `service`, `workload`, `all` or `none`."""
    accounts: tuple[str, ...] = ()
    """Service accounts of its pods."""
    admits: Json = field(default_factory=dict)
    """`allowedRoutes.namespaces` of the listener that decides who may use it."""
    binding: tuple[str, int] | None = None
    """Protocol and port through which ztunnel hands connections to it, where it asks for that."""


class Waypoints:
    """The waypoints of a mesh."""

    def __init__(self, index: ResourceIndex, workloads: Workloads) -> None:
        self._index = index
        self._by_name: dict[tuple[str, str], Waypoint] = {}
        for gateway in index.of_kind(KUBERNETES_GATEWAY):
            if gateway.status.get("addresses"):
                found = self._convert(gateway, workloads)
                self._by_name[found.namespace, found.name] = found

    def of_service(self, namespace: str, labels: Labels) -> Waypoint | None:
        """Return the waypoint that captures connections to a service with these labels."""
        if labels.get(_MANAGED) in _NO_TARGETS:
            return None
        found = self._target(namespace, labels)
        return found if found is not None and found.traffic in ("service", "all") else None

    def of_workload(self, namespace: str, labels: Labels) -> Waypoint | None:
        """Return the waypoint that captures connections to the address of a workload with these labels."""
        if self.of_instance(namespace, labels) is not None:
            return None
        found = self._target(namespace, labels)
        return found if found is not None and found.traffic in ("workload", "all") else None

    def of_instance(self, namespace: str, labels: Labels) -> Waypoint | None:
        """Return the waypoint that a workload is an instance of."""
        return self._by_name.get((namespace, labels.get(GATEWAY_NAME) or ""))

    def _target(self, namespace: str, labels: Labels) -> Waypoint | None:
        """Follow the label of the object, else that of its namespace; `none` on the object opts out."""
        owner = self._index.get("Namespace", "", namespace)
        inherited = owner.labels if owner else {}
        chosen: Mapping[str, str] = labels if USE_WAYPOINT in labels else inherited
        name = chosen.get(USE_WAYPOINT)
        if name is None or name == "none":
            return None
        found = self._by_name.get((chosen.get(_USE_NAMESPACE) or namespace, name))
        return found if found is not None and _admits(found, namespace, inherited) else None

    def _convert(self, gateway: Resource, workloads: Workloads) -> Waypoint:
        labels = {GATEWAY_NAME: gateway.name}
        pods = [pod for pod in workloads.pods if pod.namespace == gateway.namespace]
        instances = [pod for pod in pods if pod.labels.get(GATEWAY_NAME) == labels[GATEWAY_NAME]]
        gateway_class = self._index.get("GatewayClass", "", gateway.spec.get("gatewayClassName") or "")
        inherited = gateway_class.labels if gateway_class else {}
        binding = _binding(gateway.annotations) or _binding(gateway_class.annotations if gateway_class else {})
        return Waypoint(
            name=gateway.name,
            namespace=gateway.namespace,
            host=_address(gateway, "Hostname"),
            address=_address(gateway, "IPAddress"),
            traffic=gateway.labels.get(_FOR) or inherited.get(_FOR) or "service",
            accounts=tuple(sorted(pod.spec.get("serviceAccountName") or "" for pod in instances)),
            admits=_deciding_listener(gateway, binding),
            binding=binding,
        )


def _address(gateway: Resource, kind: str) -> str:
    """Return the first address of a type in the status; no schema holds a status in a file to its form."""
    addresses = gateway.status.get("addresses")
    for one in addresses if isinstance(addresses, list) else ():
        if isinstance(one, dict) and one.get("type") == kind:
            return str(one.get("value") or "")
    return ""


def _admits(waypoint: Waypoint, namespace: str, labels: Labels) -> bool:
    match waypoint.admits.get("from") or "Same":
        case "All":
            return True
        case "Selector":
            selector = waypoint.admits.get("selector")  # none selects nothing, an empty one everything
            return selector is not None and label_selector_selects(selector, labels)
    return waypoint.namespace == namespace


def _deciding_listener(gateway: Resource, binding: tuple[str, int] | None) -> Json:
    listeners = gateway.spec.get("listeners") or ()

    def bound(entry: Json) -> bool:
        protocol, port = binding or ("", 0)
        if port:
            return bool(entry.get("port") == port)
        return protocol == "PROXY" and entry.get("protocol") == _SANDWICH

    def hbone(entry: Json) -> bool:
        return (entry.get("protocol"), entry.get("port")) == ("HBONE", HBONE_PORT)

    deciding: Json = next((one for test in (bound, hbone) for one in listeners if test(one)), {})
    return (deciding.get("allowedRoutes") or {}).get("namespaces") or {}


def _binding(annotations: Mapping[str, str]) -> tuple[str, int] | None:
    protocol, _, port = (annotations.get(_BINDING) or "").partition("/")
    if protocol not in ("NONE", "PROXY"):
        return None
    return (protocol, int(port) if port.isdigit() else 0)

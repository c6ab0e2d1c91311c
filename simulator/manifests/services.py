"""What the API server and the cloud write into a Service: cluster addresses, node ports, ingress addresses.

Kubernetes: pkg/registry/core/service/storage/alloc.go. A Service that has a cluster address already comes from a
cluster and is taken as it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from simulator.manifests.identity import LOAD_BALANCER_NETWORK, SERVICE_NETWORKS, AddressPool, Pool
from simulator.model.resources import Resource
from simulator.model.wire import Json

_NODE_PORTS = range(30000, 32768)
_OTHER = {"IPv4": "IPv6", "IPv6": "IPv4"}
_RESERVED = ("10.96.0.1", "10.96.0.10")


def allocate(services: Iterable[Resource], *, families: Sequence[str]) -> tuple[Resource, ...]:
    """Return the services with everything filled in that a cluster of these address families would."""
    ordered = sorted(services, key=lambda service: (service.namespace, service.name))
    allocator = _Allocator(ordered, families)
    return tuple(allocator.filled(service) for service in ordered)


class _Allocator:
    def __init__(self, services: Sequence[Resource], families: Sequence[str]) -> None:
        self.families = families
        taken = [address for service in services for address in service.spec.get("clusterIPs") or ()]
        ingress = [
            entry.get("ip", "")
            for service in services
            for entry in service.get("status", "loadBalancer", "ingress", default=())
        ]
        ports = [port.get("nodePort") or 0 for service in services for port in service.spec.get("ports") or ()]
        self.clusters = {
            f"IPv{network.version}": AddressPool(network, taken=[*_RESERVED, *taken]) for network in SERVICE_NETWORKS
        }
        self.load_balancers = AddressPool(LOAD_BALANCER_NETWORK, taken=ingress)
        self.node_ports = Pool(len(_NODE_PORTS), taken=(port - _NODE_PORTS.start for port in ports if port))

    def filled(self, service: Resource) -> Resource:
        spec = service.spec
        if spec.get("type") == "ExternalName" or _is_allocated(spec):
            return service
        families = _families(spec, self.families)
        changed: Json = {**spec, "ipFamilies": families}
        changed.setdefault("ipFamilyPolicy", "SingleStack" if len(families) == 1 else "PreferDualStack")
        if spec.get("clusterIP") == "None":
            changed["clusterIPs"] = ["None"]
            return _with(service, spec=changed)
        identity = (service.namespace, service.name)
        addresses = [self.clusters[family].take("Service", *identity) for family in families]
        changed |= {"clusterIP": addresses[0], "clusterIPs": addresses}
        if spec.get("type") in ("NodePort", "LoadBalancer") and spec.get("allocateLoadBalancerNodePorts") is not False:
            changed["ports"] = [self._with_node_port(port, identity) for port in spec.get("ports") or ()]
        status = service.status
        if spec.get("type") == "LoadBalancer" and not service.get("status", "loadBalancer", "ingress"):
            address = spec.get("loadBalancerIP") or self.load_balancers.take("LoadBalancer", *identity)
            status = {**status, "loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
        return _with(service, spec=changed, status=status)

    def _with_node_port(self, port: Json, identity: tuple[str, str]) -> Json:
        if port.get("nodePort"):
            return port
        taken = self.node_ports.take("nodePort", *identity, port.get("port"), port.get("protocol"))
        return {**port, "nodePort": _NODE_PORTS[taken]}


def _is_allocated(spec: Json) -> bool:
    address = spec.get("clusterIP")
    return bool(spec.get("ipFamilies")) if address == "None" else bool(address)


def cluster_families(resources: Iterable[Resource]) -> tuple[str, ...]:
    """Return the address families of a cluster, as shown by its Services and live Pods; IPv4 by default."""
    named: set[str] = set()
    for resource in resources:
        if resource.kind == "Service":
            named.update(family for family in resource.spec.get("ipFamilies") or () if family in _OTHER)
            named.update(_OTHER if resource.spec.get("ipFamilyPolicy") == "RequireDualStack" else ())
        elif resource.kind == "Pod":
            named.update(
                "IPv6" if ":" in entry.get("ip", "") else "IPv4" for entry in resource.status.get("podIPs") or ()
            )
    return tuple(family for family in _OTHER if family in named) or ("IPv4",)


def ip_families(spec: Json) -> list[str]:
    """Return the address families that a Service names; IPv4 when it names none."""
    return [family for family in spec.get("ipFamilies") or () if family in _OTHER][:2] or ["IPv4"]


def _families(spec: Json, cluster: Sequence[str]) -> list[str]:
    named = [family for family in spec.get("ipFamilies") or () if family in _OTHER][:2] or [cluster[0]]
    policy = spec.get("ipFamilyPolicy")
    if len(named) == 1 and (policy == "RequireDualStack" or (policy == "PreferDualStack" and len(cluster) == 2)):
        named.append(_OTHER[named[0]])
    return named


def _with(resource: Resource, **fields: Any) -> Resource:
    changed = {name: value for name, value in fields.items() if value}
    return replace(resource, document={**resource.document, **changed})

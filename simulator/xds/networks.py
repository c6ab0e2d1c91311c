"""Gateways to other networks, and what they do to a client's endpoints.

istiod: pilot/pkg/model/network.go, pilot/pkg/serviceregistry/kube/controller/network.go,
pilot/pkg/xds/endpoints/ep_filters.go (EndpointsByNetworkFilter).
"""

import ipaddress
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulator.model.resources import Resource
from simulator.model.services import Endpoint, Locality, Registry, Service
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Place
from simulator.xds.envoy_messages import address
from simulator.xds.locality import LocalityGroup

NETWORK_LABEL = "topology.istio.io/network"
PORT_LABEL = "networking.istio.io/gatewayPort"
GATEWAY_PORT = 15443
_MODE_OPTION = "gateway.istio.io/listener-protocol"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class NetworkGateway:
    """An address through which the workloads of a network are reached."""

    address: str
    port: int
    network: str
    cluster_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkGateways:
    """All known gateways; `scale` makes any endpoint's weight divisible among the gateways of its network."""

    all: tuple[NetworkGateway, ...] = ()
    scale: int = 1

    def of(self, network: str, cluster_id: str) -> tuple[NetworkGateway, ...]:
        """Return the gateways of a network, those of the endpoint's own cluster if it has any."""
        same = tuple(gateway for gateway in self.all if gateway.network == network)
        return tuple(gateway for gateway in same if gateway.cluster_id == cluster_id) or same


def network_gateways(snapshot: Snapshot, resolved: bool) -> NetworkGateways:
    """Collect the mesh's network gateways; `resolved` leaves out those known by host name only."""
    networks = snapshot.networks
    found = {
        NetworkGateway(address=gateway["address"], port=int(gateway.get("port") or 0), network=name)
        for name, network in networks.items()
        for gateway in network.get("gateways") or ()
        if gateway.get("address")
    }
    for service in snapshot.services:
        if service.registry is Registry.KUBERNETES:
            found.update(_service_gateways(service, networks, cluster_id=snapshot.cluster_id))
    if snapshot.flag("PILOT_MULTI_NETWORK_DISCOVER_GATEWAY_API", default=True):
        for resource in snapshot.resources("KubernetesGateway"):
            found.update(_resource_gateways(resource, cluster_id=snapshot.cluster_id))
    chosen = sorted(gateway for gateway in found if not resolved or _is_ip(gateway.address))
    counts: dict[tuple[str, ...], int] = {}
    for gateway in chosen:
        for key in ((gateway.network,), (gateway.network, gateway.cluster_id)):
            counts[key] = counts.get(key, 0) + 1
    return NetworkGateways(all=tuple(chosen), scale=math.lcm(1, *counts.values()))


def _service_gateways(service: Service, networks: Mapping[str, Json], *, cluster_id: str) -> list[NetworkGateway]:
    details: list[tuple[str, int]] = []
    if network := service.labels.get(NETWORK_LABEL):
        text = service.labels.get(PORT_LABEL, "")
        port = int(text) if text.isdigit() else GATEWAY_PORT
        details = [(network, port)] if service.port(port) else []
    else:
        details = [
            (name, int(gateway.get("port") or 0))
            for name, network in networks.items()
            if any(endpoint.get("fromRegistry") == cluster_id for endpoint in network.get("endpoints") or ())
            for gateway in network.get("gateways") or ()
            if gateway.get("registryServiceName") == service.host
        ]
    return [
        NetworkGateway(address=ip, port=service.node_ports.get(port, port), network=name, cluster_id=cluster_id)
        for ip in service.external_addresses
        for name, port in details
    ]


def _resource_gateways(resource: Resource, *, cluster_id: str) -> list[NetworkGateway]:
    """Return the gateways that a Gateway API resource labelled with its network declares."""
    network = resource.labels.get(NETWORK_LABEL)
    expected = resource.labels.get(PORT_LABEL, str(GATEWAY_PORT))
    if not network:
        return []
    ports = []
    for listener in resource.spec.get("listeners") or ():
        tls = listener.get("tls")
        by_option = ((tls or {}).get("options") or {}).get(_MODE_OPTION) == "auto-passthrough"
        if (tls is not None and (by_option or str(listener.get("port")) == expected)) or (
            listener.get("protocol") == "HBONE"
        ):
            ports.append(int(listener.get("port") or 0))
    return [
        NetworkGateway(address=entry["value"], port=port, network=network, cluster_id=cluster_id)
        for entry in resource.spec.get("addresses") or ()
        if entry.get("value") and (entry.get("type") or "IPAddress") in ("IPAddress", "Hostname")
        for port in ports
    ]


def through_gateways(
    groups: Sequence[LocalityGroup], *, place: Place, gateways: NetworkGateways
) -> list[LocalityGroup]:
    """Replace the endpoints of other networks by the gateways to them; without any gateway nothing changes."""
    if not gateways.all:
        return list(groups)
    result = []
    for group in groups:
        kept = LocalityGroup(locality=group.locality, priority=group.priority)
        weights: dict[NetworkGateway, int] = {}
        for endpoint, member in group.members:
            weight = min((member.get("load_balancing_weight") or 1) * gateways.scale, 2**32 - 1)
            routes = gateways.of(endpoint.network, endpoint.cluster_id)
            if not routes or _directly_reachable(place, endpoint.network):
                kept.members.append((endpoint, {**member, "load_balancing_weight": weight}))
                continue
            reachable = _of_family(routes, place)
            if reachable and is_mtls(member):
                for gateway in reachable:
                    weights[gateway] = weights.get(gateway, 0) + weight // len(reachable)
        for gateway in sorted(weights):
            kept.members.append(_gateway_member(gateway, weights[gateway] or 1))
        kept.weigh()
        result.append(kept)
    return result


def is_mtls(member: Json) -> bool:
    """Tell whether an endpoint is one that is called with Istio mTLS."""
    metadata = member.get("metadata", {}).get("filter_metadata", {})
    return bool(metadata.get("envoy.transport_socket_match", {}).get("tlsMode") == "istio")


def _directly_reachable(place: Place, network: str) -> bool:
    if place.network:
        return network in ("", place.network)
    return not network  # a client that does not know its network takes the gateway where there is one


def _of_family(gateways: Sequence[NetworkGateway], place: Place) -> Sequence[NetworkGateway]:
    if place.ipv4 == place.ipv6:
        return gateways
    version = 4 if place.ipv4 else 6
    return [g for g in gateways if _is_ip(g.address) and ipaddress.ip_address(g.address).version == version]


def _gateway_member(gateway: NetworkGateway, weight: int) -> tuple[Endpoint, Json]:
    labels = {NETWORK_LABEL: gateway.network}
    if gateway.cluster_id:
        labels["topology.istio.io/cluster"] = gateway.cluster_id
    endpoint = Endpoint(
        address=gateway.address,
        port=gateway.port,
        port_name="",
        network=gateway.network,
        cluster_id=gateway.cluster_id,
        locality=Locality(),
        labels=labels,
    )
    member = {
        "endpoint": {"address": address(gateway.address, gateway.port)},
        "load_balancing_weight": weight,
        "metadata": {
            "filter_metadata": {
                "envoy.transport_socket_match": {"tlsMode": "istio"},
                "istio": {"workload": f";;;;{gateway.cluster_id}"},
            }
        },
    }
    return endpoint, member


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

"""Gateways to other networks, and what they do to a client's endpoints.

istiod: pilot/pkg/model/network.go, pilot/pkg/serviceregistry/kube/controller/network.go,
pilot/pkg/xds/endpoints/ep_filters.go (EndpointsByNetworkFilter).
"""

import ipaddress
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulator.model.addresses import is_address
from simulator.model.own_ports import HBONE_PORT
from simulator.model.proxies import Role
from simulator.model.resources import Resource
from simulator.model.services import Endpoint, Locality, Registry, Service
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Place
from simulator.xds.envoy_messages import address
from simulator.xds.lb_endpoints import host_and_port, tunnelled_endpoint
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
    hbone_port: int = 0
    """Port of its tunnels, 0 for none; `port` is 0 where it takes nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkGateways:
    """All known gateways; `scale` makes any endpoint's weight divisible among the gateways of its network."""

    all: tuple[NetworkGateway, ...] = ()
    scale: int = 1

    doubly: bool = False
    """Gateways and waypoints reach other networks by a tunnel in a tunnel (AMBIENT_ENABLE_MULTI_NETWORK)."""
    waypoints: bool = True
    ingress: bool = False
    """Of those, which kinds do."""

    def of(self, endpoint: Endpoint, place: Place) -> tuple[NetworkGateway, ...]:
        """Return the gateways to an endpoint that a client can use: of its cluster, if it has any, else its network."""
        same = tuple(gateway for gateway in self.all if gateway.network == endpoint.network)
        same = tuple(gateway for gateway in same if gateway.cluster_id == endpoint.cluster_id) or same
        if place.role is Role.SIDECAR:
            return tuple(gateway for gateway in same if gateway.port)
        return tuple(gateway for gateway in same if gateway.hbone_port) if self.doubly else same

    def by_tunnels(self, place: Place) -> bool:
        """Tell whether a client reaches other networks by tunnels only."""
        return self.doubly and place.role is not Role.SIDECAR

    def hides(self, place: Place) -> bool:
        """Tell whether other networks are out of reach for a client of that kind."""
        return self.doubly and (
            (place.role is Role.WAYPOINT and not self.waypoints) or (place.is_ingress and not self.ingress)
        )


def network_gateways(snapshot: Snapshot, resolved: bool) -> NetworkGateways:
    """Collect the mesh's network gateways; `resolved` leaves out those known by host name only.

    The others serve endpoints that are resolved by DNS, and istiod is late with them: it takes them over only when it
    hears of a gateway that leaves the resolved ones as they are.
    """
    known: set[NetworkGateway] = set()
    usable: set[NetworkGateway] = set()
    late: set[NetworkGateway] = set()
    for news in _gateway_news(snapshot):
        known |= news
        now = {gateway for gateway in known if is_address(gateway.address)}
        if news and now == usable:
            late = set(known)
        usable = now
    chosen = sorted(usable if resolved else late)
    counts: dict[tuple[str, ...], int] = {}
    for gateway in chosen:
        for key in ((gateway.network,), (gateway.network, gateway.cluster_id)):
            counts[key] = counts.get(key, 0) + 1
    return NetworkGateways(
        all=tuple(chosen),
        scale=math.lcm(1, *counts.values()),
        doubly=snapshot.flag("AMBIENT_ENABLE_MULTI_NETWORK", default=False),
        waypoints=snapshot.flag("AMBIENT_ENABLE_MULTI_NETWORK_WAYPOINT", default=True),
        ingress=snapshot.flag("AMBIENT_ENABLE_MULTI_NETWORK_INGRESS", default=False),
    )


def _gateway_news(snapshot: Snapshot) -> Iterator[set[NetworkGateway]]:
    """Yield network gateways as istiod hears of them: from the mesh, then each Service and Gateway."""
    networks = snapshot.networks
    yield {
        NetworkGateway(address=gateway["address"], port=int(gateway.get("port") or 0), network=name)
        for name, network in networks.items()
        for gateway in network.get("gateways") or ()
        if gateway.get("address")
    }
    services = (service for service in snapshot.services if service.registry is Registry.KUBERNETES)
    for service in sorted(services, key=lambda one: (one.namespace, one.host)):
        yield set(_service_gateways(service, networks, cluster_id=snapshot.cluster_id))
    if snapshot.flag("PILOT_MULTI_NETWORK_DISCOVER_GATEWAY_API", default=True):
        for resource in snapshot.resources("KubernetesGateway"):
            yield set(_resource_gateways(resource, cluster_id=snapshot.cluster_id))


def _service_gateways(service: Service, networks: Mapping[str, Json], *, cluster_id: str) -> list[NetworkGateway]:
    details: list[tuple[str, int, int]] = []
    if network := service.labels.get(NETWORK_LABEL):
        text = service.labels.get(PORT_LABEL, "")
        port = int(text) if text.isdigit() else GATEWAY_PORT
        port, hbone = port if service.port(port) else 0, HBONE_PORT if service.port(HBONE_PORT) else 0
        details = [(network, port, hbone)] if port or hbone else []
    else:
        details = [
            (name, int(gateway.get("port") or 0), 0)
            for name, network in networks.items()
            if any(endpoint.get("fromRegistry") == cluster_id for endpoint in network.get("endpoints") or ())
            for gateway in network.get("gateways") or ()
            if gateway.get("registryServiceName") == service.host
        ]
    return [
        NetworkGateway(
            address=ip,
            port=service.node_ports.get(port, port),
            network=name,
            cluster_id=cluster_id,
            hbone_port=hbone,
        )
        for ip in service.external_addresses
        for name, port, hbone in details
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
        port = int(listener.get("port") or 0)
        if tls is not None and (by_option or str(port) == expected):
            ports.append((port, 0))
        if listener.get("protocol") == "HBONE":
            ports.append((port, port))
    return [
        NetworkGateway(address=entry["value"], port=port, network=network, cluster_id=cluster_id, hbone_port=hbone)
        for entry in resource.spec.get("addresses") or ()
        if entry.get("value") and (entry.get("type") or "IPAddress") in ("IPAddress", "Hostname")
        for port, hbone in ports
    ]


def through_gateways(
    groups: Sequence[LocalityGroup], *, place: Place, gateways: NetworkGateways, target: str, by_match: bool
) -> list[LocalityGroup]:
    """Replace the endpoints of other networks by the gateways to them; without any gateway nothing changes.

    Where there are gateways, an endpoint that is called directly needs an address: Unix domain sockets have none.
    `target`: host and port of the service, for tunnels inside tunnels; `by_match`: the cluster has other sockets.
    """
    tunnels = gateways.by_tunnels(place)
    if not gateways.all and not tunnels:
        return list(groups)
    result = []
    for group in groups:
        kept = LocalityGroup(locality=group.locality, priority=group.priority)
        weights: dict[NetworkGateway, int] = {}
        for endpoint, member in group.members:
            weight = min((member.get("load_balancing_weight") or 1) * gateways.scale, 2**32 - 1)
            routes = gateways.of(endpoint, place)
            reachable = _of_family(routes, place)
            foreign = bool(place.network and endpoint.network and place.network != endpoint.network)
            if foreign and gateways.doubly and (gateways.hides(place) or not reachable):
                continue
            if not routes or _directly_reachable(place, endpoint.network):
                if endpoint.address and endpoint.port:
                    kept.members.append((endpoint, {**member, "load_balancing_weight": weight}))
                continue
            if reachable and (tunnels or is_mtls(member)):
                for gateway in reachable:
                    weights[gateway] = weights.get(gateway, 0) + weight // len(reachable)
        for gateway in sorted(weights):
            member = _gateway_member(gateway, weights[gateway] or 1)
            if tunnels:
                member = _doubly_tunnelled(member, gateway, target=target, by_match=by_match)
            kept.members.append((_stand_in(gateway), member))
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
    return [g for g in gateways if is_address(g.address) and ipaddress.ip_address(g.address).version == version]


def _stand_in(gateway: NetworkGateway) -> Endpoint:
    labels = {NETWORK_LABEL: gateway.network}
    if gateway.cluster_id:
        labels["topology.istio.io/cluster"] = gateway.cluster_id
    return Endpoint(
        address=gateway.address,
        port=gateway.port,
        port_name="",
        network=gateway.network,
        cluster_id=gateway.cluster_id,
        locality=Locality(),
        labels=labels,
    )


def _gateway_member(gateway: NetworkGateway, weight: int) -> Json:
    return {
        "endpoint": {"address": address(gateway.address, gateway.port)},
        "load_balancing_weight": weight,
        "metadata": {
            "filter_metadata": {
                "envoy.transport_socket_match": {"tlsMode": "istio"},
                "istio": {"workload": f";;;;{gateway.cluster_id}"},
            }
        },
    }


def _doubly_tunnelled(member: Json, gateway: NetworkGateway, *, target: str, by_match: bool) -> Json:
    known = member["metadata"]["filter_metadata"]["istio"]
    metadata = {"istio": {**known, "double_hbone": {"hbone_target_address": target}}}
    plain = {**member, "metadata": {"filter_metadata": metadata}}
    ends = host_and_port(gateway.address, gateway.hbone_port)
    return tunnelled_endpoint(plain, ends, chosen_by_match=by_match, listener="inner_connect_originate")

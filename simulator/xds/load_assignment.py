"""The endpoints of one cluster as one kind of client sees them, grouped by locality.

istiod: pilot/pkg/xds/endpoints/endpoint_builder.go, mtls_checker.go.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from simulator.model.labels import selects
from simulator.model.own_ports import HBONE_PORT
from simulator.model.services import Endpoint, Health, Resolution, Service
from simulator.registry.ambient.waypoints import Waypoint
from simulator.registry.endpoint_slices import tunnel_enabled
from simulator.registry.policies import MtlsMode
from simulator.registry.scopes import DestinationRule
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Place
from simulator.xds.internal_sockets import CONNECT_ORIGINATE
from simulator.xds.lb_endpoints import draining_by_label, envoy_endpoint, host_and_port, tunnelled_endpoint
from simulator.xds.locality import LocalityGroup
from simulator.xds.networks import is_mtls, network_gateways, through_gateways
from simulator.xds.outlier_detection import supports_unhealthy
from simulator.xds.traffic_policy import rule_subset
from simulator.xds.tunnels import FORWARD_INNER, MANAGED
from simulator.xds.view import Shared

DNS = frozenset({Resolution.DNS_LB, Resolution.DNS_ROUND_ROBIN_LB})
PERSISTENT_SESSION_LABEL = "istio.io/persistent-session"
_WAYPOINT_CONTROLLER = "istio.io-mesh-controller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which endpoints a cluster asks for, and from where."""

    service: Service
    port: int
    place: Place
    subset: str = ""
    rule: DestinationRule | None = None
    sni_dnat: bool = False
    """The cluster passes mTLS through, so only endpoints that speak it may be in it."""
    vip: bool = False
    """The cluster is a waypoint's, to a service that it serves: tunnels are the only way to the endpoints."""


def locality_groups(snapshot: Snapshot, shared: Shared, wanted: Wanted) -> list[LocalityGroup]:
    """Return the endpoints of a service's port and subset by locality, in order of its name; priorities come later."""
    service, rule, subset = wanted.service, wanted.rule, wanted.subset
    labels = (rule_subset(rule, subset) or {}).get("labels") or {} if subset else {}
    mode = rule_tls_mode(rule, port=wanted.port, subset=subset)
    resolves = service.resolution in DNS
    by_locality: dict[str, LocalityGroup] = {}
    for endpoint in snapshot.endpoints(service, wanted.port):
        if not selects(labels, endpoint.labels) or not _is_sent(snapshot, service, endpoint, wanted.place):
            continue
        facts = shared(endpoint_facts, endpoint)
        if not facts.dialled and not resolves:
            continue
        mtls = facts.mtls if mode is None else mode == "ISTIO_MUTUAL"
        member = shared(envoy_endpoint, endpoint, mtls, service if service.mesh_external else None)
        if facts.tunnelled and _takes_tunnel(snapshot, endpoint, wanted):
            listener = FORWARD_INNER if wanted.place.joins_networks else CONNECT_ORIGINATE
            target = host_and_port(endpoint.address, endpoint.port)
            member = tunnelled_endpoint(member, target, chosen_by_match=not wanted.vip, listener=listener)
        group = by_locality.setdefault(facts.locality, LocalityGroup(locality=endpoint.locality))
        group.members.append((endpoint, member))
    if not by_locality:
        return []
    groups = _across_networks(snapshot, shared, wanted, by_locality)
    if wanted.sni_dnat:
        for group in groups:
            group.members = [member for member in group.members if is_mtls(member[1])]
            group.weigh()
    return groups


def waypoint_groups(snapshot: Snapshot, shared: Shared, wanted: Wanted, waypoint: Waypoint) -> list[LocalityGroup]:
    """Return the instances of a waypoint as endpoints of the service that they serve."""
    service = wanted.service
    own = snapshot.services_of_host(waypoint.host).get(waypoint.namespace)
    by_locality: dict[str, LocalityGroup] = {}
    for endpoint in snapshot.endpoints(own, HBONE_PORT) if own else ():
        if not _is_sent(snapshot, service, endpoint, wanted.place):
            continue
        facts = shared(endpoint_facts, endpoint)
        mtls = facts.mtls if rule_tls_mode(wanted.rule, port=wanted.port, subset=wanted.subset) is None else False
        member = shared(envoy_endpoint, endpoint, mtls, None)
        target = host_and_port(service.address, wanted.port)
        member = tunnelled_endpoint(member, target, waypoint=host_and_port(endpoint.address, endpoint.port))
        group = by_locality.setdefault(facts.locality, LocalityGroup(locality=endpoint.locality))
        group.members.append((endpoint, member))
    return _across_networks(snapshot, shared, wanted, by_locality)


def _across_networks(
    snapshot: Snapshot, shared: Shared, wanted: Wanted, by_locality: Mapping[str, LocalityGroup]
) -> list[LocalityGroup]:
    """Return the groups in order, weighed, with gateways in place of what other networks hold."""
    groups = [by_locality[label] for label in sorted(by_locality)]
    for group in groups:
        group.weigh()
    return through_gateways(
        groups,
        place=wanted.place,
        gateways=shared(network_gateways, wanted.service.resolution not in DNS),
        target=f"{wanted.service.host}:{wanted.port}",
        by_match=not wanted.vip,
    )


def _takes_tunnel(snapshot: Snapshot, endpoint: Endpoint, wanted: Wanted) -> bool:
    """Tell whether a client uses the tunnel that an endpoint accepts; Istio's mTLS is preferred where there is both."""
    if wanted.place.plain:
        return False
    prefers = snapshot.flag("PILOT_PREFER_SENDING_HBONE", default=False)
    return wanted.vip or prefers or endpoint.tls_mode != "istio"


class EndpointFacts(NamedTuple):
    """What every client of an endpoint has to know."""

    dialled: bool
    """Its address needs no resolving."""
    mtls: bool
    """It is called with mTLS when no rule says otherwise."""
    hbone: bool
    """Its workload accepts tunnels, by itself or through ztunnel."""
    tunnelled: bool
    """It is reached through a tunnel where there is a choice; waypoints, too, are."""
    locality: str


def endpoint_facts(snapshot: Snapshot, endpoint: Endpoint) -> EndpointFacts:
    """Work out what every client of an endpoint has to know."""
    addresses = endpoint.addresses or (endpoint.address,)
    hbone = tunnel_enabled(endpoint.labels) or any(
        snapshot.ambient.accepts_hbone(endpoint.network, address) for address in addresses
    )
    return EndpointFacts(
        dialled=is_address(endpoint),
        mtls=accepts_mtls(snapshot, endpoint),
        hbone=hbone,
        tunnelled=hbone or endpoint.labels.get(MANAGED) == _WAYPOINT_CONTROLLER,
        locality=str(endpoint.locality),
    )


def all_accept_tunnels(snapshot: Snapshot, shared: Shared, service: Service, port: int) -> bool:
    """Tell whether a service port has endpoints, all of which accept tunnels."""
    endpoints = snapshot.endpoints(service, port)
    return bool(endpoints) and all(shared(endpoint_facts, endpoint).hbone for endpoint in endpoints)


def is_address(endpoint: Endpoint) -> bool:
    """Tell whether Envoy can dial the endpoint without resolving a name."""
    if not endpoint.address or endpoint.port == 0:  # known by its network only, or a Unix domain socket
        return True
    try:
        ipaddress.ip_address(endpoint.address)
    except ValueError:
        return False
    return True


def rule_tls_mode(rule: DestinationRule | None, *, port: int, subset: str) -> str | None:
    """Return the TLS mode that the rule sets for a subset's port; None when it sets none."""
    if rule is None:
        return None
    owner = rule_subset(rule, subset) if subset else rule.spec
    policy = (owner or {}).get("trafficPolicy") or {}
    tls = policy.get("tls")
    for entry in policy.get("portLevelSettings") or ():
        if (entry.get("port") or {}).get("number") == port and entry.get("tls") is not None:
            tls = entry["tls"]
            break
    return None if tls is None else str(tls.get("mode") or "DISABLE")


def accepts_mtls(snapshot: Snapshot, endpoint: Endpoint) -> bool:
    """Tell whether an endpoint is called with mTLS when no rule says: its proxy and PeerAuthentication allow it."""
    if endpoint.tls_mode != "istio":
        return False
    policy = snapshot.peer_authentication(endpoint.namespace, endpoint.labels)
    return policy.mode_of(endpoint.port) is not MtlsMode.DISABLE


def _is_sent(snapshot: Snapshot, service: Service, endpoint: Endpoint, place: Place) -> bool:
    if service.node_local and (endpoint.node_name != place.node or endpoint.cluster_id != place.cluster_id):
        return False
    if place.network_view and endpoint.network and endpoint.network not in place.network_view:
        return False
    if endpoint.health is Health.UNHEALTHY and not supports_unhealthy(snapshot, service.traffic_distribution):
        return False
    if endpoint.health is Health.TERMINATING:
        return False
    draining = endpoint.health is Health.DRAINING or draining_by_label(snapshot, endpoint) is not None
    return not draining or bool(service.labels.get(persistent_session_label(snapshot)))


def persistent_session_label(snapshot: Snapshot) -> str:
    """Return the service label that asks for persistent sessions."""
    return snapshot.flags.get("PILOT_PERSISTENT_SESSION_LABEL") or PERSISTENT_SESSION_LABEL

"""EDS: a load assignment for every EDS cluster of a proxy.

istiod: pilot/pkg/xds/eds.go, pilot/pkg/xds/endpoints/endpoint_builder.go (BuildClusterLoadAssignment).
"""

from collections.abc import Sequence

from simulator.model import names
from simulator.model.proxies import Role
from simulator.model.services import UNSPECIFIED, Resolution, Service
from simulator.model.wire import Cluster, ClusterLoadAssignment
from simulator.registry.ambient.waypoints import Waypoint
from simulator.registry.scopes import DestinationRule, SidecarScope
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Client, Labels, Place, client_of, place_of, selected_labels
from simulator.xds.clusters import shared_outbound
from simulator.xds.gateway_services import Hosts, gateway_hosts, is_used
from simulator.xds.load_assignment import DNS, Wanted, locality_groups, waypoint_groups
from simulator.xds.locality import balance_localities, locality_setting
from simulator.xds.outbound_clusters import service_clusters
from simulator.xds.traffic_policy import resolved_policy
from simulator.xds.view import ProxyView, Shared

_WITHOUT = DNS | {Resolution.ALIAS}
"""Resolutions of services whose clusters are never EDS."""


def build_endpoints(view: ProxyView, clusters: Sequence[Cluster]) -> tuple[ClusterLoadAssignment, ...]:
    """Build the assignments that a proxy asks for, one for each of its EDS clusters, in their order."""
    labels, place = selected_labels(view), place_of(view)
    kind = (view.shared, view.scope, labels, client_of(view), place, gateway_hosts(view))
    outbound, built = shared_outbound(view), view.shared(outbound_assignments, *kind)
    if tuple(clusters[: len(outbound)]) == outbound:
        rest = clusters[len(outbound) :]
        return built + _by_name(view.shared, view.scope, _eds_names(rest), labels, place)
    known = {assignment["cluster_name"]: assignment for assignment in built}  # EnvoyFilters changed some
    texts = _eds_names(clusters)
    found = _by_name(view.shared, view.scope, [text for text in texts if text not in known], labels, place)
    known.update({assignment["cluster_name"]: assignment for assignment in found})
    return tuple(known[text] for text in texts)


def outbound_assignments(
    snapshot: Snapshot,
    shared: Shared,
    scope: SidecarScope,
    labels: Labels,
    client: Client,
    place: Place,
    used: Hosts | None,
) -> tuple[ClusterLoadAssignment, ...]:
    """Build the assignments of the outbound clusters that all proxies of a kind share."""
    selected = dict(labels)
    built: list[ClusterLoadAssignment] = []
    for service in scope.services:
        if service.resolution not in _WITHOUT and is_used(service, used):
            built += shared(
                service_assignments, shared, service, scope.destination_rule(service.host, selected), client, place
            )
    return tuple(built)


def service_assignments(
    snapshot: Snapshot,
    shared: Shared,
    service: Service,
    rule: DestinationRule | None,
    client: Client,
    place: Place,
) -> tuple[ClusterLoadAssignment, ...]:
    """Build the assignments of a service's EDS clusters."""
    built = []
    for text in _eds_names(shared(service_clusters, shared, service, rule, client, None)):
        if (name := names.ClusterName.parse(text)) is not None:
            built.append(load_assignment(snapshot, shared, text, name, service, rule, place))
    return tuple(built)


def _eds_names(clusters: Sequence[Cluster]) -> list[str]:
    return [
        (cluster.get("eds_cluster_config") or {}).get("service_name") or cluster["name"]
        for cluster in clusters
        if cluster.get("type") == "EDS"
    ]


def _by_name(
    shared: Shared, scope: SidecarScope, cluster_names: Sequence[str], labels: Labels, place: Place
) -> tuple[ClusterLoadAssignment, ...]:
    """Build assignments from the names of the clusters alone."""
    selected = dict(labels)
    built = []
    for text in cluster_names:
        name = names.ClusterName.parse(text)
        service = scope.services_by_host.get(name.host) if name else None
        if name is None or service is None or service.resolution in DNS:
            built.append(shared(empty_assignment, text))
        else:
            rule = scope.destination_rule(service.host, selected)
            built.append(shared(load_assignment, shared, text, name, service, rule, place))
    return tuple(built)


def empty_assignment(snapshot: Snapshot, cluster: str) -> ClusterLoadAssignment:
    """Build the assignment of a cluster that has nothing to send to."""
    return {"cluster_name": cluster}


def load_assignment(
    snapshot: Snapshot,
    shared: Shared,
    cluster: str,
    name: names.ClusterName,
    service: Service,
    rule: DestinationRule | None,
    place: Place,
) -> ClusterLoadAssignment:
    """Build the assignment of a service's cluster; without port or endpoints it is empty."""
    if service.port(name.port) is None:
        return empty_assignment(snapshot, cluster)
    vip = name.direction == "inbound-vip"
    subset = name.subset.removeprefix("http/").removeprefix("tcp/") if vip else name.subset
    wanted = Wanted(
        service=service, port=name.port, place=place, subset=subset, rule=rule, sni_dnat="|" not in cluster, vip=vip
    )
    if (waypoint := _ingress_waypoint(snapshot, service, place)) is not None:
        groups = waypoint_groups(snapshot, shared, wanted, waypoint)
        return {"cluster_name": cluster, "endpoints": [group.envoy() for group in groups]}
    groups = locality_groups(snapshot, shared, wanted)
    if not groups:
        return empty_assignment(snapshot, cluster)
    policy = resolved_policy(rule, port=name.port, subset=subset) or {}
    balancer = policy.get("loadBalancer") or {}
    setting, forced = locality_setting(snapshot, balancer.get("localityLbSetting"), service.traffic_distribution)
    failover = forced or policy.get("outlierDetection") is not None
    groups = balance_localities(groups, place=place, setting=setting, failover=failover)
    return {"cluster_name": cluster, "endpoints": [group.envoy() for group in groups]}


def _ingress_waypoint(snapshot: Snapshot, service: Service, place: Place) -> Waypoint | None:
    """Return the waypoint through which a gateway sends to a service that asks for it."""
    if place.role is not Role.GATEWAY or not snapshot.flag("ENABLE_INGRESS_WAYPOINT_ROUTING", default=True):
        return None
    if not service.auto_addresses and service.address == UNSPECIFIED:
        return None
    found = snapshot.ambient.service(service)
    return found.waypoint if found is not None and found.ingress_uses_waypoint else None

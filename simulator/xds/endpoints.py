"""EDS: a load assignment for every EDS cluster of a proxy.

istiod: pilot/pkg/xds/eds.go, pilot/pkg/xds/endpoints/endpoint_builder.go (BuildClusterLoadAssignment).
"""

from collections.abc import Sequence

from simulator.model import names
from simulator.model.services import Service
from simulator.model.wire import Cluster, ClusterLoadAssignment
from simulator.registry.scopes import DestinationRule, SidecarScope
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Client, Labels, Place, client_of, place_of, selected_labels
from simulator.xds.clusters import shared_outbound
from simulator.xds.gateway_services import Hosts, gateway_hosts
from simulator.xds.load_assignment import DNS, locality_groups
from simulator.xds.locality import balance_localities, locality_setting
from simulator.xds.outbound_clusters import outbound_clusters
from simulator.xds.traffic_policy import resolved_policy
from simulator.xds.view import ProxyView, Shared


def build_endpoints(view: ProxyView, clusters: Sequence[Cluster]) -> tuple[ClusterLoadAssignment, ...]:
    """Build the assignments that a proxy asks for, one for each of its EDS clusters, in their order."""
    outbound, labels, place = shared_outbound(view), selected_labels(view), place_of(view)
    if tuple(clusters[: len(outbound)]) != outbound:  # patched: the cluster names are the only thing to go by
        return _assignments(view.shared, view.scope, _eds_names(clusters), labels, place)
    built = view.shared(
        outbound_assignments, view.shared, view.scope, labels, client_of(view), place, gateway_hosts(view)
    )
    rest = _eds_names(clusters[len(outbound) :])
    return built + _assignments(view.shared, view.scope, rest, labels, place) if rest else built


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
    clusters = shared(outbound_clusters, shared, scope, labels, client, place, used)
    return _assignments(shared, scope, _eds_names(clusters), labels, place)


def _eds_names(clusters: Sequence[Cluster]) -> list[str]:
    return [
        (cluster.get("eds_cluster_config") or {}).get("service_name") or cluster["name"]
        for cluster in clusters
        if cluster.get("type") == "EDS"
    ]


def _assignments(
    shared: Shared, scope: SidecarScope, cluster_names: Sequence[str], labels: Labels, place: Place
) -> tuple[ClusterLoadAssignment, ...]:
    selected = dict(labels)
    built = []
    for text in cluster_names:
        name = names.ClusterName.parse(text)
        service = scope.services_by_host.get(name.host) if name else None
        rule = scope.destination_rule(service.host, selected) if service else None
        if name is None or service is None or service.resolution in DNS:
            built.append(shared(empty_assignment, text))
        else:
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
    groups = locality_groups(
        snapshot,
        shared,
        service=service,
        port=name.port,
        subset=name.subset,
        rule=rule,
        place=place,
        sni_dnat="|" not in cluster,
    )
    if not groups:
        return empty_assignment(snapshot, cluster)
    policy = resolved_policy(rule, port=name.port, subset=name.subset) or {}
    balancer = policy.get("loadBalancer") or {}
    setting, forced = locality_setting(snapshot, balancer.get("localityLbSetting"), service.traffic_distribution)
    failover = forced or policy.get("outlierDetection") is not None
    groups = balance_localities(groups, place=place, setting=setting, failover=failover)
    return {"cluster_name": cluster, "endpoints": [group.envoy() for group in groups]}

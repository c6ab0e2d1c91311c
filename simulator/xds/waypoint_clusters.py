"""Clusters of a waypoint: to the workloads of the services that it serves, through tunnels.

istiod: pilot/pkg/networking/core/cluster_waypoint.go (buildWaypointInboundClusters, buildWaypointInboundVIPCluster).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.model.ports import Port, Protocol
from simulator.model.services import Resolution, Service
from simulator.model.wire import Cluster, Json
from simulator.registry.scopes import DestinationRule
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Client, Place, client_of, place_of
from simulator.xds.cluster_draft import ClusterDraft, draft_cluster
from simulator.xds.connection_pool import apply_connection_pool, upgrade_to_http2
from simulator.xds.dynamic_forward_proxy import forward_proxy_draft
from simulator.xds.envoy_messages import typed
from simulator.xds.inline_endpoints import inline_endpoints
from simulator.xds.internal_sockets import PLAIN, shares_baggage, waypoint_socket
from simulator.xds.load_assignment import DNS, Wanted
from simulator.xds.load_balancing import apply_load_balancer
from simulator.xds.outbound_clusters import EDS_CONFIG, discovery_type, races
from simulator.xds.outlier_detection import apply_outlier_detection
from simulator.xds.static_clusters import black_hole
from simulator.xds.traffic_policy import rule_policy, with_subset
from simulator.xds.tunnel_clusters import (
    BAGGAGE_FILTER,
    connect_originate,
    double_originate,
    encap,
    forward_inner,
    main_internal,
)
from simulator.xds.tunnels import joins_networks, tunnels_twice
from simulator.xds.upstream_tls import proxy_protocol_socket
from simulator.xds.upstream_tls_context import user_context
from simulator.xds.view import ProxyView, Shared
from simulator.xds.waypoint_services import waypoint_services


@dataclass(frozen=True, slots=True, kw_only=True)
class Vip:
    """One port of a service that a waypoint serves, as one protocol and subset: `http`, `tcp/v1`."""

    service: Service
    port: Port
    subset: str
    rule: DestinationRule | None
    client: Client
    place: Place | None
    shared: Shared = field(compare=False)

    @property
    def name(self) -> str:
        """Name of the cluster."""
        return f"inbound-vip|{self.port.number}|{self.subset}|{self.service.host}"


def waypoint_clusters(view: ProxyView) -> tuple[Cluster, ...]:
    """Build the clusters of a waypoint beside its outbound ones."""
    snapshot, proxy, shared = view.snapshot, view.proxy, view.shared
    joins = joins_networks(proxy)
    built: list[Cluster] = [shared(main_internal), shared(encap, joins)]
    client, place = client_of(view), place_of(view)
    for service in waypoint_services(view):
        rule = None if joins else view.scope.destination_rule(service.host, {}, inbound=True)
        built += shared(vip_clusters, shared, service, rule, client, place if service.resolution in DNS else None)
    if joins and snapshot.flag("AMBIENT_ENABLE_MULTI_NETWORK", default=False):
        built += [shared(forward_inner), shared(black_hole)]
    else:
        built.append(shared(connect_originate, str(proxy.metadata.get("NAMESPACE") or proxy.namespace)))
    if tunnels_twice(snapshot, proxy):
        built += shared(double_originate)
    return tuple(built)


def vip_clusters(
    snapshot: Snapshot,
    shared: Shared,
    service: Service,
    rule: DestinationRule | None,
    client: Client,
    place: Place | None,
) -> tuple[Cluster, ...]:
    """Build the clusters of one service: for each port as TCP, HTTP or both, and for each subset of its rule."""
    built = []
    for port in service.ports:
        for subset, policy in _variants(snapshot, service, port, rule):
            vip = Vip(service=service, port=port, subset=subset, rule=rule, client=client, place=place, shared=shared)
            cluster = _vip_cluster(snapshot, vip, policy)
            if cluster is not None:
                built.append(cluster)
    return tuple(built)


def _variants(
    snapshot: Snapshot, service: Service, port: Port, rule: DestinationRule | None
) -> Iterator[tuple[str, Json | None]]:
    if port.protocol is Protocol.UDP or not _is_served(snapshot, service, port):
        return
    protocols = [
        name
        for name, fits in (("tcp", port.protocol.is_tcp), ("http", port.protocol.is_http))
        if fits or port.protocol.is_auto
    ]
    policy = rule_policy(rule, port.number)
    yield from ((name, policy) for name in protocols)
    for subset in (rule.spec.get("subsets") if rule else None) or ():
        own = with_subset(policy, subset.get("trafficPolicy"), port.number)
        yield from ((f"{name}/{subset['name']}", own) for name in protocols)


def _is_served(snapshot: Snapshot, service: Service, port: Port) -> bool:
    if service.resolution is not Resolution.DYNAMIC_DNS or port.protocol is Protocol.HTTP:
        return True
    wildcards = snapshot.flag("ENABLE_WILDCARD_HOST_SERVICE_ENTRIES_FOR_TLS", default=False)
    return port.protocol is Protocol.TLS and wildcards


def _vip_cluster(snapshot: Snapshot, vip: Vip, policy: Json | None) -> Cluster | None:
    draft = _vip_draft(snapshot, vip, policy)
    if draft is None:
        return None
    service, port, parts = vip.service, vip.port, policy or {}
    draft.istio_metadata["services"] = [{"host": service.host, "name": service.name, "namespace": service.namespace}]
    if policy is not None and vip.rule is not None:
        path = f"/apis/networking.istio.io/v1/namespaces/{vip.rule.namespace}/destination-rule/{vip.rule.name}"
        draft.istio_metadata["config"] = path
    draft.istio_metadata["subset"] = vip.subset
    pool = parts.get("connectionPool") or {}
    apply_connection_pool(snapshot, draft, pool=pool, retry_budget=parts.get("retryBudget"))
    upgrade_to_http2(snapshot, draft, protocol=port.protocol, pool=pool)
    apply_outlier_detection(snapshot, draft, distribution="", outlier=parts.get("outlierDetection"))
    if not draft.dynamic_forward_proxy:
        balancer, near = parts.get("loadBalancer"), service.traffic_distribution
        apply_load_balancer(snapshot, draft, protocol=port.protocol, distribution=near, balancer=balancer)
    if draft.type == "ORIGINAL_DST":
        draft.cluster["lb_policy"] = "CLUSTER_PROVIDED"
    if draft.type == "EDS":
        draft.cluster["eds_cluster_config"] = {"eds_config": EDS_CONFIG, "service_name": vip.name}
    _add_socket(snapshot, vip, draft, parts)
    return draft.finish()


def _vip_draft(snapshot: Snapshot, vip: Vip, policy: Json | None) -> ClusterDraft | None:
    service, port, name = vip.service, vip.port, vip.name
    if service.resolution is Resolution.DYNAMIC_DNS:
        return forward_proxy_draft(name, service=service, port=port, client=vip.client)
    discovery = discovery_type(snapshot, service, vip.client)
    draft = draft_cluster(snapshot, discovery=discovery, protocol=port.protocol, client=vip.client)
    draft.cluster.update({"name": name, "alt_stat_name": f"{name};"})
    if service.resolution in DNS:
        wanted = Wanted(service=service, port=port.number, place=vip.place or Place(role=vip.client.role), vip=True)
        endpoints = inline_endpoints(snapshot, vip.shared, wanted, policy=policy, labels_known=False)
        if not endpoints:
            return None
        draft.cluster["load_assignment"] = {"cluster_name": name, "endpoints": endpoints}
        if races(service):
            draft.cluster["dns_lookup_family"] = "ALL"
    return draft


def _add_socket(snapshot: Snapshot, vip: Vip, draft: ClusterDraft, policy: Json) -> None:
    socket, tls = PLAIN, policy.get("tls") or {}
    shows_baggage = True
    if tls.get("mode") in ("SIMPLE", "MUTUAL"):
        context = user_context(snapshot, draft, settings=tls, client=vip.client, accounts=())
        if context is not None:
            kind = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
            socket, shows_baggage = typed("envoy.transport_sockets.tls", kind, **context), False
    if policy.get("proxyProtocol") is not None:
        socket, shows_baggage = proxy_protocol_socket(policy["proxyProtocol"], socket), False
    draft.cluster["transport_socket"] = waypoint_socket(snapshot, socket)
    if shares_baggage(snapshot) and draft.type == "EDS":
        draft.cluster["filters"] = [BAGGAGE_FILTER]
    draft.hides_baggage = shares_baggage(snapshot) and not shows_baggage

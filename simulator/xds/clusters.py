"""CDS: the clusters of one proxy, in istiod's order.

istiod: pilot/pkg/networking/core/cluster.go (buildClusters, buildOutboundSniDnatClusters).
"""

from simulator.model.ports import Protocol
from simulator.model.proxies import Role
from simulator.model.wire import Cluster
from simulator.registry.scopes import SidecarScope
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Client, Labels, Place, client_of, place_of, selected_labels
from simulator.xds.gateway_services import gateway_hosts
from simulator.xds.inbound_clusters import inbound_clusters
from simulator.xds.load_assignment import DNS
from simulator.xds.outbound_clusters import Target, outbound_clusters, port_clusters
from simulator.xds.static_clusters import black_hole, external_secrets, inbound_passthrough, passthrough
from simulator.xds.tunnel_clusters import connect_originate, double_originate, main_internal
from simulator.xds.tunnels import opens_tunnels, takes_tunnels, tunnels_twice
from simulator.xds.view import ProxyView, Shared


def build_clusters(view: ProxyView) -> tuple[Cluster, ...]:
    """Build all clusters of a proxy."""
    client, shared, proxy = client_of(view), view.shared, view.proxy
    built = list(shared_outbound(view))
    match proxy.role:
        case Role.SIDECAR:
            built += [shared(black_hole), shared(passthrough, client), *inbound_clusters(view, client)]
            if takes_tunnels(view.snapshot, proxy):
                built.append(shared(main_internal))
            built.append(shared(inbound_passthrough, client))
        case Role.WAYPOINT:
            from simulator.xds.waypoint_clusters import waypoint_clusters

            built += waypoint_clusters(view)
        case _:
            built += _gateway_clusters(view, client)
    if proxy.role is not Role.WAYPOINT and opens_tunnels(view.snapshot, proxy):
        built.append(shared(connect_originate, ""))
    if client.credential_socket:
        built.append(shared(external_secrets))
    return tuple(built)


def _gateway_clusters(view: ProxyView, client: Client) -> tuple[Cluster, ...]:
    """Build what a gateway has beside its outbound clusters."""
    snapshot, shared = view.snapshot, view.shared
    built: list[Cluster] = [shared(black_hole)]
    if (gateway := snapshot.gateway(view.proxy)) is not None and gateway.auto_passthrough:
        built += shared(sni_clusters, shared, view.scope, selected_labels(view), client, place_of(view))
    if tunnels_twice(snapshot, view.proxy):
        built += shared(double_originate)
    return tuple(built)


def shared_outbound(view: ProxyView) -> tuple[Cluster, ...]:
    """Return the outbound clusters, one tuple for all proxies of a kind."""
    return view.shared(
        outbound_clusters,
        view.shared,
        view.scope,
        selected_labels(view),
        client_of(view),
        place_of(view),
        gateway_hosts(view),
    )


def sni_clusters(
    snapshot: Snapshot, shared: Shared, scope: SidecarScope, labels: Labels, client: Client, place: Place
) -> tuple[Cluster, ...]:
    """Build the clusters named by SNI, to every service of the mesh."""
    built: list[Cluster] = []
    selected = dict(labels)
    for service in scope.services:
        if service.mesh_external:
            continue
        rule = scope.destination_rule(service.host, selected)
        for port in service.ports:
            if port.protocol is not Protocol.UDP:
                target = Target(
                    service=service,
                    port=port,
                    rule=rule,
                    client=client,
                    place=place if service.resolution in DNS else None,
                    sni_dnat=True,
                    shared=shared,
                )
                built += port_clusters(snapshot, target)
    return tuple(built)

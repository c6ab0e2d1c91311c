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
from simulator.xds.view import ProxyView, Shared


def build_clusters(view: ProxyView) -> tuple[Cluster, ...]:
    """Build all clusters of a proxy."""
    client, shared = client_of(view), view.shared
    built = list(shared_outbound(view))
    built.append(shared(black_hole))
    if view.proxy.role is Role.SIDECAR:
        built.append(shared(passthrough, client))
        built += inbound_clusters(view, client)
        built.append(shared(inbound_passthrough, client))
    elif (gateway := view.snapshot.gateway(view.proxy)) is not None and gateway.auto_passthrough:
        built += shared(sni_clusters, shared, view.scope, selected_labels(view), client, place_of(view))
    if client.credential_socket:
        built.append(shared(external_secrets))
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

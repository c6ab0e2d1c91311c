"""EnvoyFilter: what users change in generated configuration.

istiod: pilot/pkg/networking/core/envoyfilter, called for listeners (listener_builder.go), clusters (cluster.go), routes
(httproute.go) and extension configurations (extension_config_builder.go). A patched resource is built once for all
proxies that hold the same original and the same patches.
"""

from collections.abc import Iterable, Sequence
from typing import cast

from simulator.model.proxies import Role
from simulator.model.wire import Cluster, ClusterLoadAssignment, Json, Listener, RouteConfiguration
from simulator.registry.snapshot import Snapshot
from simulator.xds.configuration import Configuration
from simulator.xds.envoy_filter_clusters import added_clusters, patch_cluster
from simulator.xds.envoy_filter_listeners import KINDS, ROUTE_KINDS, Identity, added_listeners, patch_listener
from simulator.xds.envoy_filter_lists import added
from simulator.xds.envoy_filter_patches import Patches, proxy_patches
from simulator.xds.envoy_filter_routes import PortMap, gateway_ports, patch_route_configuration
from simulator.xds.envoy_schema import merge
from simulator.xds.extensions import build_extensions, extension_names
from simulator.xds.routes import build_routes, route_names
from simulator.xds.view import ProxyView

INBOUND, OUTBOUND, GATEWAY = "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY"


def apply_envoy_filters(view: ProxyView, configuration: Configuration) -> Configuration:
    """Return a configuration with all EnvoyFilters of its proxy applied; itself when there are none.

    Routes and extensions follow the patched listeners: what no listener asks for any more goes, what one newly asks for
    comes.
    """
    patches = patches_of(view)
    if not patches:
        return configuration
    listeners = patched_listeners(view, configuration.listeners, patches)
    clusters = patched_clusters(view, configuration.clusters, patches)
    return Configuration(
        listeners=listeners,
        routes=patched_routes(view, _asked_routes(view, configuration, listeners), patches),
        clusters=clusters,
        endpoints=_remaining(configuration.endpoints, clusters),
        extensions=patched_extensions(view, listeners, patches),
        names=configuration.names,
    )


def patches_of(view: ProxyView) -> Patches:
    """Return the patches that apply to a proxy, in order."""
    return proxy_patches(view.snapshot.envoy_filters(view.proxy), view.proxy, view.shared)


def patched_listeners(view: ProxyView, listeners: Sequence[Listener], patches: Patches) -> tuple[Listener, ...]:
    """Apply patches to listeners, and add those that patches bring."""
    relevant = patches.of(*KINDS, *ROUTE_KINDS)
    if not relevant:
        return tuple(listeners)
    result: list[Listener] = []
    for listener in listeners:
        context = _listener_context(view, listener)
        patched = view.shared(patch_listener, Identity(listener), relevant.within(context), context)
        if patched is not None:
            result.append(patched)
    for context in _contexts(view):
        result += view.shared(_added_listeners, relevant.of("LISTENER").within(context), context)
    return tuple(result)


def patched_clusters(view: ProxyView, clusters: Sequence[Cluster], patches: Patches) -> tuple[Cluster, ...]:
    """Apply patches to clusters, and add those that patches bring."""
    relevant = patches.of("CLUSTER")
    if not relevant:
        return tuple(clusters)
    by_context = {context: relevant.within(context) for context in _contexts(view)}
    result: list[Cluster] = []
    for cluster in clusters:
        chosen = by_context[_cluster_context(view, cluster)]
        patched = view.shared(patch_cluster, Identity(cluster), chosen) if chosen else cluster
        if patched is not None:
            result.append(patched)
    for context, chosen in by_context.items():
        result += view.shared(_added_clusters, chosen, context)
    return tuple(result)


def patched_routes(
    view: ProxyView, routes: Sequence[RouteConfiguration], patches: Patches
) -> tuple[RouteConfiguration, ...]:
    """Apply patches to route configurations."""
    context = GATEWAY if view.proxy.role is Role.GATEWAY else OUTBOUND
    relevant = patches.of(*ROUTE_KINDS).within(context)
    if not relevant:
        return tuple(routes)
    ports = tuple(sorted(_gateway_ports(view).items()))
    return tuple(view.shared(_patched_route_configuration, Identity(one), relevant, context, ports) for one in routes)


def patched_extensions(view: ProxyView, listeners: Sequence[Listener], patches: Patches) -> tuple[Json, ...]:
    """Return the extensions that patched listeners ask for: those of resources, and those that patches add."""
    asked = extension_names(listeners)
    own = [
        added(patch)
        for patch in patches.of("EXTENSION_CONFIG").all
        if patch.operation == "ADD" and patch.value.get("name") in asked
    ]
    return (*own, *build_extensions(view, listeners))


def patched_bootstrap(view: ProxyView, bootstrap: Json) -> Json:
    """Merge BOOTSTRAP patches, which the agent asks istiod for when it starts Envoy."""
    for patch in patches_of(view).of("BOOTSTRAP").all:
        if patch.operation == "MERGE":
            bootstrap = merge("envoy.config.bootstrap.v3.Bootstrap", bootstrap, patch.value)
    return bootstrap


def _added_listeners(snapshot: Snapshot, patches: Patches, context: str) -> list[Listener]:
    return added_listeners(patches, context)


def _added_clusters(snapshot: Snapshot, patches: Patches, context: str) -> list[Cluster]:
    return added_clusters(patches, context)


def _patched_route_configuration(
    snapshot: Snapshot, original: Identity, patches: Patches, context: str, ports: Iterable[tuple[int, frozenset[int]]]
) -> RouteConfiguration:
    patched = patch_route_configuration(cast(Json, original.value), patches, context, ports=dict(ports))
    return cast(RouteConfiguration, patched)


def _contexts(view: ProxyView) -> tuple[str, ...]:
    return (GATEWAY,) if view.proxy.role is Role.GATEWAY else (OUTBOUND, INBOUND)


def _listener_context(view: ProxyView, listener: Listener) -> str:
    if view.proxy.role is Role.GATEWAY:
        return GATEWAY
    return INBOUND if listener.get("traffic_direction") == "INBOUND" else OUTBOUND


def _cluster_context(view: ProxyView, cluster: Cluster) -> str:
    if view.proxy.role is Role.GATEWAY:
        return GATEWAY
    return INBOUND if cluster["name"].startswith(("inbound|", "InboundPassthrough")) else OUTBOUND


def _gateway_ports(view: ProxyView) -> PortMap:
    merged = view.snapshot.gateway(view.proxy) if view.proxy.role is Role.GATEWAY else None
    names: dict[str, frozenset[int]] = {}
    for servers in merged.servers_by_port.values() if merged else ():
        for server in servers:
            if server.route_name:
                number = int((server.server.get("port") or {}).get("number") or 0)
                names[server.route_name] = names.get(server.route_name, frozenset()) | {number}
    return gateway_ports(names)


def _asked_routes(
    view: ProxyView, configuration: Configuration, listeners: Sequence[Listener]
) -> tuple[RouteConfiguration, ...]:
    asked = route_names(listeners)
    if asked == tuple(route["name"] for route in configuration.routes):
        return configuration.routes
    return build_routes(view, listeners)


def _remaining(
    endpoints: Sequence[ClusterLoadAssignment], clusters: Sequence[Cluster]
) -> tuple[ClusterLoadAssignment, ...]:
    """Keep the endpoints of clusters that are still there and still use EDS."""
    names = {
        (cluster.get("eds_cluster_config") or {}).get("service_name") or cluster["name"]
        for cluster in clusters
        if cluster.get("type") == "EDS"
    }
    return tuple(one for one in endpoints if one["cluster_name"] in names)

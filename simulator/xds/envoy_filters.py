"""EnvoyFilter: what users change in generated configuration.

istiod: pilot/pkg/networking/core/envoyfilter, called for listeners (listener_builder.go), clusters (cluster.go), routes
(httproute.go) and extension configurations (extension_config_builder.go). A patched resource is built once for all
proxies that hold the same original and the same patches; one that no patch touches stays the same object.
"""

from collections.abc import Iterable, Sequence
from typing import cast

from simulator.model.names import BLACK_HOLE, INBOUND_PASSTHROUGH, PASSTHROUGH
from simulator.model.proxies import Role
from simulator.model.wire import Cluster, Json, Listener, RouteConfiguration
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_filter_clusters import added_clusters, patch_cluster
from simulator.xds.envoy_filter_listeners import KINDS, ROUTE_KINDS, Identity, added_listeners, patch_listener
from simulator.xds.envoy_filter_lists import added
from simulator.xds.envoy_filter_patches import Patches, proxy_patches
from simulator.xds.envoy_filter_routes import PortMap, gateway_ports, patch_route_configuration
from simulator.xds.extensions import extension_names
from simulator.xds.message_documents import merge
from simulator.xds.view import ProxyView

INBOUND, OUTBOUND, GATEWAY = "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY"
_CONNECT_ORIGINATE, _CONNECT_TERMINATE = "connect_originate", "connect_terminate"


def patches_of(view: ProxyView) -> Patches:
    """Return the patches that apply to a proxy, in order."""
    return proxy_patches(view.snapshot.envoy_filters(view.proxy), view.proxy, view.shared)


def patched_listeners(view: ProxyView, listeners: Sequence[Listener]) -> tuple[Listener, ...]:
    """Apply patches to listeners, and add those that patches bring."""
    relevant = patches_of(view).of(*KINDS, *ROUTE_KINDS)
    if not relevant:
        return tuple(listeners)
    result: list[Listener] = []
    for listener in listeners:
        context = _listener_context(view, listener)
        chosen = relevant.within(context) if context else Patches()
        patched = view.shared(patch_listener, Identity(listener), chosen, context) if chosen else listener
        if patched is not None:
            result.append(patched)
    for context in _contexts(view):
        result += view.shared(_added_listeners, relevant.of("LISTENER").within(context), context)
    return tuple(result)


def patched_clusters(view: ProxyView, clusters: Sequence[Cluster]) -> tuple[Cluster, ...]:
    """Apply patches to clusters, and add those that patches bring."""
    relevant = patches_of(view).of("CLUSTER")
    if not relevant:
        return tuple(clusters)
    by_context = {context: relevant.within(context) for context in _contexts(view)} | {"": Patches()}
    result: list[Cluster] = []
    for cluster in clusters:
        chosen = by_context[_cluster_context(view, cluster)]
        patched = view.shared(patch_cluster, Identity(cluster), chosen) if chosen else cluster
        if patched is not None:
            result.append(patched)
    taken = {name for cluster in result if not (name := cluster.get("name", "")).startswith("outbound")}
    for context in (INBOUND,) if view.proxy.role is Role.WAYPOINT else _contexts(view):
        for cluster in view.shared(_added_clusters, by_context[context], context):
            if (name := cluster.get("name", "")) not in taken:
                taken.add(name)
                result.append(cluster)
    return tuple(result)


def patched_routes(view: ProxyView, routes: Sequence[RouteConfiguration]) -> tuple[RouteConfiguration, ...]:
    """Apply patches to route configurations."""
    context = GATEWAY if view.proxy.role is Role.GATEWAY else OUTBOUND
    relevant = patches_of(view).of(*ROUTE_KINDS).within(context)
    if not relevant:
        return tuple(routes)
    ports = tuple(sorted(_gateway_ports(view).items()))
    return tuple(view.shared(_patched_route_configuration, Identity(one), relevant, context, ports) for one in routes)


def patched_extensions(view: ProxyView, extensions: Sequence[Json], listeners: Sequence[Listener]) -> tuple[Json, ...]:
    """Return extensions with those in front that patches add and listeners ask for."""
    relevant = patches_of(view).of("EXTENSION_CONFIG")
    if not relevant:
        return tuple(extensions)
    asked = extension_names(listeners)
    own = [added(patch) for patch in relevant.all if patch.operation == "ADD" and patch.value.get("name") in asked]
    return (*own, *extensions)


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
    """Return the context that patches a listener; empty for the one that istiod adds when all patches are done."""
    if view.proxy.role is Role.WAYPOINT:
        return INBOUND
    if listener["name"] == _CONNECT_ORIGINATE:
        return ""
    if view.proxy.role is Role.GATEWAY:
        return GATEWAY
    inbound = listener.get("traffic_direction") == "INBOUND" or listener["name"] == _CONNECT_TERMINATE
    return INBOUND if inbound else OUTBOUND


def _cluster_context(view: ProxyView, cluster: Cluster) -> str:
    """Return the context that patches a cluster; empty for tunnels, secret servers and what a waypoint receives."""
    name = cluster["name"]
    if name.startswith("outbound"):
        return GATEWAY if view.proxy.role is Role.GATEWAY else OUTBOUND
    if view.proxy.role is Role.WAYPOINT:
        return ""
    if name in (BLACK_HOLE, PASSTHROUGH):
        return GATEWAY if view.proxy.role is Role.GATEWAY else OUTBOUND
    return INBOUND if name.startswith("inbound|") or name == INBOUND_PASSTHROUGH else ""


def _gateway_ports(view: ProxyView) -> PortMap:
    merged = view.snapshot.gateway(view.proxy) if view.proxy.role is Role.GATEWAY else None
    names: dict[str, frozenset[int]] = {}
    for servers in merged.servers_by_port.values() if merged else ():
        for server in servers:
            if server.route_name:
                number = int((server.server.get("port") or {}).get("number") or 0)
                names[server.route_name] = names.get(server.route_name, frozenset()) | {number}
    return gateway_ports(names)

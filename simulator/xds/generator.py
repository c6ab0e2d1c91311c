"""The generator: a snapshot and a proxy in, the proxy's configuration out.

istiod: pilot/pkg/networking/core (ConfigGenerator) and pilot/pkg/xds (what is pushed for which proxy).
"""

from simulator.manifests.garbage_collection import collector_paused
from simulator.model.proxies import Proxy
from simulator.model.wire import Cluster, ClusterLoadAssignment, Json, Listener, RouteConfiguration
from simulator.registry.snapshot import Snapshot
from simulator.xds.clusters import build_clusters
from simulator.xds.configuration import Configuration
from simulator.xds.endpoints import build_endpoints
from simulator.xds.extensions import build_extensions
from simulator.xds.listeners import build_listeners
from simulator.xds.names_table import build_names
from simulator.xds.routes import build_routes
from simulator.xds.view import ProxyView, Shared


class Generator:
    """Generates the configuration of any proxy of one snapshot; equal resources are one object."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._shared = Shared(snapshot)

    def __del__(self) -> None:
        self._shared.forget()

    def view(self, proxy: Proxy) -> ProxyView:
        """Return what generation may know of a proxy."""
        return ProxyView(snapshot=self.snapshot, proxy=proxy, scope=self.snapshot.scope(proxy), shared=self._shared)

    @collector_paused()
    def configuration(self, proxy: Proxy) -> Configuration:
        """Generate everything that istiod sends to a proxy."""
        view = self.view(proxy)
        clusters = self.clusters(view)
        listeners = self.listeners(view)
        return Configuration(
            listeners=listeners,
            routes=self.routes(view, listeners),
            clusters=clusters,
            endpoints=build_endpoints(view, clusters),
            extensions=self.extensions(view, listeners),
            names=self.names(view),
        )

    def clusters(self, view: ProxyView) -> tuple[Cluster, ...]:
        """Generate CDS."""
        built = build_clusters(view)
        if not _is_patched(view):
            return built
        from simulator.xds.envoy_filters import patched_clusters

        return patched_clusters(view, built)

    def endpoints(self, view: ProxyView, clusters: tuple[Cluster, ...]) -> tuple[ClusterLoadAssignment, ...]:
        """Generate EDS: an assignment for each EDS cluster."""
        return build_endpoints(view, clusters)

    def listeners(self, view: ProxyView) -> tuple[Listener, ...]:
        """Generate LDS."""
        built = build_listeners(view)
        if not _is_patched(view):
            return built
        from simulator.xds.envoy_filters import patched_listeners

        return patched_listeners(view, built)

    def routes(self, view: ProxyView, listeners: tuple[Listener, ...]) -> tuple[RouteConfiguration, ...]:
        """Generate RDS: the route configurations that the listeners ask for."""
        built = build_routes(view, listeners)
        if not _is_patched(view):
            return built
        from simulator.xds.envoy_filters import patched_routes

        return patched_routes(view, built)

    def extensions(self, view: ProxyView, listeners: tuple[Listener, ...]) -> tuple[Json, ...]:
        """Generate ECDS: the filter configurations that the listeners refer to."""
        built = build_extensions(view, listeners)
        if not _is_patched(view):
            return built
        from simulator.xds.envoy_filters import patched_extensions

        return patched_extensions(view, built, listeners)

    def names(self, view: ProxyView) -> Json | None:
        """Generate NDS."""
        return build_names(view)


def _is_patched(view: ProxyView) -> bool:
    """Tell whether a proxy has EnvoyFilters: most have none, and are spared the machinery."""
    return bool(view.snapshot.envoy_filters(view.proxy))

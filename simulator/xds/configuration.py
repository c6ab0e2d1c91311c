"""What istiod sends to one proxy."""

from dataclasses import dataclass

from simulator.model.wire import Cluster, ClusterLoadAssignment, Json, Listener, RouteConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The resources of one proxy, in the order istiod sends them. Equal resources of two proxies are one object."""

    listeners: tuple[Listener, ...]
    routes: tuple[RouteConfiguration, ...]
    clusters: tuple[Cluster, ...]
    endpoints: tuple[ClusterLoadAssignment, ...]
    extensions: tuple[Json, ...] = ()
    """ECDS: TypedExtensionConfig."""
    names: Json | None = None
    """NDS: the DNS table, `{"table": {host: {ips, registry, shortname, namespace}}}`; None when DNS is not captured."""

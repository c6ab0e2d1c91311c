"""The world that the simulator derives: cluster state at once, the views of istiod and the Envoys on first use.

Most changes and most requests need only the state; the rest of the generator is not imported before it is needed.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from simulator.model.proxies import ProxyId
from simulator.model.resources import Resource
from simulator.model.wire import Json

if TYPE_CHECKING:
    from simulator.mesh import Mesh
    from simulator.model.directory import Directory
    from simulator.registry.snapshot import Snapshot


def installed(
    resources: Sequence[Resource], *, control_plane: bool = True, inject: Sequence[str] = ()
) -> tuple[Resource, ...]:
    """Return manifests with what a cluster has before they are applied, where missing: an istiod, Namespaces and Nodes.

    Once served, these objects can be changed and deleted like all others, and are not added again.
    """
    from simulator.manifests import control_plane as istio
    from simulator.manifests.mesh_namespaces import with_injection
    from simulator.manifests.placement import synthetic_nodes

    given = [*resources, *(istio.missing(resources) if control_plane else ())]
    given += () if any(one.kind == "Node" for one in resources) else synthetic_nodes()
    given += istio.namespaces(given)
    return tuple(with_injection(given, inject))


class SimulatedWorld:
    """A mesh derived from the resources of a cluster alone."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        from simulator.manifests.state import cluster_state

        found = cluster_state(resources, control_plane=False)
        self.state: Sequence[Resource] = found.resources
        self._caveats = found.caveats

    @cached_property
    def mesh(self) -> "Mesh":
        """The whole mesh, built on first use."""
        from simulator.mesh import Mesh
        from simulator.registry.build import build_snapshot

        return Mesh(state=self.state, snapshot=build_snapshot(self.state), caveats=self._caveats)

    @property
    def snapshot(self) -> "Snapshot":
        """istiod's view."""
        return self.mesh.snapshot

    def config_dump(self, name: ProxyId) -> Json:
        """Return an Envoy's config dump, endpoints included; raises KeyError when there is no such proxy."""
        return self.mesh.config_dump(name)

    def configuration(self, name: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return the Envoy resources that a proxy is sent, by kind; raises KeyError when there is no such proxy."""
        return self.mesh.configuration(name)

    def directory(self) -> "Directory":
        """Return the hosts, addresses and pods that requests meet between proxies."""
        return self.mesh.directory()

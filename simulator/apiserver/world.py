"""The interface through which the API server reads the mesh that is derived from its objects."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from simulator.model.directory import Directory
from simulator.model.proxies import ProxyId
from simulator.model.resources import Resource
from simulator.model.wire import Json

if TYPE_CHECKING:
    from simulator.registry.snapshot import Snapshot


class World(Protocol):
    """A mesh derived from the resources at one moment. It is used from a worker thread, by one caller at a time."""

    @property
    def state(self) -> Sequence[Resource]:
        """All resources of the cluster: those given, and those that its controllers would create."""
        ...

    @property
    def snapshot(self) -> "Snapshot":
        """istiod's view."""
        ...

    def config_dump(self, name: ProxyId) -> Json:
        """Return an Envoy's config dump, endpoints included; raises KeyError when there is no such proxy."""
        ...

    def configuration(self, name: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return the Envoy resources that a proxy is sent, by kind; raises KeyError when there is no such proxy."""
        ...

    def directory(self) -> Directory:
        """Return the hosts, addresses and pods that requests meet between proxies."""
        ...


Derive = Callable[[Sequence[Resource]], World]
"""Derive the world from the resources that users gave; pure, called in a worker thread."""

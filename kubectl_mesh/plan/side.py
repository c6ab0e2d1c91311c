"""One of the two meshes that are compared: predictions, and the Envoy resources they are made from."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.diagnosis.representatives import Representatives
from kubectl_mesh.diagnosis.ztunnel_pods import ztunnels
from kubectl_mesh.errors import NotAvailable
from kubectl_mesh.sources.base import MeshSource, ResourceSource
from simulator.model.directory import Workload
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json
from simulator.traffic.ztunnel_state import Ztunnel


class Side(Predictor):
    """A mesh before or after the change. Raises NotAvailable for a source that has documents only."""

    def __init__(self, source: MeshSource) -> None:
        super().__init__(source)
        if not isinstance(source, ResourceSource):
            raise NotAvailable("this mesh cannot be compared", hint="name manifests or bundles of a whole mesh")
        self._resource_source = source
        self._envoys = frozenset(source.proxies())
        self._carriers = frozenset(ztunnels(source))
        self.proxies = self._envoys | self._carriers

    @cached_property
    def ztunnel(self) -> Ztunnel | None:
        """What the ztunnels of the mesh hold, all the same; None when it has none."""
        return self._ztunnels()

    def resources(self, proxy: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return what a proxy holds, by kind; equal resources of two proxies are one object."""
        if proxy in self._carriers:
            return self.ztunnel.resources if self.ztunnel is not None else {}
        return self._resource_source.configuration(proxy)

    @cached_property
    def stand_ins(self) -> Representatives:
        """Makes the requests that stand for what a workload can send."""
        return Representatives(source=self._resource_source, directory=self.directory, proxies=self._envoys)

    def workload(self, name: str, namespace: str) -> Workload | None:
        """Return a workload by the name of its pod."""
        return self.directory.workload(name, namespace)

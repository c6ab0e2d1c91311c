"""One of the two meshes that are compared: predictions, and the Envoy resources they are made from."""

from functools import cached_property

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.diagnosis.representatives import Representatives
from kubectl_mesh.errors import NotAvailable
from kubectl_mesh.sources.base import MeshSource, ResourceSource
from simulator.model.directory import Workload


class Side(Predictor):
    """A mesh before or after the change. Raises NotAvailable for a source that has documents only."""

    def __init__(self, source: MeshSource) -> None:
        super().__init__(source)
        if not isinstance(source, ResourceSource):
            raise NotAvailable("this source cannot be compared", hint="name manifests or bundles of a whole mesh")
        self._resource_source = source
        self.resources = source.configuration
        self.proxies = frozenset(source.proxies())

    @cached_property
    def stand_ins(self) -> Representatives:
        """Makes the requests that stand for what a workload can send."""
        return Representatives(source=self._resource_source, directory=self.directory, proxies=self.proxies)

    def workload(self, name: str, namespace: str) -> Workload | None:
        """Return a workload by the name of its pod."""
        return self.directory.workload(name, namespace)

"""One of the two meshes that are compared: predictions, and the Envoy resources they are made from."""

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.errors import NotAvailable
from kubectl_mesh.sources.base import MeshSource, ResourceSource
from simulator.model.directory import Workload


class Side(Predictor):
    """A mesh before or after the change. Raises NotAvailable for a source that has documents only."""

    def __init__(self, source: MeshSource) -> None:
        super().__init__(source)
        if not isinstance(source, ResourceSource):
            raise NotAvailable("this source cannot be compared", hint="name manifests or bundles of a whole mesh")
        self.resources = source.configuration
        self.proxies = frozenset(source.proxies())

    def workload(self, name: str, namespace: str) -> Workload | None:
        """Return a workload by the name of its pod."""
        return self.directory.workload(name, namespace)

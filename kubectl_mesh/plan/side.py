"""One of the two meshes that are compared: its addresses, its proxies' configuration, and a predictor over both."""

from collections.abc import Callable
from functools import cached_property

from kubectl_mesh.diagnosis.mesh_directory import directory_of
from kubectl_mesh.diagnosis.prediction import configurations
from kubectl_mesh.diagnosis.trace import Locate, locator, source_of
from kubectl_mesh.errors import NotAvailable
from kubectl_mesh.reports.trace import SourceReport
from kubectl_mesh.sources.base import MeshSource, ResourceSource
from simulator.envoy.config import Config
from simulator.model.directory import Directory, Workload
from simulator.model.proxies import ProxyId
from simulator.model.requests import Request
from simulator.model.traces import Trace
from simulator.traffic.follow import follow


class Side:
    """A mesh before or after the change. Raises NotAvailable for a source that has documents only."""

    def __init__(self, source: MeshSource) -> None:
        if not isinstance(source, ResourceSource):
            raise NotAvailable("this source cannot be compared", hint="name manifests or bundles of a whole mesh")
        self.source = source
        self.resources = source.configuration
        self.proxies = frozenset(source.proxies())
        self._config: Callable[[ProxyId], Config] = configurations(source)

    @cached_property
    def directory(self) -> Directory:
        """Hosts, addresses and pods."""
        return directory_of(self.source)

    @cached_property
    def _locate(self) -> Locate:
        return locator(self.directory.origins)

    def workload(self, name: str, namespace: str) -> Workload | None:
        """Return a workload by the name of its pod."""
        return self.directory.workload(name, namespace)

    def trace(self, request: Request, sender: Workload | None) -> Trace:
        """Predict what becomes of a request."""
        return follow(self.directory, self._config, request, sender)

    def origin(self, document: object) -> SourceReport | None:
        """Return what an Envoy resource was made from, and where that is written."""
        return source_of(document, self._locate)

"""A mesh made of manifests that tests can ask."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from simulator.envoy.config import Config
from simulator.mesh import Mesh
from simulator.model.caveats import Caveat
from simulator.model.directory import Workload
from simulator.model.proxies import ProxyId
from simulator.model.requests import Request
from simulator.model.resources import Resource
from simulator.testing.answers import Answer
from simulator.testing.asking import Headers, find_sender, read_url
from simulator.traffic.follow import follow
from simulator.traffic.ztunnel_state import Ztunnel

Listener = Callable[[Answer], None]


@dataclass(slots=True, eq=False)
class TestMesh:
    """A mesh to ask. Proxies are configured when a request first meets them, and once."""

    __test__ = False  # a class for tests, not one of them
    mesh: Mesh
    listener: Listener | None = None
    """Told of every answer: the plugin shows them beside a failure."""
    _configs: dict[ProxyId, Config] = field(default_factory=dict, repr=False)
    _known: Ztunnel | None = field(default=None, repr=False)

    @classmethod
    def from_manifests(cls, *paths: str, yaml: str = "", overlay: Sequence[str] = ()) -> Self:
        """Read files, directories and globs, and a text; `overlay` replaces resources of the same name.

        Raises ManifestError, which names file and line.
        """
        from simulator.manifests.changes import changed
        from simulator.manifests.reading import parse_manifests, read_manifests

        found = read_manifests(paths) if paths else ()
        for added in (parse_manifests(yaml) if yaml else (), read_manifests(overlay) if overlay else ()):
            found = changed(found, applied=added)
        return cls.from_resources(found)

    @classmethod
    def from_resources(cls, resources: Iterable[Resource]) -> Self:
        """Simulate the mesh of resources that are read already."""
        return cls(Mesh.from_resources(tuple(resources)))

    def trace(
        self,
        from_: str,
        url: str | Request,
        *,
        method: str = "GET",
        headers: Headers | None = None,
        source_ip: str = "",
        random: float | None = None,
    ) -> Answer:
        """Ask what becomes of a request from `[NAMESPACE/][KIND/]NAME`, or from `outside`.

        `random` decides what is left to chance, 0 ≤ random < 1. Raises SimulatorError for an unknown sender.
        """
        request = read_url(url, method=method, headers=headers, random=random) if isinstance(url, str) else url
        if source_ip:
            request = replace(request, source_ip=source_ip)
        directory = self.mesh.directory()
        trace = follow(directory, self._config, request, find_sender(directory, from_), ztunnels=self._ztunnel)
        answer = Answer(trace=trace, directory=directory)
        if self.listener is not None:
            self.listener(answer)
        return answer

    @property
    def workloads(self) -> tuple[str, ...]:
        """`namespace/name` of every workload, sorted."""
        return tuple(sorted({_name(each) for each in self.mesh.directory().workloads}))

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host that the mesh knows, sorted."""
        return tuple(sorted(self.mesh.directory().services))

    @property
    def caveats(self) -> Sequence[Caveat]:
        """What a reader of any answer must know: what istiod would refuse, what is not simulated."""
        return self.mesh.caveats()

    def _ztunnel(self) -> Ztunnel | None:
        """Return what the ztunnels know; all know the same, so the first is asked."""
        first = next(iter(self.mesh.ztunnels()), None)
        if first is not None and self._known is None:
            self._known = Ztunnel.read(json.loads(self.mesh.envoy(first, "config_dump")))
        return self._known

    def _config(self, proxy: ProxyId) -> Config:
        if proxy not in self._configs:
            self._configs[proxy] = Config.read(self.mesh.configuration(proxy))
        return self._configs[proxy]


def _name(workload: Workload) -> str:
    return f"{workload.namespace}/{workload.owner or workload.name}"

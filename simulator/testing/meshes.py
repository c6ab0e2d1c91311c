"""Meshes made of manifests, for tests."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar, cast

from simulator.mesh import Mesh
from simulator.model.caveats import Caveat
from simulator.model.directory import Workload
from simulator.model.errors import SimulatorError
from simulator.model.requests import Request
from simulator.model.resources import Resource
from simulator.testing.answers import Answer
from simulator.testing.asking import Headers, find_sender, read_tls, read_url

Listener = Callable[[Answer], None]
Found = TypeVar("Found")


@dataclass(slots=True, eq=False)
class TestMesh:
    """A mesh that predicts the answers to requests."""

    __test__ = False  # a class for tests, not one of them
    mesh: Mesh
    listener: Listener | None = None
    """Called with every answer: the plugin shows them with a failure."""
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_manifests(
        cls, *paths: str, yaml: str = "", overlay: Sequence[str] = (), inject: Sequence[str] = ()
    ) -> Self:
        """Simulate the mesh of files, directories and globs, and of the text `yaml`.

        Resources of `overlay` replace those of the same name. `inject` names namespaces to treat as labelled for
        injection, `*` all without such a label. Raises ManifestError, which names file and line.
        """
        from simulator.manifests.changes import changed
        from simulator.manifests.reading import parse_manifests, read_manifests

        found = read_manifests(paths) if paths else ()
        for added in (parse_manifests(yaml) if yaml else (), read_manifests(overlay) if overlay else ()):
            found = changed(found, applied=added)
        return cls.from_resources(found, inject=inject)

    @classmethod
    def from_resources(cls, resources: Iterable[Resource], *, inject: Sequence[str] = ()) -> Self:
        """Simulate the mesh of resources that have been read."""
        return cls(Mesh.from_resources(tuple(resources), inject=inject))

    def trace(
        self,
        from_: str,
        url: str | Request,
        *,
        method: str = "GET",
        headers: Headers | None = None,
        source_ip: str = "",
        sni: str = "",
        tls: str = "",
        random: float | None = None,
        resolve: Mapping[str, str] | None = None,
    ) -> Answer:
        """Predict the answer to a request from `[NAMESPACE/][KIND/]NAME`, or from `outside`.

        `tls` is how the application itself encrypts (`none`, `simple`, `mutual`), `random` decides random choices
        (0 ≤ random < 1), `resolve` has the addresses of public hosts. Raises SimulatorError for an unknown sender.
        """
        __tracebackhide__ = True
        directory = self.mesh.directory()
        try:
            request = read_url(url, method=method, headers=headers, random=random) if isinstance(url, str) else url
            given = {"source_ip": source_ip, "sni": sni, "tls": read_tls(tls) if tls else None}
            request = replace(request, **{name: value for name, value in given.items() if value})  # type: ignore[arg-type]
            sender = find_sender(directory, from_)
        except SimulatorError as error:
            if error.hint:
                error.add_note(f"hint: {error.hint}")
            raise
        answer = Answer(trace=self.mesh.trace(request, sender, resolve=resolve), directory=directory)
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
        """Reservations about all answers: what istiod would refuse, what is not simulated."""
        return self.mesh.caveats()

    def keep(self, name: str, make: Callable[[], Found]) -> Found:
        """Return `make()`, called once for each name: the mesh never changes."""
        if name not in self._kept:
            self._kept[name] = make()
        return cast("Found", self._kept[name])


def _name(workload: Workload) -> str:
    return f"{workload.namespace}/{workload.owner or workload.name}"

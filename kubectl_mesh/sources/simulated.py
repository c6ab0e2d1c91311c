"""The mesh that manifests describe, behind the protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kubectl_mesh.errors import InputError, NotAvailable, NothingFound
from kubectl_mesh.sources.base import Completion, LocatedSource, MeshSource, ResourceSource
from kubectl_mesh.sources.progress import counted
from kubectl_mesh.sources.standard_input import standard_input
from simulator.model.caveats import Caveat
from simulator.model.directory import Directory
from simulator.model.errors import SimulatorError
from simulator.model.proxies import ProxyId
from simulator.model.resources import Resource
from simulator.model.wire import Json

if TYPE_CHECKING:
    from simulator.mesh import Mesh
    from simulator.model.resources import Resource

Answer = TypeVar("Answer")
EXAMPLE = "shop"
CONTROLZ = 9876
KUBERNETES_GATEWAY, GATEWAY_GROUP = "KubernetesGateway", "gateway.networking.k8s.io/"
_DEFAULT = Completion()


def open_manifests(paths: Sequence[str], completion: Completion = _DEFAULT) -> "SimulatedMesh":
    """Simulate the mesh of these manifests."""
    from simulator.manifests.reading import read_manifests

    def opened() -> SimulatedMesh:
        with counted() as progress:
            return _mesh(read_manifests(paths, stdin=standard_input, progress=progress), completion)

    return _translated(opened)


def _mesh(resources: Sequence[Resource], completion: Completion) -> "SimulatedMesh":
    from simulator.mesh import Mesh

    return SimulatedMesh(
        Mesh.from_resources(resources, control_plane=completion.control_plane, inject=completion.inject)
    )


def open_demo() -> "SimulatedMesh":
    """Simulate the bundled example mesh."""
    return open_manifests([str(example())])


def open_change(
    paths: Sequence[str],
    completion: Completion = _DEFAULT,
    *,
    demo: bool,
    apply: Sequence[str],
    delete: Sequence[str],
) -> tuple["SimulatedMesh", "SimulatedMesh"]:
    """Simulate the mesh of some manifests, and the same mesh with others applied to it and objects deleted from it."""
    from simulator.manifests.changes import changed, parse_ref
    from simulator.manifests.reading import read_manifests

    def open_both() -> tuple[SimulatedMesh, SimulatedMesh]:
        with counted() as progress:
            base = read_manifests([str(example())] if demo else list(paths), stdin=standard_input, progress=progress)
            applied = read_manifests(list(apply), stdin=standard_input) if apply else ()
            after = changed(base, applied=applied, deleted=[parse_ref(text) for text in delete])
            return _mesh(base, completion), _mesh(after, completion)

    return _translated(open_both)


def open_given(
    paths: Sequence[str],
    completion: Completion = _DEFAULT,
    *,
    overlay: Sequence[str] = (),
    mesh_config: str = "",
    creation_order: str | Sequence[str] = "",
) -> "SimulatedMesh":
    """Simulate manifests with others laid over them, fields of a MeshConfig file, and ages for some objects.

    `creation_order` is `file` (as the manifests list them) or objects (`KIND/NAME`), oldest first; other words leave
    ages as they are.
    """
    from simulator.manifests.changes import changed, dated, parse_ref, with_mesh_config
    from simulator.manifests.reading import read_manifests

    def open_it() -> SimulatedMesh:
        resources = read_manifests(list(paths), stdin=standard_input)
        if overlay:
            resources = changed(resources, applied=read_manifests(list(overlay), stdin=standard_input))
        if mesh_config:
            resources = with_mesh_config(resources, _text(mesh_config))
        listed = not isinstance(creation_order, str)
        if listed or creation_order == "file":
            order = [parse_ref(text) for text in creation_order] if listed else [each.ref for each in resources]
            resources = dated(resources, oldest_first=order)
        return _mesh(resources, completion)

    return _translated(open_it)


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from error


def example() -> Path:
    """Return the folder of the example's manifests: in the package, or in the project it is installed from.

    Messages name files in it: below the current folder its path is relative.
    """
    package, here = Path(__file__).parents[1], Path.cwd()
    for folder in (package / "examples" / EXAMPLE, package.parent / "examples" / EXAMPLE):
        for base in (folder / "base", folder):
            if base.is_dir() and any(base.glob("*.yaml")):
                return base.relative_to(here) if base.is_relative_to(here) else base
    raise InputError("the example mesh is not installed", hint="name manifests with -f PATH")


@dataclass(slots=True)
class SimulatedMesh:
    """The engine's mesh; its errors are translated here."""

    mesh: "Mesh"

    def resources(self, kind: str, namespace: str | None = None) -> Sequence[Json]:
        """Return the documents of all resources of a kind; of one namespace when it is given."""
        if kind not in ("Gateway", KUBERNETES_GATEWAY):
            return self.mesh.resources(kind, namespace)
        found = [self._gateway(one) for one in self.mesh.state if one.kind == "Gateway"]
        chosen = [each for each in found if namespace in (None, each["metadata"].get("namespace", ""))]
        if kind == "Gateway":
            return chosen
        return [each for each in chosen if str(each.get("apiVersion", "")).startswith(GATEWAY_GROUP)]

    def proxies(self) -> Sequence[ProxyId]:
        """Return every proxy of the mesh, sorted by namespace and name."""
        return self.mesh.proxies()

    def envoy(self, proxy: ProxyId, path: str) -> bytes:
        """Return what Envoy's admin interface would answer."""
        self._check(proxy)
        return _translated(lambda: self.mesh.envoy(proxy, path))

    def envoy_post(self, proxy: ProxyId, path: str) -> bytes:
        """Return the log levels that a proxy starts with; nothing in a simulated mesh can be changed."""
        from simulator.istiod.envoy_admin import admin_page
        from simulator.istiod.loggers import Loggers, ZtunnelLevel

        self._check(proxy)
        if path != "logging":
            raise NotAvailable(
                "log levels of a simulated proxy cannot be changed",
                hint="serve the mesh with: kubectl mesh simulate serve",
            )
        if proxy in self.mesh.ztunnels():
            return ZtunnelLevel().post({}).body
        return admin_page(dict, "POST", path, Loggers()).body

    def pod_request(
        self, pod: ProxyId, port: int, path: str, *, method: str = "GET", body: bytes = b""
    ) -> tuple[int, bytes]:
        """Return what istiod's ControlZ tells at its start; nothing in a simulated mesh can be changed."""
        from simulator.apiserver.control import Scopes

        if port != CONTROLZ or method != "GET":
            hint = "serve the mesh with: kubectl mesh simulate serve"
            raise NotAvailable("a simulated istiod cannot be changed", hint=hint)
        page = Scopes().answer(method, f"/{path.lstrip('/')}", body)
        return page.status, page.body

    def istiod(self, path: str) -> Mapping[str, bytes]:
        """Return what istiod's debug interface would answer."""
        return _translated(lambda: self.mesh.istiod(f"/{path.lstrip('/')}"))

    def configuration(self, proxy: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return the Envoy resources of a proxy by kind; equal resources of two proxies are one object."""
        self._check(proxy)
        return _translated(lambda: self.mesh.configuration(proxy))

    def directory(self) -> Directory:
        """Return hosts, addresses and pods of the mesh, and where each resource was written."""
        return _translated(self.mesh.directory)

    def caveats(self) -> Sequence[Caveat]:
        """Return what is not simulated, by object and field."""
        return self.mesh.caveats()

    def _gateway(self, gateway: "Resource") -> Json:
        """Return a Gateway with the status that istiod would give it."""
        from simulator.manifests.gateway_statuses import gateway_status, is_managed

        if gateway.status or not is_managed(gateway):
            return gateway.document
        services = [one for one in self.mesh.state if one.kind == "Service"]
        return gateway.document | {"status": gateway_status(gateway, services)}

    def _check(self, proxy: ProxyId) -> None:
        if proxy not in self.mesh.proxies() and proxy not in self.mesh.ztunnels():
            raise NothingFound(f"{proxy}: no such proxy")


def _translated(ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except SimulatorError as error:
        raise InputError(str(error), hint=error.hint) from error


_: tuple[type[MeshSource], type[ResourceSource], type[LocatedSource]] = (SimulatedMesh, SimulatedMesh, SimulatedMesh)

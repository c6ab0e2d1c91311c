"""The input of an analysis: files, a mesh, or files laid over a mesh; and the kinds that could not be read."""

from collections.abc import Iterable, Iterator, Sequence

from kubectl_mesh.analysis.analyzer import Analyzer
from kubectl_mesh.analysis.default_resources import with_default_gateway
from kubectl_mesh.analysis.pods import POD_KINDS, WORKLOAD_KINDS
from kubectl_mesh.analysis.world import World, world_of
from kubectl_mesh.errors import MeshError, NothingFound, Unreachable
from kubectl_mesh.sources.base import Incomplete, MeshSource, Prefetching
from simulator.model.caveats import Caveat
from simulator.model.resources import Origin, Resource
from simulator.model.wire import Json

_REVISION = "istio.io/rev"
_RUNTIME = ("Service", "Pod", "Namespace", "Node", "Secret")
"""Kinds that files often leave out because they are made elsewhere: without any, the kind counts as not seen."""
_PASSED_OVER = frozenset({"Service", "Namespace", "Node", "Pod", "Secret"})
"""Kinds that belong to no revision."""
_MESH = frozenset({"MeshConfig", "MeshNetworks"})
"""Documents in istiod's ConfigMap, which are not resources of their own."""
_CONFIDENTIAL = {"Secret": "their data is read neither from a cluster nor from a bundle"}


def from_files(
    resources: Iterable[Resource], *, mesh: Json | None, system_namespace: str, revision: str, simulated: bool = False
) -> World:
    """Return a world of files alone; `mesh` overrides the MeshConfig that is among them.

    `simulated` adds the control plane that a simulation adds to manifests which bring none of their own.
    """
    given = tuple(_of_revision(resources, revision))
    absent = {kind: "no file has one" for kind in _missing(given)}
    known = (*given, *_control_plane(given)) if simulated and not absent.keys() & {"Service", "Pod"} else given
    settings, networks, refusals = _mesh_of(known, mesh)
    complete = with_default_gateway(known, settings, namespace=system_namespace)
    world = world_of(complete, mesh=settings, mesh_networks=networks)
    world.absent, world.partial, world.mesh_refusals = absent, True, refusals
    return world


def _control_plane(given: Sequence[Resource]) -> tuple[Resource, ...]:
    from simulator.manifests.control_plane import missing, namespaces

    added = missing(given)
    return (*added, *namespaces((*given, *added)))


def _missing(resources: Sequence[Resource]) -> Iterator[str]:
    kinds = {each.kind for each in resources if each.group in ("", "apps", "batch")}
    for kind in _RUNTIME:
        wanted = {kind, *WORKLOAD_KINDS} if kind == "Pod" else {kind}
        if not wanted & kinds:
            yield kind


def over_source(
    source: MeshSource,
    files: Iterable[Resource],
    *,
    analyzers: Sequence[Analyzer],
    mesh: Json | None,
    revision: str,
) -> World:
    """Lay files over a mesh's resources of the kinds that analyzers read; a file's object replaces the mesh's own.

    Sources withhold the data of secrets. Raises Unreachable when the mesh does not answer at all.
    """
    kinds = {kind for analyzer in analyzers for kind in _read(analyzer)} - _MESH
    wanted = sorted({_asked(kind) for kind in kinds} | {"ConfigMap", "Deployment"})
    absent: dict[str, str] = {}
    found: dict[tuple[str, str, str, str], Resource] = {}
    if isinstance(source, Prefetching):
        source.prefetch(wanted)
    for kind in wanted:
        for resource in _listed(source, kind, absent):
            found[resource.group, resource.kind, resource.namespace, resource.name] = resource
    for resource in files:
        found[resource.group, resource.kind, resource.namespace, resource.name] = resource
    unlisted = dict(absent)
    absent |= {kind: reason for kind, reason in _CONFIDENTIAL.items() if kind in wanted}
    known = tuple(_of_revision(found.values(), revision))
    settings, networks, refusals = _mesh_of(known, mesh)
    world = world_of(known, mesh=settings, mesh_networks=networks)
    world.absent, world.unlisted, world.mesh_refusals = absent, unlisted, refusals
    return world


def only(kinds: Sequence[str], source: MeshSource) -> World:
    """Return the resources of these kinds that a source shows, and no MeshConfig."""
    absent: dict[str, str] = {}
    if isinstance(source, Prefetching):
        source.prefetch(kinds)
    world = world_of(resource for kind in kinds for resource in _listed(source, kind, absent))
    world.absent = world.unlisted = absent
    return world


def services_of(source: MeshSource) -> tuple[tuple[Resource, ...], str]:
    """Return the services of another cluster of the mesh, and why they could not be listed (empty where they could)."""
    absent: dict[str, str] = {}
    try:
        found = tuple(_listed(source, "Service", absent))
    except Unreachable as error:
        return (), str(error)
    return found, absent.get("Service", "")


def _read(analyzer: Analyzer) -> tuple[str, ...]:
    return (*analyzer.inputs, *getattr(analyzer, "hints", ()))


def _asked(kind: str) -> str:
    """Return a source's name of a kind: two kinds are called Gateway."""
    return "KubernetesGateway" if kind == "gateway.networking.k8s.io/Gateway" else kind.rpartition("/")[2]


def _listed(source: MeshSource, kind: str, absent: dict[str, str]) -> Iterator[Resource]:
    """Yield the resources of a kind. One that may not be listed becomes absent; one that is unknown has none."""
    try:
        documents = source.resources(kind)
    except NothingFound:
        return
    except Unreachable:
        raise
    except MeshError as error:
        absent[kind] = str(error)
        return
    if isinstance(source, Incomplete) and (reason := source.refusal(kind)):
        absent[kind] = reason
        return
    for document in documents:
        metadata = document.get("metadata") or {}
        yield Resource(
            kind=document.get("kind") or kind.removeprefix("Kubernetes"),
            api_version=document.get("apiVersion") or "",
            namespace=metadata.get("namespace") or "",
            name=metadata.get("name") or "",
            document=document,
            origin=Origin(source=""),
        )


def _of_revision(resources: Iterable[Resource], revision: str) -> Iterator[Resource]:
    """Yield the resources that a revision reads: its own and those of no revision; without `revision`, all of them."""
    if not revision:
        yield from resources
        return
    for resource in resources:
        own = resource.labels.get(_REVISION, "")
        if resource.kind in _PASSED_OVER or resource.kind in POD_KINDS or not own or own == revision:
            yield resource


def _mesh_of(resources: Sequence[Resource], override: Json | None) -> tuple[Json, Json, Sequence[Caveat]]:
    """Return MeshConfig and MeshNetworks with istiod's defaults, and istiod's errors about the given documents."""
    from simulator.registry.mesh_config import apply_mesh_config, camel_case, default_mesh_config, load_settings
    from simulator.registry.resource_index import ResourceIndex

    configuration = [each for each in resources if each.kind == "ConfigMap" or _is_istiod(each)]
    settings = load_settings(ResourceIndex(configuration))
    networks = {"networks": settings.networks}
    if override is None:
        return settings.mesh, networks, settings.caveats
    return apply_mesh_config(default_mesh_config(), camel_case(override)), networks, ()


def _is_istiod(resource: Resource) -> bool:
    return resource.kind == "Deployment" and resource.name.startswith("istiod")

"""The options of `analyze` become one world to analyse, and one report."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kubectl_mesh.analysis.default_resources import is_given
from kubectl_mesh.analysis.gathering import from_files, over_source, services_of
from kubectl_mesh.analysis.registry import chosen
from kubectl_mesh.analysis.reporting import at_least, row
from kubectl_mesh.analysis.runner import Analysis, analyze
from kubectl_mesh.analysis.suppression import Suppression, audible
from kubectl_mesh.analysis.world import World
from kubectl_mesh.cli.context import Call, open_source
from kubectl_mesh.cli.options import Settings
from kubectl_mesh.errors import InputError, NothingFound, Unreachable
from kubectl_mesh.reports.findings import CheckRow, FindingRow, FindingsReport
from kubectl_mesh.sources.base import MeshSource
from kubectl_mesh.sources.manifests import Manifests, read_document, read_files
from simulator.manifests.garbage_collection import collector_paused
from simulator.model.resources import Resource

_ALONE = "--use-kube=false analyzes the files alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of an analysis."""

    paths: tuple[str, ...]
    use_kube: bool
    revision: str
    mesh_config: str
    analyzers: tuple[str, ...]
    suppressions: tuple[Suppression, ...]
    remote_contexts: tuple[str, ...] = ()
    may_be_empty: bool = False
    """Files without an object are an answer too, as one side of a comparison is."""


def run(call: Call, question: Question) -> FindingsReport:
    """Analyse what the options name."""
    with collector_paused():  # nothing to collect: all objects live until the end
        return _run(call, question)


def _run(call: Call, question: Question) -> FindingsReport:
    analyzers = chosen(question.analyzers)
    mesh = read_document(question.mesh_config) if question.mesh_config else None
    offline, settings = _offline_paths(call, question), call.settings
    if offline is not None:
        files = _read(call, offline, default="default")
        world = from_files(
            files.resources,
            mesh=mesh,
            system_namespace=settings.connection.istio_namespace,
            revision=question.revision,
            simulated=bool(settings.files or settings.demo) and settings.completion.control_plane,
        )
        namespace = "" if settings.all_namespaces else settings.namespace
        if not question.may_be_empty and not files.unread:
            _need_objects(files, offline, namespace)
    else:
        source, home = _live(call, question)
        files = _read(call, question.paths, default=home)
        is_live = not settings.bundle
        try:
            world = over_source(
                source,
                files.resources,
                analyzers=analyzers,
                mesh=mesh,
                revision=question.revision or "default",
            )
        except Unreachable as error:
            if not question.paths:
                raise
            raise Unreachable(str(error), hint=_ALONE) from error
        namespace = "" if settings.all_namespaces else settings.namespace or (home if is_live else "")
    world.now, world.replaced = datetime.now(UTC), files.replaced
    _look_elsewhere(call, world, question.remote_contexts)
    report = _report(analyze(world, analyzers), question, files, world, namespace=namespace)
    return replace(report, target=_target(offline or question.paths, namespace))


def _live(call: Call, question: Question) -> tuple[MeshSource, str]:
    """Return the mesh that files are laid over, and its namespace; without one, point to analyzing files alone."""
    try:
        return call.source, call.home
    except InputError as error:
        if not question.paths or call.settings.bundle:
            raise
        raise InputError(str(error), hint=_ALONE) from error


def _look_elsewhere(call: Call, world: World, contexts: Sequence[str]) -> None:
    """Add the services of other clusters, named by contexts of the kubeconfig."""
    connection = call.settings.connection
    found: dict[str, Sequence[Resource]] = {}
    unlisted = dict(world.unlisted)
    for name in contexts:
        source = open_source(Settings(connection=replace(connection, context=name, cluster="", user="")))
        found[name], refused = services_of(source)
        if refused:
            unlisted[f"Service of context {name}"] = refused
    world.elsewhere, world.unlisted = found, unlisted
    world.cluster_id = connection.context or "current context"


def _need_objects(files: Manifests, paths: Sequence[str], namespace: str) -> None:
    """Raise NothingFound where there is nothing to analyze: silence would read as approval."""
    where = ", ".join(paths)
    if not files.resources:
        raise NothingFound(f"no resources in {where}", hint="check the path")
    if namespace and all(namespace not in (each.namespace, each.name) for each in files.resources):
        raise NothingFound(f"no resources of namespace {namespace} in {where}", hint="leave out -n for all namespaces")


def _offline_paths(call: Call, question: Question) -> tuple[str, ...] | None:
    """Return the files that are the whole of what is analysed; None when a mesh lies below them."""
    settings = call.settings
    if settings.demo:
        from kubectl_mesh.sources.simulated import example

        return (str(example()), *question.paths)
    if settings.files:
        return (*settings.files, *question.paths)
    if question.use_kube or settings.bundle:
        return None
    if not question.paths:
        raise NothingFound("no files, and --use-kube=false", hint="kubectl mesh analyze --use-kube=false k8s/")
    return question.paths


def _read(call: Call, paths: Sequence[str], *, default: str) -> Manifests:
    """Read files; with -A a missing namespace stays missing, as in istioctl."""
    home = "" if call.settings.all_namespaces else call.settings.namespace or default
    return read_files(paths, namespace=home) if paths else Manifests()


def _report(found: Analysis, question: Question, files: Manifests, world: World, *, namespace: str) -> FindingsReport:
    heard = audible(found.findings, suppressions=question.suppressions, namespace=namespace)
    checks = [
        CheckRow(name=each.name, description=each.description, skipped=each.skipped, needs=each.needs)
        for each in found.outcomes
    ]
    unseen = [f"{kind}: {reason}" for kind, reason in world.unlisted.items()]
    return FindingsReport(
        target="",
        findings=tuple(row(each) for each in heard if each.resource is None or is_given(each.resource)),
        checks=tuple(checks),
        unread=files.unread,
        unseen=tuple(unseen),
    )


def _target(paths: Sequence[str], namespace: str) -> str:
    if len(paths) == 1:
        return paths[0]
    if paths:
        return f"{len(paths)} paths ({', '.join(paths)})"
    return f"namespace: {namespace}" if namespace else "all namespaces"


def shown(report: FindingsReport, *, threshold: str) -> FindingsReport:
    """Return the report with findings of a level, and those above it."""
    levels = at_least(threshold)
    kept: list[FindingRow] = [each for each in report.findings if each.level in levels]
    return replace(report, findings=tuple(kept))

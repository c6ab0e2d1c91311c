"""Manifests with proxies written into their pod templates, as `istioctl kube-inject` writes them.

istioctl: pkg/kube/inject/inject.go (IntoResourceFile, IntoObject). Labels of namespaces are ignored: running
the command is the request to inject. Documents without pods are passed on unchanged.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

from simulator.manifests import control_plane
from simulator.manifests.annotation_values import complaints
from simulator.manifests.documents import Document, documents
from simulator.manifests.injection import IGNORED_NAMESPACES, INJECT
from simulator.manifests.injector import Injector, Injectors, find_injectors
from simulator.manifests.kinds import find_kind, group_of
from simulator.manifests.owners import WorkloadMeta, workload_of
from simulator.manifests.placement import SYNTHETIC, synthetic_nodes
from simulator.manifests.proxy_config import parse
from simulator.manifests.webhook import inject
from simulator.model.errors import ConfigurationError
from simulator.model.resources import Resource
from simulator.model.wire import Json

_HOME = control_plane.NAMESPACE
_OPENSHIFT = "apps.openshift.io"
_TEMPLATE = ("spec", "template")
_PATHS: dict[str, tuple[str, ...]] = {
    "Pod": (),
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    **dict.fromkeys(
        (
            *("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"),
            *("Job", "ReplicationController", "DeploymentConfig"),
        ),
        _TEMPLATE,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One document: its text where nothing was added, else its new value; with messages for the user."""

    text: str
    value: Json | None = None
    warnings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Additions of the webhook that are not simulated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Texts of an injector's configuration; each empty one is taken from the injector that is found."""

    mesh: str = ""
    config: str = ""
    values: str = ""


def injector_of(
    resources: Sequence[Resource], *, revision: str = "", settings: Settings | None = None
) -> tuple[Injector, bool]:
    """Return the injector that manifests bring, or that of the default profile, and whether sidecars are native."""
    given = [*resources, *control_plane.missing(resources)]
    nodes = [one for one in given if one.kind == "Node"] or synthetic_nodes()
    found: Injectors = find_injectors(_configured(given, settings or Settings(), revision), nodes=nodes)
    injector = found.injector(revision) if revision else found.first
    return injector, found.uses_native_sidecars(injector, node_name="")


def _configured(resources: Iterable[Resource], settings: Settings, revision: str) -> list[Resource]:
    """Put the texts into the ConfigMaps that an injector is read from."""
    ending = f"-{revision}" if revision not in ("", "default") else ""
    wanted = {
        f"istio{ending}": {"mesh": settings.mesh},
        f"istio-sidecar-injector{ending}": {"config": settings.config, "values": settings.values},
    }
    changed = list(resources)
    for name, given in wanted.items():
        if texts := {key: text for key, text in given.items() if text}:
            held = [one for one in changed if (one.kind, one.namespace, one.name) == ("ConfigMap", _HOME, name)]
            changed = [one for one in changed if one not in held]
            changed.append(_config_map(name, {**(held[0].document.get("data") or {} if held else {}), **texts}))
    return changed


def _config_map(name: str, data: Json) -> Resource:
    metadata = {"name": name, "namespace": _HOME}
    document: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    return Resource(kind="ConfigMap", api_version="v1", namespace=_HOME, name=name, document=document, origin=SYNTHETIC)


def config_text(text: str) -> str:
    """Return an injector's `config`, from its own file or from the ConfigMap that holds it."""
    document = parse(text)
    held = (document.get("data") or {}).get("config") if document.get("kind") == "ConfigMap" else None
    return str(held) if held else text


def injected(
    texts: Iterable[tuple[str, str]], injector: Injector, *, native: bool, namespace: str = ""
) -> Iterable[Written]:
    """Yield the documents of (source, text) pairs with proxies added; `namespace` is for those that name none."""
    for document in documents(texts, progress=None):
        yield _written(document, lambda pod, owner, home: _injected(pod, owner, home, injector, native), namespace)


def _written(
    document: Document, add: Callable[[Json, WorkloadMeta, str], tuple[Json, tuple[str, ...]]], namespace: str
) -> Written:
    value = document.value
    path = _path(value) if isinstance(value, dict) else None
    pod = _at(value, path) if path is not None else None
    if path is None or not isinstance(pod, dict) or not isinstance(pod.get("spec"), dict):
        return Written(text=_own_text(document))
    home = str((value.get("metadata") or {}).get("namespace") or namespace or "default")
    if reason := _refused(pod, home):
        name = str((value.get("metadata") or {}).get("name") or (value.get("metadata") or {}).get("generateName", ""))
        named = (value.get("metadata") or {}).get("namespace") or namespace
        full = f"{named}/{name}" if named else name
        words = f'===> Skipping injection because {value["kind"]} "{full}" {reason}'
        return Written(text=_own_text(document), warnings=(words,))
    _check_annotations(document, pod)
    changed, missing = add(pod, _owner(value, pod), home)
    return Written(text="", value=_put(value, path, changed), missing=missing)


def _path(document: Json) -> tuple[str, ...] | None:
    """Return where the pod of a document is; None where it has none, or is of a kind that only shares a name."""
    version, kind = str(document.get("apiVersion")), str(document.get("kind"))
    return _PATHS.get(kind) if find_kind(version, kind) or group_of(version) == _OPENSHIFT else None


def _injected(
    pod: Json, owner: WorkloadMeta, namespace: str, injector: Injector, native: bool
) -> tuple[Json, tuple[str, ...]]:
    found = inject(pod, namespace=namespace, injector=injector, native=native, workload=owner)
    return found.pod, found.warnings


def _refused(pod: Json, namespace: str) -> str:
    metadata = pod.get("metadata") or {}
    wish = (metadata.get("labels") or {}).get(INJECT) or (metadata.get("annotations") or {}).get(INJECT, "")
    if pod["spec"].get("hostNetwork"):
        return "has host networking enabled"
    return "has sidecar injection disabled" if namespace in IGNORED_NAMESPACES or str(wish).lower() == "false" else ""


def _check_annotations(document: Document, pod: Json) -> None:
    """Raise ConfigurationError for annotations with which the webhook refuses a pod."""
    if wrong := complaints((pod.get("metadata") or {}).get("annotations") or {}):
        metadata = document.value.get("metadata") or {}
        named = f"{document.value['kind']} {metadata.get('name') or metadata.get('generateName', '')}"
        raise ConfigurationError(
            f"{document.source}:{document.line}: {named}: {'; '.join(wrong)}",
            hint="the injection webhook refuses such pods: correct the annotation",
        )


def _owner(value: Json, pod: Json) -> WorkloadMeta:
    if value["kind"] == "Pod":
        return workload_of(pod)
    name = str((value.get("metadata") or {}).get("name", ""))
    return WorkloadMeta(name=name, kind=value["kind"], api_version=str(value.get("apiVersion", "")))


def _own_text(document: Document) -> str:
    """Return a document as it was written; an item of a list loses its indentation."""
    text = document.text
    if text.startswith("---"):
        text = text.removeprefix("---").removeprefix(" ").removeprefix("\n")
    return dedent(text).rstrip() + "\n" if text[:1] in ("\n", "\r", " ") else text


def _at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _put(value: Json, path: Sequence[str], pod: Json) -> Json:
    if not path:
        return pod
    head, *rest = path
    return {**value, head: _put(value[head], rest, pod)}

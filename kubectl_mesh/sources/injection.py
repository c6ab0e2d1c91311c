"""Files with proxies written into them: what the injection webhook would do, without a cluster."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from kubectl_mesh.errors import InputError
from kubectl_mesh.sources.standard_input import standard_input
from simulator.manifests import kube_inject
from simulator.manifests.files import read_texts
from simulator.manifests.injector import Injector
from simulator.manifests.kube_inject import Settings, Written
from simulator.manifests.reading import parse_manifests
from simulator.model.errors import SimulatorError
from simulator.model.resources import Resource
from simulator.model.wire import Json


def injected_files(
    paths: Sequence[str],
    *,
    namespace: str,
    revision: str,
    settings: Settings | None = None,
    cluster: Iterable[Json] | None = None,
) -> tuple[Written, ...]:
    """Return the documents of files with proxies; `cluster` has the resources that say how, else the files do."""
    try:
        texts = list(read_texts(paths, stdin=standard_input))
        found = parse_manifests("\n---\n".join(_texts(cluster))) if cluster is not None else _readable(texts)
        injector, native = kube_inject.injector_of(found, revision=revision, settings=settings)
        return _injected(texts, injector, native=native, namespace=namespace)
    except SimulatorError as error:
        raise InputError(str(error), hint=error.hint) from error


def read_settings(*, mesh: str, config: str, values: str) -> Settings:
    """Read the files of an injector's configuration; an empty path is none."""
    return Settings(mesh=_read(mesh), config=kube_inject.config_text(_read(config)), values=_read(values))


def _injected(
    texts: Sequence[tuple[str, str]], injector: Injector, *, native: bool, namespace: str
) -> tuple[Written, ...]:
    return tuple(kube_inject.injected(texts, injector, native=native, namespace=namespace))


def _readable(texts: Sequence[tuple[str, str]]) -> tuple[Resource, ...]:
    return tuple(one for source, text in texts for one in parse_manifests(text, source=source))


def _texts(documents: Iterable[Json]) -> Iterable[str]:
    import json

    return (json.dumps(document, default=str) for document in documents)


def _read(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from error

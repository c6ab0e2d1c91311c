"""A mesh recorded in files: a saved Envoy document, or a bundle. No cluster is touched.

Envoy's admin documents are told apart from manifests by content, so that `-f` takes either.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubectl_mesh.bundle import Bundle, read_bundle
from kubectl_mesh.errors import InputError, NotAvailable, UsageError
from kubectl_mesh.sources.base import Expecting, LocatedSource, MeshSource
from kubectl_mesh.sources.expectation import Expectation
from kubectl_mesh.sources.standard_input import standard_input
from simulator.model.directory import Directory
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

_HEAD = 1 << 16
_LARGEST = 50_000_000
_DUMP = re.compile(rb'\A\s*(?:\{\s*"configs"\s*:|(?:---\s*\n)?configs:)')
_CLUSTERS = re.compile(rb'\A\s*(?:\{\s*"cluster_?[sS]tatuses"\s*:|(?:---\s*\n)?cluster_?[sS]tatuses:)')
_ZTUNNEL = re.compile(rb'\A\s*\{\s*"(?:workloads|services|policies|certificates|workload[sS]tate|stagedServices)"\s*:')
_UNNAMED = ProxyId("proxy", "")


def is_saved_document(paths: Sequence[str]) -> bool:
    """Tell whether `-f` names saved Envoy documents; refuse a mixture with manifests."""
    kinds = {_kind(_head(path)) is not None for path in paths}
    if len(kinds) > 1:
        raise UsageError("-f: saved Envoy documents and manifests cannot be mixed", hint="name one kind of file")
    return kinds == {True}


def open_documents(paths: Sequence[str]) -> MeshSource:
    """Open saved Envoy documents of one proxy: a config dump, a list of clusters, or both."""
    documents: dict[str, bytes] = {}
    for path in paths:
        data = _read(path)
        kind = _kind(data[:_HEAD]) or ""
        if kind in documents:
            raise UsageError(f"-f {path}: a second {kind} document", hint="name the documents of one proxy")
        documents[kind] = _json(data, subject=path)
    return RecordedProxy(documents)


def open_bundle(path: str) -> MeshSource:
    """Open a recorded mesh, a directory or an archive."""
    return RecordedMesh(read_bundle(Path(path)))


@dataclass(slots=True)
class RecordedProxy:
    """One proxy, known by its saved documents alone."""

    documents: Mapping[str, bytes]

    def resources(self, kind: str, namespace: str | None = None) -> Sequence[Json]:
        """Know no resources: an Envoy document holds none."""
        return ()

    def proxies(self) -> Sequence[ProxyId]:
        """Return the proxy that the config dump names in its bootstrap."""
        found = re.search(rb'"id"\s*:\s*"[a-z]+~[^~"]*~([^~"]+)\.([^~".]+)~', self.documents.get("config_dump", b""))
        return (ProxyId(found[1].decode(), found[2].decode()) if found else _UNNAMED,)

    def envoy(self, proxy: ProxyId, path: str) -> bytes:
        """Return the saved document that `path` asks for."""
        name = path.partition("?")[0]
        if name not in self.documents:
            has = " and ".join(sorted(self.documents))
            raise NotAvailable(
                f"the saved document holds {has}, not {name}", hint=f"curl localhost:15000/{path} > FILE"
            )
        return self.documents[name]

    def istiod(self, path: str) -> Mapping[str, bytes]:
        """Refuse: one proxy's documents know nothing of istiod."""
        raise NotAvailable(
            "a saved Envoy document cannot tell what istiod knows", hint="use a cluster, or -f MANIFESTS"
        )


_BOOTSTRAP = "config_dump?mask=bootstrap"
"""The only part that a command prints as it is; of a whole dump, the others read what they need."""


@dataclass(slots=True)
class RecordedMesh:
    """A bundle behind the protocol."""

    bundle: Bundle
    _proxies: tuple[ProxyId, ...] = field(default=(), repr=False)
    _expectation: Expectation = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._expectation = Expectation(source=self)

    def resources(self, kind: str, namespace: str | None = None) -> Sequence[Json]:
        """Return the recorded resources of a kind."""
        found = self.bundle.resources(kind)
        if namespace is None:
            return found
        return [each for each in found if (each.get("metadata") or {}).get("namespace") == namespace]

    def refusal(self, kind: str) -> str:
        """Return why a kind was not recorded; empty when it was."""
        return self.bundle.refusal(kind)

    def proxies(self) -> Sequence[ProxyId]:
        """Return every proxy of which something was recorded."""
        if not self._proxies:
            self._proxies = tuple(sorted(self.bundle.proxies(), key=lambda each: (each.namespace, each.name)))
        return self._proxies

    def envoy(self, proxy: ProxyId, path: str) -> bytes:
        """Return what Envoy answered when the bundle was made."""
        data = self.bundle.envoy(proxy, path)
        if data is None:
            raise NotAvailable(f"{proxy}: the bundle does not hold {path}", hint="record a new bundle")
        return _masked(data, path) if path == _BOOTSTRAP else data

    def istiod(self, path: str) -> Mapping[str, bytes]:
        """Return what each istiod answered when the bundle was made."""
        return self.bundle.istiod(path)

    def directory(self) -> Directory:
        """Return hosts, addresses and pods as the recorded resources tell them."""
        return self._expectation.directory()

    def expected(self, proxy: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return what a proxy should have held by the recorded resources."""
        return self._expectation.configuration(proxy)


def _masked(data: bytes, path: str) -> bytes:
    """Return the part of a whole dump that Envoy would have answered with."""
    from urllib.parse import parse_qsl, urlsplit

    from simulator.istiod.dump_views import view

    try:
        return json.dumps(view(json.loads(data), dict(parse_qsl(urlsplit(path).query)))).encode()
    except (ValueError, TypeError, AttributeError):
        return data  # its reader reports what is wrong with it


def _kind(head: bytes) -> str | None:
    head = head.removeprefix(b"\xef\xbb\xbf")
    if _DUMP.match(head) or _ZTUNNEL.match(head):
        return "config_dump"
    return "clusters" if _CLUSTERS.match(head) else None


def _head(path: str) -> bytes:
    if path == "-":
        return _read(path)[:_HEAD]
    try:
        if not Path(path).is_file():
            return b""
        with open(path, "rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def _read(path: str) -> bytes:
    if path == "-":
        return standard_input()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def _json(data: bytes, *, subject: str) -> bytes:
    """Return a document as JSON; one saved as YAML is converted."""
    if data.lstrip()[:1] == b"{":
        return data
    import json

    import yaml

    try:
        loaded = yaml.load(data, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{subject}: not YAML: {' '.join(str(error).split())}") from error
    if _size(loaded, {}) > _LARGEST:
        raise InputError(f"{subject}: aliases make it too large, or contain themselves")
    return json.dumps(loaded, default=str).encode()


def _size(value: Any, known: dict[int, int]) -> int:
    """Count what a value holds with its aliases written out; one that contains itself is too large."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in known:
        known[id(value)] = _LARGEST + 1  # met again while being counted: it contains itself
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(item, known) for item in inner)
    return known[id(value)]


_: tuple[type[MeshSource], ...] = (RecordedProxy, RecordedMesh)
_KNOWS: tuple[type[LocatedSource], type[Expecting]] = (RecordedMesh, RecordedMesh)

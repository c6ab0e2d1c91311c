"""The archive format of a recorded mesh: a directory or a tar archive of files, written and read without trust.

    bundle.json                                {"format": "kubectl-mesh bundle", "version": 1}
    resources/<Kind>.json                      a List of the resources of one kind
    proxies/<namespace>/<pod>/<path>           what Envoy's admin interface answered to a GET of <path>
    ztunnels/<namespace>/<pod>/<path>          what ztunnel's admin interface answered
    istiod/<pod>/<path>                        what istiod's debug interface answered

A <path> is percent-encoded into one file name. Private keys and the data of Secrets are redacted before writing.
"""

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from kubectl_mesh.errors import InputError
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

if TYPE_CHECKING:
    from tarfile import TarFile

MARKER = "bundle.json"
FORMAT = {"format": "kubectl-mesh bundle", "version": 1}
_LIMIT = 4 << 30
REDACTED = "[redacted]"


@dataclass(slots=True)
class Bundle:
    """Files of a recorded mesh, by their path in the archive."""

    files: Mapping[str, bytes]
    _resources: dict[str, list[Json]] = field(default_factory=dict, repr=False)

    def resources(self, kind: str) -> Sequence[Json]:
        """Return the recorded resources of a kind."""
        if kind not in self._resources:
            data = self.files.get(f"resources/{kind}.json", b"{}")
            try:
                items = json.loads(data).get("items") or []
            except (ValueError, AttributeError) as error:
                raise InputError(f"bundle: resources/{kind}.json: not a List in JSON") from error
            self._resources[kind] = [item for item in items if isinstance(item, dict)]
        return self._resources[kind]

    def refusal(self, kind: str) -> str:
        """Return why a kind could not be recorded; empty for one that was, or of which there was none."""
        try:
            found = json.loads(self.files.get(f"resources/{kind}.json", b"{}"))
        except ValueError:
            return ""
        return str(found.get("refused") or "") if isinstance(found, dict) else ""

    def proxies(self) -> Sequence[ProxyId]:
        """Return the proxies of which something was recorded."""
        found = {tuple(path.split("/")[1:3]) for path in self.files if path.startswith("proxies/")}
        return [ProxyId(pair[1], pair[0]) for pair in found if len(pair) == 2]

    def envoy(self, proxy: ProxyId, path: str) -> bytes | None:
        """Return a recorded answer of a proxy; a whole config dump stands for any part of it."""
        folder = f"proxies/{proxy.namespace}/{proxy.name}/"
        exact = self.files.get(folder + quote(path, safe=""), self.files.get(ztunnel_path(proxy, path)))
        if exact is not None or not path.startswith("config_dump"):
            return exact
        whole = (
            self.files.get(folder + quote(name, safe="")) for name in ("config_dump?include_eds=true", "config_dump")
        )
        return next((data for data in whole if data is not None), None)

    def istiod(self, path: str) -> Mapping[str, bytes]:
        """Return the recorded answers of istiod's replicas."""
        name = quote(path, safe="")
        parts = ((key.split("/"), data) for key, data in self.files.items() if key.startswith("istiod/"))
        return {key[1]: data for key, data in parts if len(key) == 3 and key[2] == name}


def read_bundle(path: Path) -> Bundle:
    """Read a bundle from a directory or an archive. Nothing is extracted, so no name in it can reach outside."""
    try:
        files = _read_directory(path) if path.is_dir() else _read_archive(path)
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}", hint="is it a bundle?") from error
    if MARKER not in files:
        raise InputError(f"{path}: not a bundle: it has no {MARKER}", hint="make one with `kubectl mesh bundle`")
    return Bundle(files)


def write_bundle(path: Path, files: Mapping[str, bytes]) -> None:
    """Write files as a bundle: an archive when `path` ends in .tgz or .tar.gz, else a directory."""
    content = {MARKER: json.dumps(FORMAT).encode(), **files}
    if not path.name.endswith((".tgz", ".tar.gz")):
        for name, data in content.items():
            target = path / _safe(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return
    import tarfile

    with (
        open(path, "wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, data in sorted(content.items()):
            entry = tarfile.TarInfo(_safe(name))
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def envoy_path(proxy: ProxyId, path: str) -> str:
    """Return where in a bundle a proxy's answer to `path` is kept."""
    return f"proxies/{proxy.namespace}/{proxy.name}/{quote(path, safe='')}"


def ztunnel_path(ztunnel: ProxyId, path: str) -> str:
    """Return where in a bundle a ztunnel's answer to `path` is kept."""
    return f"ztunnels/{ztunnel.namespace}/{ztunnel.name}/{quote(path, safe='')}"


def istiod_path(pod: str, path: str) -> str:
    """Return where in a bundle an istiod's answer to `path` is kept."""
    return f"istiod/{pod}/{quote(path, safe='')}"


def resources_path(kind: str) -> str:
    """Return where in a bundle the resources of a kind are kept."""
    return f"resources/{kind}.json"


def redact(resource: Json) -> Json:
    """Return a resource without what must not leave the cluster: the data of Secrets, and applied configurations."""
    metadata = dict(resource.get("metadata") or {})
    metadata.pop("managedFields", None)
    annotations = dict(metadata.get("annotations") or {})
    annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    metadata = {**metadata, "annotations": annotations} if annotations else _without(metadata, "annotations")
    clean = {**resource, "metadata": metadata} if metadata else resource
    if resource.get("kind") == "Secret":
        for name in ("data", "stringData"):
            if clean.get(name):
                clean = {**clean, name: dict.fromkeys(clean[name], REDACTED)}
    return clean


def _without(document: Json, key: str) -> Json:
    return {name: value for name, value in document.items() if name != key}


def _safe(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise InputError(f"bundle: the name {name} leads outside")
    return str(path)


def _read_directory(path: Path) -> dict[str, bytes]:
    root = path.resolve()
    found = (file for file in sorted(root.rglob("*")) if file.is_file() and not file.is_symlink())
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in found}


def _read_archive(path: Path) -> dict[str, bytes]:
    import tarfile

    try:
        with tarfile.open(path, "r:*") as archive:
            return _rooted(_unpacked(path, archive))
    except tarfile.TarError as error:
        raise InputError(f"{path}: {error}", hint="is it a bundle?") from error


def _unpacked(path: Path, archive: "TarFile") -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    for entry in archive:
        total += entry.size
        if total > _LIMIT:
            raise InputError(f"{path}: unpacks to more than {_LIMIT >> 30} GiB")
        reader = archive.extractfile(entry) if entry.isfile() else None
        if reader is not None:
            files[_safe(entry.name.removeprefix("./"))] = reader.read()
    return files


def _rooted(files: dict[str, bytes]) -> dict[str, bytes]:
    """Drop the folder that `tar czf bundle.tgz folder/` puts in front of every name."""
    if MARKER in files or not files:
        return files
    top = next(iter(files)).split("/")[0] + "/"
    if f"{top}{MARKER}" not in files:
        return files
    return {name.removeprefix(top): data for name, data in files.items() if name.startswith(top)}

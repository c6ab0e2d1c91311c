"""Reproducible tar.gz archives that krew can unpack.

krew: internal/download/downloader.go refuses links, absolute names and any name with `..` in it; it detects the format
by content. Symbolic links are replaced by copies of their files.
"""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

_LICENSES = frozenset(
    f"{stem}{suffix}" for stem in ("license", "licenses", "copying") for suffix in ("", ".txt", ".md")
) - {"copying.md"}
"""Names of license files that krew's index looks for (krew: cmd/validate-krew-manifest)."""


def pack(folder: Path, target: Path, *, epoch: int = 0) -> None:
    """Write the files of a folder to an archive: sorted, without owners, all dated `epoch` (seconds since 1970)."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, name in _files(folder):
            content = path.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), epoch
            entry.mode = 0o755 if os.access(path, os.X_OK) else 0o644
            archive.addfile(entry, io.BytesIO(content))


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files below a folder, links followed, with their names in the archive."""
    found = []
    for base, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        found += [Path(base) / name for name in names]
    yield from sorted(((path, path.relative_to(folder).as_posix()) for path in found), key=lambda each: each[1])


def digest(path: Path) -> str:
    """Return a file's SHA-256 in lower-case hexadecimal, the only form krew takes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def problems(path: Path, *, program: str) -> list[str]:
    """Return the reasons for which krew, or the checks of its index, would refuse an archive."""
    found: list[str] = []
    names = set()
    with tarfile.open(path, mode="r:gz") as archive:
        for entry in archive:
            found += _problems_of(entry)
            names.add(entry.name)
            if entry.name == program and not entry.mode & 0o100:
                found.append(f"{program} cannot be executed")
    if program not in names:
        found.append(f"{program} is missing")
    if not any(name.lower() in _LICENSES for name in names):
        found.append("no license file at its top")
    return [f"{path.name}: {problem}" for problem in found]


def _problems_of(entry: tarfile.TarInfo) -> Iterator[str]:
    if not (entry.isreg() or entry.isdir()):
        yield f"{entry.name} is neither a file nor a folder (type {entry.type!r})"
    if entry.name.startswith(("/", "\\")):
        yield f"{entry.name} is an absolute name"
    if ".." in entry.name:
        yield f"{entry.name} has .. in its name"

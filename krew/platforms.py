"""Operating systems and processors as krew names them, and the archives made for them.

krew: cmd/validate-krew-manifest (the platforms it knows), internal/installation (Go's names of systems and processors).
"""

import platform as host
import re
import sys
from dataclasses import dataclass
from pathlib import Path

_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "windows"}
_PROCESSORS = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_NAME = re.compile(r"kubectl-(?P<plugin>.+)-(?P<version>v\d[^_]*)_(?P<os>[a-z]+)_(?P<arch>[a-z0-9]+)\.tar\.gz")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Platform:
    """One operating system on one kind of processor."""

    os: str
    arch: str


KNOWN = tuple(
    Platform(os=system, arch=arch)
    for system, processors in (
        ("darwin", ("386", "amd64", "arm64")),
        ("linux", ("386", "amd64", "arm", "arm64", "ppc64le")),
        ("windows", ("386", "amd64", "arm64")),
    )
    for arch in processors
)
"""The platforms of krew; it refuses a selector that matches none of them."""


def this_platform() -> Platform:
    """Return the platform of this Python. Raises ValueError where krew has no name for it."""
    machine = host.machine().lower()
    if sys.platform not in _SYSTEMS or machine not in _PROCESSORS:
        raise ValueError(f"krew has no name for {sys.platform} on {machine}")
    return Platform(os=_SYSTEMS[sys.platform], arch=_PROCESSORS[machine])


def archive_name(plugin: str, version: str, platform: Platform) -> str:
    """Return the file name of a platform's archive."""
    return f"kubectl-{plugin}-{version}_{platform.os}_{platform.arch}.tar.gz"


def archives(folder: Path, *, plugin: str, version: str) -> dict[Platform, Path]:
    """Return the archives of this version in a folder, by platform; other files are ignored."""
    found = {}
    for path in folder.glob("*.tar.gz"):
        match = _NAME.fullmatch(path.name)
        if match and (match["plugin"], match["version"]) == (plugin, version):
            found[Platform(os=match["os"], arch=match["arch"])] = path
    return dict(sorted(found.items()))

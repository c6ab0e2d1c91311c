"""Notices and licenses of the third-party work in an archive.

The contents are determined from the environment that it was built from: distributions and their license files, Python's
own license, and the shared libraries of the system that PyInstaller copied.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

_RULE = "=" * 100
_FILE_WORDS = ("license", "licence", "copying", "notice", "authors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One third-party work, the license it declares, and the license texts that come with it."""

    name: str
    version: str = ""
    license: str = ""
    texts: tuple[str, ...] = ()


def render(notices: Iterator[Notice] | list[Notice], *, program: str) -> str:
    """Return the notices as one text, sorted by name; equal texts are repeated, as their licenses require."""
    parts = [f"{program} is distributed together with the work of others, listed here with the licenses they gave it."]
    for notice in sorted(notices, key=lambda each: each.name.lower()):
        heading = " ".join(part for part in (notice.name, notice.version) if part)
        parts.append("\n".join((_RULE, heading, *([f"License: {notice.license}"] if notice.license else []), _RULE)))
        parts += [text.strip("\n") for text in notice.texts]
    return "\n\n".join(parts) + "\n"


def of_distributions(site: Path, *, without: frozenset[str]) -> Iterator[Notice]:
    """Yield a notice for each distribution installed in a folder, those in `without` left out."""
    for distribution in distributions(path=[str(site)]):
        if distribution.name.lower() not in without:
            yield Notice(
                name=distribution.name,
                version=distribution.version,
                license=_declared(distribution),
                texts=tuple(_license_texts(distribution)),
            )


def _declared(distribution: Distribution) -> str:
    """Return the license in the metadata, from the newest of the three fields that may have it."""
    metadata = distribution.metadata
    for field in ("License-Expression", "License"):
        if field in metadata and metadata[field].strip():
            return str(metadata[field]).strip().partition("\n")[0]
    classifiers = metadata.get_all("Classifier") or []
    return ", ".join(each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::"))


def _license_texts(distribution: Distribution) -> Iterator[str]:
    for file in sorted(distribution.files or (), key=str):
        told = ".dist-info/" in str(file) and file.name.lower().startswith(_FILE_WORDS)
        path = Path(str(distribution.locate_file(file)))
        if told and path.is_file():
            yield path.read_text(encoding="utf-8", errors="replace")


def of_python(prefix: Path, version: str) -> Notice:
    """Return the notice of the bundled Python, whose license is in its library folder."""
    places = sorted(prefix.glob("lib/python3*/LICENSE.txt")) + sorted(prefix.glob("LICENSE*"))
    texts = tuple(path.read_text(encoding="utf-8", errors="replace") for path in places[:1])
    return Notice(name="Python", version=version, license="PSF-2.0", texts=texts)


def of_libraries(folder: Path) -> Iterator[Notice]:
    """Yield a notice for each Debian package whose shared libraries PyInstaller copied to a program's folder.

    On other systems the libraries are part of Python's distribution and covered by its license.
    """
    packages: dict[str, list[str]] = {}
    for path in sorted(folder.glob("lib*.so*")):
        packages.setdefault(_debian_package(path.name), []).append(path.name)
    for package, names in packages.items():
        text = Path("/usr/share/doc") / package / "copyright"
        if package and text.is_file():
            yield Notice(
                name=f"{package} ({', '.join(names)})",
                license="as told below",
                texts=(text.read_text(encoding="utf-8", errors="replace"),),
            )


def _debian_package(library: str) -> str:
    try:
        done = subprocess.run(["dpkg-query", "--search", f"*/{library}"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.partition(":")[0].partition(",")[0].strip()

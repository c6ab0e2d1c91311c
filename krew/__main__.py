"""Build archives and a manifest for krew: `python -m krew`, or `make krew`.

Builds the archive of the platform it runs on and renders the manifest for all archives at hand. `--render-only` builds
nothing: it is the last step of a release, once the archives of all platforms are in one folder. A release needs the
project's homepage; without it, a manifest can only be tried out on this machine.
"""

import argparse
import shutil
import sys
import time
import tomllib
from pathlib import Path

import yaml

from krew import archive, environment, freeze, manifest, notices, platforms, validation
from kubectl_mesh import __version__
from kubectl_mesh.cli.program import PLUGIN

PROJECT = Path(__file__).resolve().parents[1]
PROGRAM = f"kubectl-{PLUGIN}"
UNKNOWN = f"https://{PROGRAM}.invalid"
"""Placeholder for an unknown homepage: a domain that can never exist (RFC 2606)."""


_HOW = "set project.urls.Homepage in pyproject.toml, or give HOMEPAGE=… to make (--homepage here)"


def main(words: list[str] | None = None) -> int:
    """Build, render and check; return 1 when krew would refuse the result."""
    options = _parser().parse_args(words)
    homepage = options.homepage or _homepage()
    if options.render_only and homepage == UNKNOWN:
        print(f"a release needs the project's homepage: {_HOW}", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    version = manifest.semantic_version(__version__)
    if not options.render_only:
        target = options.out / platforms.archive_name(PLUGIN, version, platforms.this_platform())
        build(target, work=options.work)
    found = platforms.archives(options.out, plugin=PLUGIN, version=version)
    if not found:
        print(f"no archive of {version} in {options.out}", file=sys.stderr)
        return 1
    url = options.url or f"{homepage}/releases/download/{{version}}"
    text = manifest.render(found, plugin=PLUGIN, version=version, homepage=homepage, url=url)
    wrong = [problem for path in found.values() for problem in archive.problems(path, program=PROGRAM)]
    wrong += validation.problems(yaml.safe_load(text), file_name=f"{PLUGIN}.yaml")
    if wrong:
        print("krew would refuse this:", *wrong, sep="\n  ", file=sys.stderr)
        return 1
    _write(options.out, text, found)
    if homepage == UNKNOWN:
        print(f"note: this manifest is for trying out only, its addresses do not exist: {_HOW}", file=sys.stderr)
    return 0


def build(target: Path, *, work: Path) -> None:
    """Build the program of this platform in a fresh environment, and pack it."""
    started = time.monotonic()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    source = environment.copy_sources(PROJECT, work.resolve() / "source")
    python = environment.make(work.resolve() / "environment", project=source)
    site = environment.site_packages(python)
    folder = freeze.freeze(python, site, program=PROGRAM, work=work.resolve())
    found = [
        notices.of_python(Path(sys.base_prefix), sys.version.split()[0]),
        *notices.of_distributions(site, without=environment.BUILD_TOOLS | {"kubectl-mesh"}),
        *notices.of_libraries(folder / "_internal"),
    ]
    freeze.add_documents(folder, project=PROJECT, notices=notices.render(found, program=PROGRAM))
    archive.pack(folder, target)
    size = target.stat().st_size / 1e6
    print(f"{target}: {size:.0f} MB, built in {time.monotonic() - started:.0f} s")


def _write(out: Path, text: str, found: dict[platforms.Platform, Path]) -> None:
    """Write the manifest, a copy of it in an index of one plugin, and a digest beside each archive."""
    index = out / "index" / "plugins"
    index.mkdir(parents=True, exist_ok=True)
    for path in (out / f"{PLUGIN}.yaml", index / f"{PLUGIN}.yaml"):
        path.write_text(text, encoding="utf-8")
    for path in found.values():
        path.with_name(f"{path.name}.sha256").write_text(f"{archive.digest(path)}  {path.name}\n", encoding="utf-8")
    print(f"{out / f'{PLUGIN}.yaml'}: {', '.join(f'{each.os}/{each.arch}' for each in found)}")


def _homepage() -> str:
    """Return the homepage in the project's metadata, which wheels contain too."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project.get("urls", {}).get("Homepage", UNKNOWN)).rstrip("/")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m krew", description="Make archives and a manifest for krew.")
    parser.add_argument("--out", type=Path, default=PROJECT / "dist" / "krew", help="folder of the archives")
    parser.add_argument("--work", type=Path, default=PROJECT / "build" / "krew", help="folder for intermediate files")
    parser.add_argument("--render-only", action="store_true", help="build nothing; render for the archives at hand")
    parser.add_argument("--homepage", default="", help="the project's homepage; project.urls.Homepage by default")
    parser.add_argument("--url", default="", help="folder the archives are downloaded from; {version} is filled in")
    return parser


if __name__ == "__main__":
    sys.exit(main())

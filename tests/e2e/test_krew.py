"""The archive in an empty environment, and krew itself where it is installed."""

import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from krew import archive, manifest, platforms
from kubectl_mesh import __version__
from kubectl_mesh.cli.program import PLUGIN

VERSION = manifest.semantic_version(__version__)
PROGRAM = f"kubectl-{PLUGIN}"
KREW = shutil.which("kubectl-krew") or shutil.which("krew") or ""
BUILT = Path(__file__).parents[2] / "dist" / "krew" / platforms.archive_name(PLUGIN, VERSION, platforms.this_platform())
START = 1.0
"""Seconds; half of it is the aim, the rest is for other tests on the machine."""

needs_krew = pytest.mark.skipif(not KREW, reason="krew is not on PATH")
needs_archive = pytest.mark.skipif(not BUILT.exists(), reason="no archive of this version; `make krew` makes it")


def run(words: Sequence[str | Path], *, home: Path, path: str = "/usr/bin:/bin", **environment: str) -> str:
    """Run a program with nothing of this environment, and return what it printed."""
    done = subprocess.run(
        words, env={"HOME": str(home), "PATH": path, **environment}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the archive and link its program, as krew does, and return the link."""
    root = tmp_path_factory.mktemp("krew")
    with tarfile.open(BUILT) as packed:
        packed.extractall(root / "store", filter="data")
    (root / "bin").mkdir()
    link = root / "bin" / PROGRAM
    link.symlink_to(root / "store" / PROGRAM)
    return link


@needs_archive
def test_archive_is_what_krew_unpacks() -> None:
    """The archive that was built passes krew's rules."""
    assert archive.problems(BUILT, program=PROGRAM) == []


@needs_archive
def test_program_runs_without_python(installed: Path, tmp_path: Path) -> None:
    """The program tells its version and answers about the example mesh, called through a link."""
    assert run([installed, "version", "--client"], home=tmp_path) == f"client version: {__version__}\n"
    words = ("trace", "--demo", "deploy/web", "http://catalog/search", "-n", "shop")
    assert run([installed, *words], home=tmp_path).startswith("DELIVERED 200")


@needs_archive
def test_start_is_quick(installed: Path, tmp_path: Path) -> None:
    """Every start after the first is quick."""
    took = []
    for _ in range(5):
        started = time.perf_counter()
        run([installed, "--help"], home=tmp_path)
        took.append(time.perf_counter() - started)
    assert min(took[1:]) < START


@needs_archive
def test_completion_is_installed_beside_the_link(installed: Path, tmp_path: Path) -> None:
    """The one program of the archive completes too, once its other link is made."""
    path = f"{installed.parent}:/usr/bin:/bin"
    run([installed, "completion", "install"], home=tmp_path, path=path)
    completer = installed.with_name(f"kubectl_complete-{PLUGIN}")
    assert run([completer, "proxy-st"], home=tmp_path).startswith("proxy-status\t")


@needs_krew
def test_krew_installs_what_we_render(tmp_path: Path) -> None:
    """krew takes the rendered manifest with an archive packed by us, and links the program."""
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / PROGRAM).write_text("#!/bin/sh\necho it runs\n")
    (folder / PROGRAM).chmod(0o755)
    (folder / "LICENSE").write_text("free\n")
    here = platforms.this_platform()
    packed = tmp_path / platforms.archive_name(PLUGIN, VERSION, here)
    archive.pack(folder, packed)
    assert krew_installs(tmp_path, {here: packed}, words=()) == "it runs\n"


@needs_krew
@needs_archive
def test_krew_installs_the_archive(tmp_path: Path) -> None:
    """krew installs the archive that was built, and the program runs where krew put it."""
    printed = krew_installs(tmp_path, {platforms.this_platform(): BUILT}, words=("version", "--client"))
    assert printed == f"client version: {__version__}\n"


def krew_installs(root: Path, archives: dict[platforms.Platform, Path], *, words: Sequence[str]) -> str:
    """Let krew install an archive below `root`, run the program it linked, and return what that printed."""
    home = "https://mesh.invalid"
    text = manifest.render(archives, plugin=PLUGIN, version=VERSION, homepage=home, url=home)
    (root / f"{PLUGIN}.yaml").write_text(text)
    (path,) = archives.values()
    install = [KREW, "install", f"--manifest={root / PLUGIN}.yaml", f"--archive={path}"]
    run(install, home=root, path=os.environ["PATH"], KREW_ROOT=str(root / "krew"))
    return run([root / "krew" / "bin" / PROGRAM, *words], home=root)

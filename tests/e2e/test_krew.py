"""The archive that `make krew` built, in an empty environment."""

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
BUILT = Path(__file__).parents[2] / "dist" / "krew" / platforms.archive_name(PLUGIN, VERSION, platforms.this_platform())
START = 1.0
"""Seconds; half of it is the aim, the rest is for other tests on the machine."""

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
    """The program prints its version and answers about the example mesh, called through a link."""
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

"""krew itself, where it is installed: from a custom index on this machine to the program, an upgrade, and its end.

Archives come from a web server on loopback, as krew downloads them. `$KREW` names krew where it is not on PATH;
`$VALIDATE_KREW_MANIFEST` (or PATH) krew's own check of manifests.
"""

import functools
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from krew import archive, manifest, platforms
from kubectl_mesh import __version__
from kubectl_mesh.cli.program import PLUGIN

VERSION = manifest.semantic_version(__version__)
PROGRAM = f"kubectl-{PLUGIN}"
HERE = platforms.this_platform()
BUILT = Path(__file__).parents[2] / "dist" / "krew" / platforms.archive_name(PLUGIN, VERSION, HERE)
KREW = os.environ.get("KREW") or shutil.which("kubectl-krew") or shutil.which("krew") or ""
VALIDATE = os.environ.get("VALIDATE_KREW_MANIFEST") or shutil.which("validate-krew-manifest") or ""
MISSING = ", ".join(name for name, path in (("krew", KREW), ("git", shutil.which("git"))) if not path)

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not on PATH: {MISSING}")


class Publisher:
    """A release: archives behind a web server, and an index of one plugin in a git repository."""

    def __init__(self, root: Path, packed: Path, url: str) -> None:
        self.index = root / "index"
        self._packed = packed
        self._url = url
        (self.index / "plugins").mkdir(parents=True)
        git(self.index, "init", "--quiet", "--initial-branch=main")

    def publish(self, version: str) -> Path:
        """Name the archive as a version in the index, and return the manifest."""
        home = "https://mesh.invalid"
        text = manifest.render({HERE: self._packed}, plugin=PLUGIN, version=version, homepage=home, url=self._url)
        path = self.index / "plugins" / f"{PLUGIN}.yaml"
        path.write_text(text)
        git(self.index, "add", "--all")
        git(self.index, "commit", "--quiet", "--message", version)
        return path


class User:
    """Somebody with an empty home, kubectl where there is one, and krew."""

    def __init__(self, root: Path) -> None:
        self.root = root / "krew"
        programs = root / "bin"
        programs.mkdir()
        (programs / "kubectl-krew").symlink_to(KREW)
        central = root / "central"
        (central / "plugins").mkdir(parents=True)
        (central / "plugins" / "README").write_text("nothing here\n")
        git(central, "init", "--quiet", "--initial-branch=main")
        git(central, "add", "--all")
        git(central, "commit", "--quiet", "--message", "nothing")
        self.environment = {
            "HOME": str(root),
            "KREW_ROOT": str(self.root),
            "KREW_DEFAULT_INDEX_URI": str(central),
            "PATH": f"{self.root / 'bin'}:{programs}:{os.environ['PATH']}",
        }

    def run(self, *words: str | Path) -> str:
        """Run a program that must succeed, and return what it printed."""
        done = subprocess.run(
            words, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def krew(self, *words: str) -> str:
        """Run krew."""
        return self.run(KREW, *words)

    def plugin(self, *words: str) -> str:
        """Run the plugin, through kubectl where it is there."""
        kubectl = shutil.which("kubectl")
        return self.run(*([kubectl, PLUGIN] if kubectl else [self.root / "bin" / PROGRAM]), *words)


def git(folder: Path, *words: str) -> None:
    """Run git in a folder, with a neutral author."""
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@mesh.invalid", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", folder, *identity, *words], check=True, capture_output=True, timeout=60)


@pytest.fixture
def user(tmp_path: Path) -> User:
    """Prepare an empty home."""
    return User(tmp_path)


@pytest.fixture(params=["small", "built"])
def publisher(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Publisher]:
    """Serve an archive: a program of one line, or the one that `make krew` built."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    packed = folder / BUILT.name
    if request.param == "built":
        if not BUILT.exists():
            pytest.skip("no archive of this version; `make krew` makes it")
        packed.symlink_to(BUILT)
    else:
        pack_small(tmp_path / "program", packed)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Publisher(tmp_path, packed, f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without logging."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def pack_small(folder: Path, target: Path) -> None:
    """Pack a program that answers as ours does."""
    folder.mkdir()
    (folder / PROGRAM).write_text(f'#!/bin/sh\necho "client version: {__version__}"\n')
    (folder / PROGRAM).chmod(0o755)
    (folder / "LICENSE").write_text("free\n")
    archive.pack(folder, target)


def test_plugin_is_installed_upgraded_and_removed(user: User, publisher: Publisher) -> None:
    """From a custom index: install, run, upgrade to the next version, run, uninstall; no link is left."""
    publisher.publish("v0.0.1")
    user.krew("update")
    user.krew("index", "add", "ours", str(publisher.index))
    user.krew("install", f"ours/{PLUGIN}")
    version = f"client version: {__version__}"
    assert version in user.plugin("version", "--client")
    assert installed(user) == [f"ours/{PLUGIN}", "v0.0.1"]
    publisher.publish(VERSION)
    user.krew("update")
    user.krew("upgrade", PLUGIN)
    assert installed(user) == [f"ours/{PLUGIN}", VERSION]
    assert version in user.plugin("version", "--client")
    user.krew("uninstall", PLUGIN)
    assert not (user.root / "bin" / PROGRAM).exists()
    assert list((user.root / "store").glob(f"{PLUGIN}/*")) == []


@pytest.mark.parametrize("publisher", ["built"], indirect=True)
def test_example_answers_where_krew_put_it(user: User, publisher: Publisher) -> None:
    """The installed archive traces a request of the example mesh, and installs the completer beside its link."""
    path = publisher.publish(VERSION)
    user.krew("install", f"--manifest={path}")
    words: Sequence[str] = ("trace", "--demo", "deploy/web", "http://catalog/search", "-n", "shop")
    assert user.plugin(*words).startswith("DELIVERED 200")
    user.plugin("completion", "install")
    assert user.run(user.root / "bin" / f"kubectl_complete-{PLUGIN}", "proxy-st").startswith("proxy-status\t")


@pytest.mark.skipif(not VALIDATE, reason="validate-krew-manifest is not on PATH")
@pytest.mark.skipif(not shutil.which("kubectl"), reason="validate-krew-manifest calls kubectl, which is not on PATH")
def test_index_would_take_the_manifest(user: User, publisher: Publisher) -> None:
    """The check that krew's index runs on each submission passes, its trial installation included."""
    user.run(VALIDATE, "-manifest", publisher.publish(VERSION))


def installed(user: User) -> list[str]:
    """Return name and version of what krew lists, as a terminal shows it."""
    found = user.krew("list").split()
    receipt = (user.root / "receipts" / f"{PLUGIN}.yaml").read_text()
    version = next(line.split()[1] for line in receipt.splitlines() if line.strip().startswith("version: "))
    assert found
    return [found[0], version]

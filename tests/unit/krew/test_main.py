"""`python -m krew`: what a release must say before anything is written."""

import subprocess
from pathlib import Path

import pytest
import yaml

from krew import __main__ as command
from krew import archive, manifest, platforms
from kubectl_mesh import __version__
from kubectl_mesh.cli.program import PLUGIN

PROJECT = Path(__file__).parents[3]
VERSION = manifest.semantic_version(__version__)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a folder with the archive of another platform in it."""
    program, folder = tmp_path / "program", tmp_path / "out"
    program.mkdir()
    folder.mkdir()
    (program / f"kubectl-{PLUGIN}").write_text("#!/bin/sh\n")
    (program / f"kubectl-{PLUGIN}").chmod(0o755)
    (program / "LICENSE").write_text("free\n")
    mac = platforms.Platform(os="darwin", arch="arm64")
    archive.pack(program, folder / platforms.archive_name(PLUGIN, VERSION, mac))
    return folder


def test_release_without_a_homepage_is_refused(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rendering for a release fails before a manifest is written when the homepage is unknown."""
    if command._homepage() != command.UNKNOWN:
        pytest.skip("this project has a homepage")
    assert command.main(["--render-only", "--out", str(out)]) == 2
    assert "HOMEPAGE=" in capsys.readouterr().err
    assert not (out / f"{PLUGIN}.yaml").exists()


def test_release_names_its_addresses(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Archives are downloaded from below the homepage, or from where `--url` says."""
    home = "https://mesh.test/project"
    assert command.main(["--render-only", "--out", str(out), "--homepage", home]) == 0
    spec = yaml.safe_load((out / f"{PLUGIN}.yaml").read_text())["spec"]
    assert spec["homepage"] == home
    assert spec["platforms"][0]["uri"].startswith(f"{home}/releases/download/{VERSION}/kubectl-{PLUGIN}-")
    folder = ["--url", "https://files.test/{version}"]
    assert command.main(["--render-only", "--out", str(out), "--homepage", home, *folder]) == 0
    assert f"https://files.test/{VERSION}/" in (out / "index" / "plugins" / f"{PLUGIN}.yaml").read_text()
    assert "note:" not in capsys.readouterr().err


def test_make_passes_the_addresses_on() -> None:
    """`make krew` takes HOMEPAGE and URL."""
    words = ["make", "--dry-run", "krew", "HOMEPAGE=https://mesh.test", "URL=https://files.test/{version}"]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, timeout=30)
    assert "--homepage 'https://mesh.test' --url 'https://files.test/{version}'" in done.stdout

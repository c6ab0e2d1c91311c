"""bug-report as a user calls it."""

import tarfile
from pathlib import Path

import pytest

from kubectl_mesh.cli.app import run


def call(*words: str) -> int:
    """Make one call."""
    return int(run(["kubectl-mesh", *words]))


def test_the_archive_is_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command reads the archive, and answers for the proxies that were included."""
    assert call("bug-report", "--demo", "--include", "payments", "--output-dir", str(tmp_path)) == 0
    archive = tmp_path / "bug-report.tar.gz"
    with tarfile.open(archive) as opened:
        names = opened.getnames()
    assert {"report/about.json", "report/analysis.json"} <= set(names)
    assert any(name.endswith("debug%2Fregistryz") for name in names)
    assert any(name.endswith("stats%2Fprometheus") for name in names)
    assert not any("/shop/" in name for name in names)
    capsys.readouterr()
    assert call("pc", "cluster", "ledger-0.payments", "--bundle", str(archive)) == 0
    recorded = capsys.readouterr().out
    assert call("pc", "cluster", "ledger-0.payments", "--demo") == 0
    assert capsys.readouterr().out == recorded


def test_dry_run_only_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run names proxies and writes nothing."""
    assert call("bug-report", "--demo", "--dry-run", "--exclude", "shop", "--output-dir", str(tmp_path)) == 0
    assert "ledger-0.payments" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_an_archive_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is a file ends with exit 3."""
    (tmp_path / "file").write_text("")
    assert call("bug-report", "--demo", "--include", "payments", "--output-dir", str(tmp_path / "file")) == 3

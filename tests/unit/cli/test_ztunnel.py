"""ztunnel-config on a simulated mesh and on the bundle of one: the same tables."""

from pathlib import Path

import pytest

from kubectl_mesh.cli.app import run
from tests.unit.diagnosis.ambient import AMBIENT


def call(*words: str) -> int:
    """Make one call."""
    return int(run(["kubectl-mesh", *words]))


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """Return an ambient mesh as a file."""
    path = tmp_path / "mesh.yaml"
    path.write_text(AMBIENT)
    return path


def test_workloads_are_reached_over_hbone(manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A ztunnel among the manifests turns ambient on: pods of enrolled namespaces are reached over HBONE."""
    assert call("zc", "workload", "deploy/web", "-n", "shop", "-f", str(manifests)) == 0
    (row,) = capsys.readouterr().out.splitlines()[1:]
    assert row.split()[0] == "shop"
    assert row.split()[-1] == "HBONE"


@pytest.mark.parametrize("words", ["workload", "service", "policy", "all", "certificate --node node-1", "workload web"])
def test_bundle_answers_the_same(words: str, manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recording of a simulated ztunnel gives the same answers as the ztunnel."""
    bundle = manifests.with_name("mesh.tgz")
    call("bundle", str(bundle), "-f", str(manifests))
    capsys.readouterr()
    assert call("zc", *words.split(), "-f", str(manifests)) == 0
    simulated = capsys.readouterr().out
    assert call("zc", *words.split(), "--bundle", str(bundle)) == 0
    assert capsys.readouterr().out == simulated


@pytest.mark.parametrize(
    ("words", "code"),
    [("zc log", 0), ("zc log --level debug", 3), ("zc log --level loud", 2), ("zc w nobody", 5), ("zc cert", 2)],
)
def test_exit_codes(words: str, code: int, manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Answers, usage errors and unknown names have different exit codes."""
    assert call(*words.split(), "-f", str(manifests)) == code
    assert "unexpected" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("zc cert --node node-1", "only the identities are known: manifests have no certificates"),
        ("zc connections --node node-1", "has one open; a simulated mesh carries no traffic"),
        ("zc connections deploy/web -n shop", "the workload has none open"),
        ("zc all", "certificates and connections are those of ztunnel-"),
        ("zc connections --node node-1 --workload-namespace other", "no connections: this ztunnel serves no such"),
    ],
)
def test_empty_answers_say_why(words: str, told: str, manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What manifests do not determine is noted beside the empty table."""
    assert call(*words.split(), "-f", str(manifests)) == 0
    assert told in capsys.readouterr().err


def test_an_ambient_pod_has_no_proxy(manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A request for the proxy of an ambient pod is answered with its ztunnel, not with injection."""
    assert call("pc", "listeners", "deploy/web", "-n", "shop", "-f", str(manifests)) == 5
    told = capsys.readouterr().err
    assert "the pod is ambient and has no proxy of its own" in told
    assert "check-inject" not in told


def test_no_sync_difference(manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`proxy-status` of a ztunnel says that there is nothing to compare."""
    assert call("ps", "ds/ztunnel", "-f", str(manifests)) == 0
    assert "Sync diff is not available for ztunnel pod ztunnel-" in capsys.readouterr().out

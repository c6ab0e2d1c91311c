"""`waypoint apply` and `waypoint delete` without a cluster."""

from pathlib import Path

import pytest
import yaml

from kubectl_mesh.cli.app import run
from tests.unit.diagnosis.ambient import AMBIENT

WAYPOINT = """
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop, labels: {istio.io/rev: canary}}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
"""


@pytest.fixture
def manifests(tmp_path: Path) -> str:
    """Return an ambient mesh with a waypoint as a file."""
    path = tmp_path / "mesh.yaml"
    path.write_text(AMBIENT + WAYPOINT)
    return str(path)


def call(words: str, manifests: str) -> int:
    """Make one call."""
    return int(run(["kubectl-mesh", "waypoint", *words.split(), "-f", manifests]))


def test_apply_prints_the_manifest(manifests: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Files are not changed: the manifest is printed, and what else would be done is said."""
    assert call("apply -n shop --for all --enroll-namespace", manifests) == 0
    out, err = capsys.readouterr()
    document = yaml.safe_load(out)
    assert document["metadata"]["labels"] == {"istio.io/waypoint-for": "all"}
    assert "would label namespace shop" in err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("delete waypoint -n shop", 0, "waypoint shop/waypoint deleted (dry run)"),
        ("delete --all -n shop", 0, "deleted (dry run)"),
        ("delete -r canary -n shop", 0, "deleted (dry run)"),
        ("delete -r other -n shop", 5, ""),
        ("delete nobody -n shop", 5, "waypoint shop/nobody not found"),
        ("delete -n shop", 2, ""),
        ("delete waypoint --all -n shop", 2, ""),
        ("apply --name none", 2, ""),
        ("apply --for much", 2, ""),
        ("apply --enroll-namespace -n nowhere", 5, ""),
        ("apply --enroll-namespace -n istio-system", 0, "not enrolled in ambient"),
    ],
)
def test_answers(words: str, code: int, said: str, manifests: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Known names, unknown names and usage errors have different exit codes."""
    assert call(words, manifests) == code
    out, err = capsys.readouterr()
    assert said in out
    assert "unexpected" not in err


def test_files_have_the_status_that_istiod_would_give(manifests: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A waypoint of files is deployed, and so it is programmed."""
    assert call("status -n shop", manifests) == 0
    assert "waypoint.shop.svc.cluster.local:15008" in capsys.readouterr().out

"""Invariants about findings."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubectl_mesh.cli.test import app
from kubectl_mesh.errors import InputError
from kubectl_mesh.meshtest.decoding import read_suites

SHOP = Path(__file__).parents[3] / "examples" / "shop"
DEAD = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: recommendations, namespace: shop}
spec:
  hosts: [recommendations.shop.svc.cluster.local]
  http:
  - match: [{uri: {prefix: /}}]
    route: [{destination: {host: cart.shop.svc.cluster.local}}]
  - match: [{uri: {prefix: /never}}]
    route: [{destination: {host: cart.shop.svc.cluster.local}}]
"""
SUITE = """
apiVersion: kubectl-mesh/v1alpha1
kind: MeshTest
metadata: {{name: findings}}
spec:
  given: {{manifests: ["{base}"], overlay: [change.yaml]}}
  invariants:
  - {{name: all met, noFinding: {codes}}}
"""


def run(folder: Path, codes: str) -> tuple[int, str]:
    """Test the shop with a rule that nothing reaches."""
    (folder / "change.yaml").write_text(DEAD)
    (folder / "a.meshtest.yaml").write_text(SUITE.format(base=SHOP / "base", codes=codes))
    result = CliRunner().invoke(app, [str(folder)])
    return result.exit_code, result.stdout


@pytest.mark.parametrize("codes", ["KM0003", "[DeadRule, IST0145]"])
def test_a_finding_fails_with_its_line_and_witness(tmp_path: Path, codes: str) -> None:
    """A rule that nothing reaches is named by file and line, with a request that shows it."""
    code, text = run(tmp_path, codes)
    assert code == 1
    assert "KM0003 DeadRule" in text
    assert "For example: GET http://recommendations.shop.svc.cluster.local/never" in text
    assert "change.yaml:10" in text


def test_other_codes_do_not_matter(tmp_path: Path) -> None:
    """Findings that the invariant does not name leave it passing."""
    assert run(tmp_path, "[GatewayRouteConflict]")[0] == 0


def test_a_check_that_did_not_run_decides_nothing(tmp_path: Path) -> None:
    """Where the check for a code needs what the source keeps, the invariant cannot be decided."""
    code, text = run(tmp_path, "IST0161")
    assert (code, "needs Secret" in text) == (3, True)


def test_an_unknown_code_is_a_mistake() -> None:
    """A code that no analyzer has is refused with a suggestion."""
    with pytest.raises(InputError) as caught:
        read_suites(SUITE.format(base="x", codes="DedRule"), source="t.yaml")
    assert (str(caught.value), caught.value.hint) == (
        "t.yaml:8: spec.invariants[0].noFinding: DedRule is not known",
        "did you mean DeadRule?",
    )

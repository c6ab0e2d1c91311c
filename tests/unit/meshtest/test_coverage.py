"""Which rules count as covered, and when a threshold is met."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubectl_mesh.cli.test import app

SHOP = Path(__file__).parents[3] / "examples" / "shop"
SUITE = f"""
apiVersion: kubectl-mesh/v1alpha1
kind: MeshTest
metadata: {{name: coverage}}
spec:
  given: {{manifests: [{SHOP / "base"}]}}
  cases:
  - name: a case
    from: shop/deploy/web
    request: {{url: "http://cart.shop/"}}
    expect: {{rule: {{name: default}}}}
  - name: another
    from: shop/deploy/web
    request: {{url: "http://cart.shop/"}}
    expect: {{rule: {{name: default}}}}
  coverage: {{routes: 50%}}
"""
INVARIANT = """
  invariants:
  - name: no request to the catalog leaves the mesh in plain text
    forall: {from: shop/web, to: shop/svc/catalog}
    expect: {upstreamTls: mtls}
"""


def run(folder: Path, text: str, *words: str) -> tuple[int, str]:
    """Run a test file, and return the exit code and stdout."""
    (folder / "coverage.meshtest.yaml").write_text(text)
    result = CliRunner().invoke(app, [str(folder), *words])
    return result.exit_code, result.stdout


def test_too_few_rules_fail_the_run(tmp_path: Path) -> None:
    """A threshold that is not reached fails, and uncovered rules are listed with their lines."""
    code, text = run(tmp_path, SUITE)
    assert code == 1
    assert "coverage of routes: 1 of 8 (12 %, 50 % wanted)" in text
    assert "not touched: VirtualService/shop/catalog http[0]" in text
    assert "authzRules" not in text, "what has no threshold is told by --coverage only"


def test_invariants_touch_rules(tmp_path: Path) -> None:
    """The requests that decide an invariant count: the promise is about the rules that they meet."""
    _, text = run(tmp_path, SUITE + INVARIANT, "-o", "json")
    (routes,) = json.loads(text)["coverage"]
    assert (routes["what"], routes["hit"]) == ("routes", 3)


@pytest.mark.parametrize("words", [("-k", "another"), ("--shard", "1/2")])
def test_a_part_is_not_held_to_the_whole(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Tests chosen by name, or a shard, cannot touch what the file as a whole has to."""
    code, text = run(tmp_path, SUITE, *words)
    assert (code, "wanted" in text) == (0, False)
    assert "coverage of authzRules: 0 of 4" in run(tmp_path, SUITE, *words, "--coverage")[1]

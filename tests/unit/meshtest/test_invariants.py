"""The senders and destinations of invariants, and the witness of one that does not hold."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubectl_mesh.cli.test import app

SHOP = Path(__file__).parents[3] / "examples" / "shop"
SUITE = """
apiVersion: kubectl-mesh/v1alpha1
kind: MeshTest
metadata: {{name: invariants}}
spec:
  given: {{manifests: [{base}]}}
  invariants:
  - name: the invariant
    forall: {{from: "{sender}", to: "{to}"}}
    expect: {expect}
"""


def run(folder: Path, sender: str, to: str, expect: str) -> tuple[int, str]:
    """Decide one invariant over the example."""
    text = SUITE.format(base=SHOP / "base", sender=sender, to=to, expect=expect)
    (folder / "a.meshtest.yaml").write_text(text)
    result = CliRunner().invoke(app, [str(folder), "-v"])
    return result.exit_code, result.stdout


@pytest.mark.parametrize("sender", ["outside", "*/gateway/*", "istio-system/gateway/istio-ingressgateway"])
def test_what_enters_at_gateways_is_held(tmp_path: Path, sender: str) -> None:
    """Requests for the gateway's hosts stand for what enters, with the paths of rules behind its rewrites."""
    code, text = run(tmp_path, sender, "shop/catalog", "{not: {disposition: denied}}")
    assert code == 1
    assert "http://shop.example.com:80/api/catalog/admin/ from istio-system/gateway/istio-ingressgateway" in text
    assert "authorization denied by AuthorizationPolicy/shop/catalog-maintenance rules[0]" in text
    assert "security.yaml:78" in text


@pytest.mark.parametrize(
    ("to", "expect"),
    [("payments/*", "{upstreamTls: mtls}"), ("*/*", "{not: {disposition: passed-through}}")],
)
def test_invariants_of_gateways_may_hold(tmp_path: Path, to: str, expect: str) -> None:
    """Only requests to the invariant's destination are checked; without a destination all are."""
    code, text = run(tmp_path, "outside", to, expect)
    assert (code, "requests stand for all" in text) == (0, True), text


def test_nothing_asked_decides_nothing(tmp_path: Path) -> None:
    """A pattern that matches nothing is not a pass."""
    code, text = run(tmp_path, "outside", "shop/sessions", "{disposition: denied}")
    assert code == 3
    assert "no sender and destination match outside and shop/sessions" in text


def test_the_api_server_has_to_be_named(tmp_path: Path) -> None:
    """A service that no manifest has, and that is in no mesh, is not what a pattern means."""
    assert run(tmp_path, "shop/web", "default/*", "{upstreamTls: mtls}")[0] == 3
    assert run(tmp_path, "shop/web", "default/kubernetes", "{upstreamTls: none}")[0] == 0

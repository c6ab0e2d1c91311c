"""The resources behind decisions whose Envoy resources do not name them."""

from pathlib import Path

import pytest

from kubectl_mesh.cli.app import run

GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: other, protocol: HTTP}, hosts: [other.example.net], tls: {httpsRedirect: true}}
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [edge.example.net], tls: {httpsRedirect: true}}
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [edge.example.net]
    tls: {mode: SIMPLE, credentialName: x}
"""


@pytest.fixture
def gateway(tmp_path: Path) -> str:
    """A file with a Gateway that redirects to HTTPS."""
    path = tmp_path / "edge.yaml"
    path.write_text(GATEWAY)
    return str(path)


def test_a_redirect_to_https_names_the_server_that_asks_for_it(
    gateway: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of several servers at a port it is the one for the host."""
    assert run(["kubectl-mesh", "trace", "-f", gateway, "outside", "http://edge.example.net/"]) == 0
    assert f"Gateway/shop/edge servers[1].tls.httpsRedirect  {gateway}:9\n" in capsys.readouterr().out


def test_an_unknown_server_name_is_answered_with_those_that_are_known(
    gateway: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A client that asks for a name of no server sees which names there are."""
    assert run(["kubectl-mesh", "trace", "-f", gateway, "outside", "https://shop.example.net/"]) == 0
    printed = capsys.readouterr().out
    assert "not filter chain 0: server name shop.example.net is not listed; listed are edge.example.net\n" in printed

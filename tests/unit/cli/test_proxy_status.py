"""proxy-status as a user calls it."""

from pathlib import Path

import pytest

from kubectl_mesh.cli.app import run


def call(*words: str) -> int:
    """Make one call on the example."""
    return int(run(["kubectl-mesh", "proxy-status", *words, "--demo"]))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--config vs/catalog", 0),
        ("--config virtualservice/catalog.shop --wait", 0),
        ("--config vs/shop/catalog -o yaml", 0),
        ("--config vs/nobody", 5),
        ("--config peerauthentication/default -n payments", 0),
        ("--config configmap/istio -n istio-system", 2),
        ("--config nonsense", 2),
        ("--wait", 0),
        ("--only unsynced", 0),
        ("--only others", 2),
        ("-o xml", 2),
        ("nobody", 5),
        ("stock", 5),
    ],
)
def test_exit_codes(words: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Answers, usage errors and unknown names have different exit codes; --wait ends at once for an unchanging mesh."""
    assert call(*words.split()) == code
    assert "unexpected" not in capsys.readouterr().err


EDGE = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: ["*"]
    tls: {mode: SIMPLE, credentialName: edge-certificate}
---
apiVersion: v1
kind: Secret
metadata: {name: edge-certificate, namespace: istio-system}
type: kubernetes.io/tls
data: {tls.crt: bm9uZQ==, tls.key: bm9uZQ==}
"""
SENTENCES = ["Clusters Match", "Listeners Match", "Routes Match", "", "Endpoints Match"]


def test_difference_covers_endpoints(capsys: pytest.CaptureFixture[str]) -> None:
    """After istioctl's three sentences comes one on endpoints; a workload's own certificate is not istiod's."""
    assert call("istio-ingressgateway") == 0
    assert [line.split(" (")[0] for line in capsys.readouterr().out.splitlines()] == SENTENCES


def test_difference_covers_credentials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where istiod sends secrets, for Gateways' credentials, they are compared too."""
    manifests = tmp_path / "edge.yaml"
    manifests.write_text(EDGE)
    assert run(["kubectl-mesh", "proxy-status", "istio-ingressgateway.istio-system", "-f", str(manifests)]) == 0
    sentences = [line.split(" (")[0] for line in capsys.readouterr().out.splitlines()]
    assert sentences == [*SENTENCES, "Secrets Match"]

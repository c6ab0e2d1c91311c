"""x envoy-stats as a user calls it."""

import json

import pytest

from kubectl_mesh.cli.app import run


def call(words: str) -> int:
    """Make one call on the example."""
    return int(run(["kubectl-mesh", "x", "envoy-stats", *words.split(), "--demo"]))


def test_forms(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines come under the pod's name, documents alone."""
    assert call("shop/deploy/web") == 0
    out = capsys.readouterr().out
    assert out.startswith("\nThe result of pod web-")
    assert "server.live: 1" in out
    assert call("shop/deploy/web --type clusters -o json") == 0
    out = capsys.readouterr().out
    names = [each["name"] for each in json.JSONDecoder().raw_decode(out)[0]["cluster_statuses"]]
    assert "outbound|80||cart.shop.svc.cluster.local" in names


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", 2),
        ("web -l app=web", 2),
        ("web -t listeners", 2),
        ("web -o table", 2),
        ("web -t clusters -o prom", 2),
        ("nobody", 5),
        ("-l app=stock", 5),
        ("-l app=web -o prom", 0),
    ],
)
def test_exit_codes(words: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Usage errors and unknown names have different exit codes."""
    assert call(words) == code
    assert "unexpected" not in capsys.readouterr().err

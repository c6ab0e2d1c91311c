"""proxy-status as a user calls it."""

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
        ("--config peerauthentication/default", 2),
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
    """Answers, wrong words and wrong names are told apart; a mesh that does not change is not waited for."""
    assert call(*words.split()) == code
    assert "unexpected" not in capsys.readouterr().err


def test_difference_covers_endpoints_and_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    """After istioctl's three sentences come those on endpoints and secrets."""
    assert call("istio-ingressgateway") == 0
    sentences = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in sentences] == [
        "Clusters Match",
        "Listeners Match",
        "Routes Match",
        "",
        "Endpoints Match",
        "Secrets Match",
    ]

"""The client's own TLS in the text of a trace."""

import pytest

from kubectl_mesh.cli.app import run


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://api.bank.example.com/", "→ api.bank.example.com:443 in the client's own TLS\n"),
        ("http://checkout/", "over mutual TLS"),
    ],
)
def test_tls_of_the_client_is_no_plain_text(url: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes that a client has encrypted are not said to go in plain text where the proxy adds nothing."""
    assert run(["kubectl-mesh", "trace", "--demo", "deploy/checkout.payments", url]) == 0
    assert said in capsys.readouterr().out


def test_connections_have_no_status(capsys: pytest.CaptureFixture[str]) -> None:
    """A connection that is not HTTP ends without a status, and none is printed."""
    assert run(["kubectl-mesh", "trace", "--demo", "deploy/web.shop", "tcp://catalog.shop:9999"]) == 0
    assert capsys.readouterr().out.startswith("UNREACHABLE: the chosen address belongs to nothing that answers there\n")

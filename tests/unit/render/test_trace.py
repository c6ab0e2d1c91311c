"""What the text of a trace shows without being asked."""

import pytest

from kubectl_mesh.cli.app import run


def test_what_was_rejected_is_shown_where_nothing_was_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    """A host that no virtual host covers is answered with those that come near; where one was chosen, -v shows them."""
    assert run(["kubectl-mesh", "trace", "--demo", "outside", "http://shop.example.org/"]) == 0
    assert "not shop.example.com:80: its domains are shop.example.com\n" in capsys.readouterr().out
    assert run(["kubectl-mesh", "trace", "--demo", "outside", "http://shop.example.com/"]) == 0
    assert " not old-shop: " not in capsys.readouterr().out


def test_addresses_of_ipv6_stand_in_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    """A port behind an address with colons can be told from it."""
    assert run(["kubectl-mesh", "trace", "--demo", "shop/deploy/web", "http://[2001:db8::7]/"]) == 0
    assert "→ [2001:db8::7]:80 in plain text" in capsys.readouterr().out

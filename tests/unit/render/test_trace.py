"""What the text of a trace shows without being asked."""

import pytest

from kubectl_mesh.cli.app import run

WORDS = ["kubectl-mesh", "trace", "-f", "examples/shop/base", "-f", "examples/guide/strict.yaml"]
REFUSED = [*WORDS, "-n", "shop", "deploy/cart", "http://web/"]


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


def test_of_filter_chains_only_the_nearest_misses_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Chains for other ports tell nothing of plain text that was refused; -v shows them, in one line for one reason."""
    assert run(REFUSED) == 0
    short = capsys.readouterr().out
    assert [line.strip() for line in short.splitlines() if line.strip().startswith("not ")] == [
        "not 0.0.0.0_8080: transport protocol is raw_buffer"
    ]
    assert run([*REFUSED, "-v"]) == 0
    long = capsys.readouterr().out
    assert sum(" only filter chains for destination port 8080 are tried" in line for line in long.splitlines()) == 1


def test_a_proxy_that_lost_its_connection_answers_last(capsys: pytest.CaptureFixture[str]) -> None:
    """What the client reads is told below the proxy that closed the connection."""
    assert run(REFUSED) == 0
    assert capsys.readouterr().out.endswith(
        " answers 503: response flag UC, upstream connect error or disconnect/reset before headers. "
        "reset reason: connection termination\n"
    )

"""Redirects that a client would follow for ever."""

from collections.abc import Callable

import pytest

from simulator.model.requests import Request, Tls
from simulator.model.traces import Disposition, Trace, Verdict
from simulator.traffic.redirects import loop_note


def redirecting(where: Callable[[Request], str], *, status: int = 301) -> Callable[[Request], Trace]:
    """Return a mesh that answers with redirects to `where`, and delivers where that is empty."""

    def ask(request: Request) -> Trace:
        location = where(request)
        end = Disposition.REDIRECTED if location else Disposition.DELIVERED
        verdict = Verdict(disposition=end, status=status if location else 200, location=location)
        return Trace(request=request, hops=(), disposition=end, verdict=verdict)

    return ask


@pytest.mark.parametrize(
    ("where", "note"),
    [
        (lambda request: "", ""),
        (lambda request: "" if request.tls is Tls.SIMPLE else "https://a/", ""),
        (lambda request: "http://A:80/", "following the redirect never ends: http://a/ → http://a/"),
        (
            lambda request: "https://a/",
            "following the redirect never ends: https://a/ → https://a/",
        ),
        (
            lambda request: "http://b/x" if request.host == "a" else "http://a/",
            "following the redirect never ends: http://a/ → http://b/x → http://a/",
        ),
        (
            lambda request: f"http://a{request.target}x/",
            "after 5 redirects there is one more, to http://a/x/x/x/x/x/x/",
        ),
        (lambda request: "http://[a", ""),
    ],
)
def test_only_redirects_without_an_end_are_noted(where: Callable[[Request], str], note: str) -> None:
    """A redirect that leads somewhere is none of them; one that comes back, or goes on, is told with its way."""
    ask = redirecting(where)
    assert loop_note(ask(Request(host="a")), ask) == note


@pytest.mark.parametrize(("status", "noted"), [(301, False), (308, True)])
def test_a_redirect_may_change_the_method(status: int, noted: bool) -> None:
    """After 301 a posted request is repeated as GET, after 308 as POST."""
    ask = redirecting(lambda request: "http://a/" if request.method == "POST" else "", status=status)
    assert bool(loop_note(ask(Request(host="a", method="POST")), ask)) is noted

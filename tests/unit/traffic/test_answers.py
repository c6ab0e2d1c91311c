"""What a client reads at the end of a trace."""

import pytest

from simulator.model.requests import Request, Tls
from simulator.traffic.answers import Broken, Response, response_to
from tests.unit.traffic.small_mesh import trace

APPLICATION = Response(status=200, fields=(("x-own", "1"),), body=b"hello")
BEFORE = "upstream connect error or disconnect/reset before headers. "


def answer(request: Request, sender: str, **options: bool) -> Response | Broken:
    """Return what a workload of the small mesh reads."""
    return response_to(trace(request, sender, **options), application=APPLICATION, date="today")


def test_an_answer_passes_every_proxy_on_its_way_back() -> None:
    """The application's own fields stay, and the client's proxy names itself."""
    found = answer(Request(host="web"), "client-1")
    assert isinstance(found, Response)
    assert (found.status, found.body) == (200, b"hello")
    assert found.fields == (("x-own", "1"), ("server", "envoy"), ("x-envoy-upstream-service-time", "0"))


@pytest.mark.parametrize(
    ("request_", "mutual", "text"),
    [
        (Request(host="empty"), True, "no healthy upstream"),
        (Request(host="gone"), True, ""),
        (Request(host="web"), False, f"{BEFORE}reset reason: connection termination"),
        (Request(host="plain"), True, f"{BEFORE}reset reason: remote connection failure"),
    ],
)
def test_a_proxy_says_why_it_could_not_forward(request_: Request, mutual: bool, text: str) -> None:
    """No endpoint, no cluster, a server that closes plain text, and one that speaks no TLS have their own words."""
    found = answer(request_, "client-1", mutual=mutual)
    assert isinstance(found, Response)
    assert (found.status, found.body.decode()) == (503, text)


@pytest.mark.parametrize(
    ("request_", "sender", "end"),
    [
        (Request(host="nobody"), "client-1", Broken.NO_NAME),
        (Request(host="web"), "plain-1", Broken.RESET),
        (Request(host="alias", port=81), "plain-1", Broken.REFUSED),
        (Request(host="plain", scheme="https", port=80, tls=Tls.SIMPLE), "plain-1", Broken.NO_TLS),
    ],
)
def test_connections_that_bring_no_response_break_in_their_own_way(request_: Request, sender: str, end: Broken) -> None:
    """Unknown names, closed ports, refused plain text and unexpected TLS are distinguished."""
    assert answer(request_, sender) is end

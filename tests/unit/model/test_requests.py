import pytest

from simulator.model.requests import Request


@pytest.mark.parametrize(
    ("request_", "header"),
    [
        (Request(host="web", port=80), "web"),
        (Request(host="web", port=8080), "web:8080"),
        (Request(host="web", port=443, scheme="https"), "web"),
        (Request(host="web", port=80, scheme="https"), "web:80"),
        (Request(host="fd00::1", port=8080), "[fd00::1]:8080"),
        (Request(host="web", authority="other.example"), "other.example"),
        (Request(host="web", authority=""), ""),
        (Request(host="web", omits_host=True), ""),
    ],
)
def test_the_host_header_is_what_clients_send(request_: Request, header: str) -> None:
    """The default port is left out, an IPv6 address is bracketed, a given header is sent unchanged."""
    assert request_.host_header == header


def test_headers_are_found_in_any_case() -> None:
    """Every line of a header counts, in the order in which it was sent."""
    request = Request(headers=(("X-Tag", "a"), ("other", "b"), ("x-tag", "c")))
    assert request.values("X-TAG") == ("a", "c")

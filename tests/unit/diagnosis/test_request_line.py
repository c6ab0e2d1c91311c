"""URLs and flags in curl's manner."""

import pytest

from kubectl_mesh.diagnosis.request_line import RequestFlags, read_request, resolutions
from kubectl_mesh.errors import UsageError
from simulator.model.requests import Tls, Wire

NONE = RequestFlags()


def test_plain_url() -> None:
    """A URL without scheme and port is HTTP to port 80, its query part of the target."""
    request = read_request("cart/items?x=1", NONE)
    assert (request.host, request.port, request.target, request.method) == ("cart", 80, "/items?x=1", "GET")
    assert request.host_header == "cart"


def test_https_speaks_tls_by_itself() -> None:
    """https means TLS of the client's own, with the host as server name."""
    request = read_request("https://cart:8443/", NONE)
    assert (request.tls, request.sni, request.scheme) == (Tls.SIMPLE, "cart", "https")


def test_address_is_no_server_name() -> None:
    """A client that dials an address sends no server name."""
    assert read_request("https://10.0.0.1/", NONE).sni == ""


def test_grpc() -> None:
    """grpc is a POST over HTTP/2 with gRPC's headers."""
    request = read_request("grpc://cart:9000/shop.Cart/Get", NONE)
    assert (request.wire, request.method) == (Wire.HTTP2, "POST")
    assert ("content-type", "application/grpc") in request.headers


def test_host_header_is_not_among_the_others() -> None:
    """-H Host sets the authority."""
    request = read_request("http://10.0.0.1/", RequestFlags(headers=["Host: shop.example", "A: b"]))
    assert (request.authority, request.headers) == ("shop.example", (("A", "b"),))


@pytest.mark.parametrize(
    "url", ["", "http://", "ftp://x/", "tcp://x/", "http://x:99999/", "http://x:0/", "http://a b/", "http://[::1/"]
)
def test_wrong_urls_are_usage_errors(url: str) -> None:
    """A request that no client could send is refused with a hint, not a traceback."""
    with pytest.raises(UsageError):
        read_request(url, NONE)


@pytest.mark.parametrize(
    "flags",
    [
        RequestFlags(headers=["nocolon"]),
        RequestFlags(headers=["a b: c"]),
        RequestFlags(headers=["a: b\r\nc: d"]),
        RequestFlags(method="G T"),
        RequestFlags(tls="some"),
        RequestFlags(random=1.5),
        RequestFlags(source_ip="here"),
    ],
)
def test_wrong_flags_are_usage_errors(flags: RequestFlags) -> None:
    """Flags that mean nothing are refused."""
    with pytest.raises(UsageError):
        read_request("http://cart/", flags)


def test_resolutions() -> None:
    """HOST:IP, and curl's HOST:PORT:IP, IPv6 with brackets or without."""
    assert resolutions(["A.example:1.2.3.4", "b:443:1.2.3.5", "c:[::1]", "d:::1"]) == {
        "a.example": "1.2.3.4",
        "b": "1.2.3.5",
        "c": "::1",
        "d": "::1",
    }
    with pytest.raises(UsageError):
        resolutions(["a:b"])

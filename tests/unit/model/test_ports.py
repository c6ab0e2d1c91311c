import pytest

from simulator.model.ports import Protocol, kubernetes_protocol, parse_protocol


@pytest.mark.parametrize(
    ("name", "app_protocol", "number", "protocol"),
    [
        ("http", "", 80, Protocol.HTTP),
        ("http2-api", "", 80, Protocol.HTTP2),
        ("grpc-web-ui", "", 80, Protocol.GRPC_WEB),
        ("grpc", "", 80, Protocol.GRPC),
        ("web", "", 80, Protocol.AUTO),
        ("", "", 3306, Protocol.TCP),
        ("http", "tcp", 80, Protocol.TCP),
        ("web", "kubernetes.io/h2c", 80, Protocol.HTTP2),
        ("web", "kubernetes.io/wss", 80, Protocol.HTTPS),
        ("hbone", "", 80, Protocol.AUTO),
    ],
)
def test_the_protocol_of_a_service_port(name: str, app_protocol: str, number: int, protocol: Protocol) -> None:
    """`appProtocol` decides, else the prefix of the name, else a well-known number; anything else is sniffed."""
    assert kubernetes_protocol(number=number, name=name, transport="TCP", app_protocol=app_protocol) is protocol


def test_udp_is_udp_whatever_its_name() -> None:
    """The transport counts before the name."""
    assert kubernetes_protocol(number=53, name="http", transport="UDP", app_protocol="") is Protocol.UDP


def test_protocols_are_read_in_any_case() -> None:
    """Istio's own resources may spell a protocol in upper or lower case; an unknown one is sniffed."""
    assert [parse_protocol(text) for text in ("Mongo", "GRPC-WEB", "http_proxy", "sctp")] == [
        Protocol.MONGO,
        Protocol.GRPC_WEB,
        Protocol.HTTP_PROXY,
        Protocol.AUTO,
    ]


def test_a_protocol_is_http_or_bytes_or_to_be_found_out() -> None:
    """No protocol is both HTTP and TCP; only UDP, tunnels and undeclared protocols are neither."""
    assert not [each for each in Protocol if each.is_http and each.is_tcp]
    neither = {each for each in Protocol if not each.is_http and not each.is_tcp}
    assert neither == {Protocol.UDP, Protocol.HBONE, Protocol.DOUBLE_HBONE, Protocol.AUTO}

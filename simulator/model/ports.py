"""Ports and the protocols that istiod reads from them.

istiod: pkg/config/kube/conversion.go (ConvertProtocol), pkg/config/protocol/instance.go.
"""

from dataclasses import dataclass
from enum import StrEnum


class Protocol(StrEnum):
    """A port's protocol as istiod understands it; AUTO is sniffed at run time."""

    HTTP = "HTTP"
    HTTP2 = "HTTP2"
    HTTP_PROXY = "HTTP_PROXY"
    GRPC = "GRPC"
    GRPC_WEB = "GRPC-Web"
    HTTPS = "HTTPS"
    TLS = "TLS"
    TCP = "TCP"
    UDP = "UDP"
    MONGO = "Mongo"
    REDIS = "Redis"
    MYSQL = "MySQL"
    HBONE = "HBONE"
    DOUBLE_HBONE = "DOUBLE-HBONE"
    AUTO = "UnsupportedProtocol"

    @property
    def is_http(self) -> bool:
        """HTTP semantics are visible on the wire without decryption."""
        return self in _HTTP

    @property
    def is_http2(self) -> bool:
        """HTTP/2 by name."""
        return self in _HTTP2

    @property
    def is_tcp(self) -> bool:
        """Opaque bytes to a proxy, TLS included."""
        return self in _TCP

    @property
    def is_tls(self) -> bool:
        """TLS that the application speaks itself."""
        return self in _TLS

    @property
    def is_auto(self) -> bool:
        """Not declared, so sniffed."""
        return self is Protocol.AUTO


_HTTP = frozenset({Protocol.HTTP, Protocol.HTTP2, Protocol.HTTP_PROXY, Protocol.GRPC, Protocol.GRPC_WEB})
_HTTP2 = frozenset({Protocol.HTTP2, Protocol.GRPC, Protocol.GRPC_WEB})
_TCP = frozenset({Protocol.TCP, Protocol.HTTPS, Protocol.TLS, Protocol.MONGO, Protocol.REDIS, Protocol.MYSQL})
_TLS = frozenset({Protocol.HTTPS, Protocol.TLS})
_UNNAMED = (Protocol.AUTO, Protocol.HBONE, Protocol.DOUBLE_HBONE)
"""Protocols that no port can name: istiod reads `hbone` as unknown, so it is sniffed."""
_BY_NAME = {protocol.value.lower(): protocol for protocol in Protocol if protocol not in _UNNAMED}
_APP_PROTOCOLS = {
    "kubernetes.io/h2c": Protocol.HTTP2,
    "kubernetes.io/ws": Protocol.HTTP,
    "kubernetes.io/wss": Protocol.HTTPS,
}
_WELL_KNOWN_TCP = frozenset({25, 53, 3306, 27017})


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A service port. `target` is the number or name on the workload; empty string means the same number."""

    name: str
    number: int
    protocol: Protocol
    target: int | str = ""


def parse_protocol(text: str) -> Protocol:
    """Read a protocol as ServiceEntry, Gateway and Sidecar ports spell it; unknown text is AUTO."""
    return _BY_NAME.get(text.lower(), Protocol.AUTO)


def kubernetes_protocol(*, number: int, name: str, transport: str, app_protocol: str) -> Protocol:
    """Decide the protocol of a Kubernetes port from `appProtocol`, else its name's prefix, else its number."""
    if transport == "UDP":
        return Protocol.UDP
    if app_protocol in _APP_PROTOCOLS:
        return _APP_PROTOCOLS[app_protocol]
    text = (app_protocol or name).lower()
    if text.startswith("grpc-web"):
        return Protocol.GRPC_WEB
    protocol = parse_protocol(text.partition("-")[0])
    if protocol is Protocol.AUTO and number in _WELL_KNOWN_TCP:
        return Protocol.TCP
    return protocol

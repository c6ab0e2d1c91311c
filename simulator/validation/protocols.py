"""Protocols as ports name them. istio: pkg/config/protocol/instance.go."""

from simulator.validation.problems import Problems, error

_HTTP = frozenset({"http", "http2", "http_proxy", "grpc", "grpc-web"})
_TLS = frozenset({"https", "tls"})
_TCP = _TLS | {"tcp", "mongo", "redis", "mysql"}
_KNOWN = _HTTP | _TCP | {"udp"}


def is_known(name: str) -> bool:
    """Tell whether Istio knows a protocol, ignoring case."""
    return name.lower() in _KNOWN


def is_http(name: str) -> bool:
    """Tell whether a protocol carries HTTP in the clear."""
    return name.lower() in _HTTP


def is_tls(name: str) -> bool:
    """Tell whether a protocol starts with a TLS handshake."""
    return name.lower() in _TLS


def is_tcp(name: str) -> bool:
    """Tell whether a protocol is forwarded as bytes."""
    return name.lower() in _TCP


def protocol(name: str) -> Problems:
    """Check a protocol; an empty one is valid, since the proxy then detects it."""
    if name and not is_known(name):
        yield error(f"unsupported protocol: {name}")

"""Which filter chains an inbound port has, by its protocol and mTLS mode.

istiod: pilot/pkg/networking/core/filterchain_options.go.
"""

from dataclasses import dataclass

from simulator.model.ports import Protocol
from simulator.registry.policies import MtlsMode

MTLS_HTTP = ("istio-http/1.0", "istio-http/1.1", "istio-h2")
MTLS_TCP = ("istio-peer-exchange", "istio")
MTLS_ANY = ("istio", "istio-peer-exchange", *MTLS_HTTP)
TLS, PLAIN = "tls", "raw_buffer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainOption:
    """One filter chain: what it matches, what it speaks, and whether it terminates TLS."""

    http: bool
    transport: str
    alpn: tuple[str, ...] = ()
    terminates: bool = False


def plain_http(*, http10: bool) -> tuple[str, ...]:
    """Return the application protocols by which the HTTP inspector reports plain HTTP."""
    return ("http/1.0", "http/1.1", "h2c") if http10 else ("http/1.1", "h2c")


def listener_protocol(protocol: Protocol) -> str:
    """Return `HTTP`, `TCP` or `AUTO`; empty for UDP, which no listener serves."""
    if protocol.is_http:
        return "HTTP"
    if protocol.is_tcp:
        return "TCP"
    return "" if protocol is Protocol.UDP else "AUTO"


def chain_options(mode: MtlsMode, protocol: str, *, plain: tuple[str, ...]) -> tuple[ChainOption, ...]:
    """Return the chains of a port in istiod's order; `protocol` is a listener protocol, `plain` that of plain HTTP."""
    if mode is MtlsMode.STRICT:
        return _STRICT.get(protocol, _STRICT["TCP"])
    if mode is not MtlsMode.PERMISSIVE:
        if protocol == "HTTP":
            return (ChainOption(http=True, transport=PLAIN),)
        tcp = ChainOption(http=False, transport=PLAIN)
        return (ChainOption(http=True, transport=PLAIN, alpn=plain), tcp) if protocol == "AUTO" else (tcp,)
    if protocol == "HTTP":
        return _PERMISSIVE_HTTP
    if protocol == "AUTO":
        return (
            ChainOption(http=True, transport=TLS, alpn=MTLS_HTTP, terminates=True),
            ChainOption(http=True, transport=PLAIN, alpn=plain),
            ChainOption(http=False, transport=TLS, alpn=MTLS_TCP, terminates=True),
            ChainOption(http=False, transport=PLAIN),
            ChainOption(http=False, transport=TLS),  # TLS that the application terminates itself
        )
    return _PERMISSIVE_TCP


_STRICT = {
    "HTTP": (ChainOption(http=True, transport=TLS, terminates=True),),
    "TCP": (ChainOption(http=False, transport=TLS, terminates=True),),
    "AUTO": (
        ChainOption(http=True, transport=TLS, alpn=MTLS_HTTP, terminates=True),
        ChainOption(http=False, transport=TLS, terminates=True),
    ),
}
_PERMISSIVE_HTTP = (
    ChainOption(http=True, transport=TLS, alpn=MTLS_ANY, terminates=True),
    ChainOption(http=True, transport=PLAIN),
)
_PERMISSIVE_TCP = (
    ChainOption(http=False, transport=TLS, alpn=MTLS_ANY, terminates=True),
    ChainOption(http=False, transport=TLS),
    ChainOption(http=False, transport=PLAIN),
)

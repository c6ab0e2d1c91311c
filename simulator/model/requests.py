"""A request, and the connection that carries it, as one proxy or one client sees it.

One type serves the whole path: what a user asks for is a Request without addresses; each hop gets a copy that says what
that proxy can see (the address dialled, the peer's address, whether TLS was spoken and with whose certificate).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

USUAL_PORTS = {"http": 80, "https": 443}
"""The port of a URL that names none, by its scheme."""


class Wire(StrEnum):
    """What the client says first once a connection (and TLS, if any) stands."""

    HTTP1 = "http/1.1"
    HTTP10 = "http/1.0"
    HTTP2 = "h2"
    OPAQUE = "tcp"
    """Bytes that are no HTTP."""
    SILENT = "silent"
    """Nothing: the server speaks first."""
    UNFINISHED = "unfinished"
    """A few bytes that are no TLS and not yet a whole first line of HTTP."""


class Tls(StrEnum):
    """How the connection is encrypted."""

    NONE = "none"
    SIMPLE = "simple"
    """The client shows no certificate."""
    MUTUAL = "mutual"
    """The client shows a certificate; `identity` is the SPIFFE URI in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request and its connection. Header names keep the case they were given; matching ignores it."""

    host: str = ""
    """The name or address that the client dials."""
    port: int = 80
    scheme: str = "http"
    method: str = "GET"
    target: str = "/"
    """The request target exactly as sent: path with query, an absolute URL, `*`, or an authority for CONNECT."""
    authority: str | None = None
    """The Host header; None means the usual one made of host and port."""
    omits_host: bool = False
    """No Host header is sent at all."""
    headers: tuple[tuple[str, str], ...] = ()
    wire: Wire = Wire.HTTP1
    tls: Tls = Tls.NONE
    sni: str = ""
    alpn: tuple[str, ...] = ()
    identity: str = ""
    source_ip: str = ""
    source_port: int = 0
    destination_ip: str = ""
    """The address the connection was made to, before any redirection to the proxy."""
    random: float | None = None
    """Decides everything left to chance, 0 ≤ random < 1; None takes the most likely branch."""
    time: int | None = None
    """Seconds since the epoch, for the expiry of tokens; None leaves expiry unjudged."""
    filter_state: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What an earlier listener handed over in the same proxy (HBONE: `io.istio.peer_principal` and the like)."""
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)
    """Dynamic metadata known beforehand: filter name → struct."""
    inner: "Request | None" = field(default=None, repr=False)
    """The request as it was before a proxy put its own TLS around the client's; None where it did not."""

    @property
    def host_header(self) -> str:
        """Return the Host header as sent; empty when none is."""
        if self.omits_host:
            return ""
        if self.authority is not None:
            return self.authority
        usual = 443 if self.scheme == "https" else 80
        name = f"[{self.host}]" if ":" in self.host and not self.host.startswith("[") else self.host
        return name if not self.host or self.port in (usual, 0) else f"{name}:{self.port}"

    @property
    def is_http(self) -> bool:
        """Tell whether the client speaks HTTP once the connection stands."""
        return self.wire in (Wire.HTTP1, Wire.HTTP10, Wire.HTTP2)

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of a header, one for each line it was sent on."""
        wanted = name.lower()
        return tuple(value for key, value in self.headers if key.lower() == wanted)

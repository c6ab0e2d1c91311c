"""What a proxy knows of a downstream connection once the listener filters have looked at it."""

from dataclasses import dataclass

from simulator.model.requests import Request, Tls


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection as filter chain matching, network RBAC and HTTP RBAC see it."""

    request: Request
    transport_protocol: str = "raw_buffer"
    """`tls` only when the TLS inspector looked."""
    server_name: str = ""
    application_protocols: tuple[str, ...] = ()

    @property
    def destination_ip(self) -> str:
        """The local address: the original destination where it was restored."""
        return self.request.destination_ip

    @property
    def destination_port(self) -> int:
        """The local port, restored like the address."""
        return self.request.port

    @property
    def source_ip(self) -> str:
        """The address of the peer."""
        return self.request.source_ip

    @property
    def encrypted(self) -> bool:
        """Tell whether the client speaks TLS, seen or not."""
        return self.request.tls is not Tls.NONE

    @property
    def identity(self) -> str:
        """The URI in the peer's certificate; empty without one."""
        return self.request.identity if self.request.tls is Tls.MUTUAL else ""

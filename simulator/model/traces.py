"""What a prediction returns: steps within hops within a trace, and how the request ends.

A Step is one match (a listener, a route, an endpoint), with what was chosen, why, and what was rejected; a Hop is
everything one proxy decided; a Trace is the whole path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from simulator.model.proxies import Direction, ProxyId
from simulator.model.requests import Request, Tls


class StepKind(StrEnum):
    """What a step decided, in the order in which a request meets them."""

    NAME_RESOLUTION = "name-resolution"
    CAPTURE = "capture"
    SERVICE = "service"
    WAYPOINT = "waypoint"
    LISTENER = "listener"
    LISTENER_FILTERS = "listener-filters"
    FILTER_CHAIN = "filter-chain"
    NETWORK_FILTER = "network-filter"
    HTTP_CONNECTION = "http-connection"
    ROUTE_CONFIGURATION = "route-configuration"
    VIRTUAL_HOST = "virtual-host"
    ROUTE = "route"
    HTTP_FILTER = "http-filter"
    RBAC = "rbac"
    CLUSTER = "cluster"
    TRANSPORT = "transport"
    ENDPOINT = "endpoint"


class Disposition(StrEnum):
    """How a request ends. The value is stable: reports, tests and plans use it."""

    meaning: str
    is_delivered: bool

    def __new__(cls, value: str, meaning: str, is_delivered: bool = False) -> "Disposition":
        """Attach the documented meaning to the value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.is_delivered = is_delivered
        return member

    DELIVERED = "delivered", "an application in the mesh gets the request", True
    LEFT_MESH = "left-mesh", "a known destination outside the mesh gets the request", True
    PASSED_THROUGH = "passed-through", "no rule knows the destination; the address dialled gets the request as is", True
    NAME_NOT_FOUND = "name-not-found", "the client's DNS does not know the host"
    NO_LISTENER = "no-listener", "nothing listens at the address and port: connection refused"
    NO_FILTER_CHAIN = "no-filter-chain", "no filter chain fits the connection: it is closed without an answer"
    WAITING_FOR_CLIENT = "waiting-for-client", "the proxy waits for the client's first bytes, which never come"
    TLS_MISMATCH = "tls-mismatch", "one side speaks TLS (or mutual TLS) where the other does not accept it"
    PROTOCOL_MISMATCH = "protocol-mismatch", "the bytes are not of the protocol that the filter chain expects"
    BAD_REQUEST = "bad-request", "the proxy refuses the request before routing it (400, 403 or 404)"
    UPGRADE_REFUSED = "upgrade-refused", "the proxy does not allow this protocol upgrade or CONNECT (403)"
    NO_ROUTE = "no-route", "no virtual host or route matches (404)"
    REDIRECTED = "redirected", "the proxy answers with a redirect"
    DIRECT_RESPONSE = "direct-response", "the proxy answers itself, as configured"
    FAULT_ABORTED = "fault-aborted", "an injected fault answers in place of the destination"
    CORS_ANSWERED = "cors-answered", "the proxy answers the CORS preflight itself (200)"
    UNAUTHENTICATED = "unauthenticated", "the token is missing where required, or not accepted (401 or 403)"
    DENIED = "denied", "an authorization rule denies the request (403), or the connection (closed)"
    NO_CLUSTER = "no-cluster", "the route leads to a cluster that the proxy does not have (503 NC)"
    BLACK_HOLE = "black-hole", "the destination is not allowed: the connection is closed"
    NO_HEALTHY_ENDPOINT = "no-healthy-endpoint", "there is no endpoint to send to (503 UH)"
    UNREACHABLE = "unreachable", "the chosen address belongs to nothing that answers there (503 UF)"
    LOOP = "loop", "the request comes back to where it was; the path was cut"
    UNREADABLE_CONFIGURATION = "unreadable-configuration", "the proxy's configuration is malformed at this point"
    NOT_SIMULATED = "not-simulated", "the path leads through something that is not simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Something that was tried before the choice, and why it was not chosen."""

    name: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The part of requests that one of several clusters gets."""

    cluster: str
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One decision. `document` is the Envoy resource (or part of one) that was chosen, not compared or printed."""

    kind: StepKind
    chosen: str
    because: str
    rejected: tuple[Rejected, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What else the choice means, by name: timeout, retries, shares, header changes, …; JSON values only."""
    index: int | None = None
    """Position in the list the choice was made from, counted from 0."""
    document: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How the hop ends the request when it does not forward it, or that it forwards it."""

    disposition: Disposition
    status: int | None = None
    details: str = ""
    """Envoy's response code details, such as `route_not_found`."""
    flags: str = ""
    """Envoy's response flags, such as `NR`."""
    location: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """What leaves the proxy: to which endpoint, and the request as the endpoint gets it."""

    cluster: str
    shares: tuple[Share, ...]
    """Every cluster the request could have gone to; adds up to 100."""
    address: str
    """IP, host name, `unix://…` or `envoy://listener` of the endpoint; empty when nothing was chosen."""
    port: int
    request: Request
    tls: Tls = Tls.NONE
    mirrors: tuple[Share, ...] = ()
    alternatives: tuple[str, ...] = ()
    """Endpoints as likely as the chosen one, `address:port`."""
    original_destination: bool = False
    """The endpoint is the address that the client dialled."""
    tunnel: str = ""
    """`hbone` when the connection goes inside an HBONE tunnel."""
    via: str = ""
    """`address:port` of the waypoint where the tunnel ends; empty when it ends at the endpoint."""
    outside: bool = False
    """The endpoint is not part of the mesh, as far as the proxy can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """Everything one proxy decided."""

    proxy: ProxyId
    direction: Direction
    steps: tuple[Step, ...]
    verdict: Verdict
    forwarded: Forwarded | None = None
    notes: tuple[str, ...] = ()
    """What could not be decided, and what was assumed instead."""

    def step(self, kind: StepKind) -> Step | None:
        """Return the last step of a kind; None when the hop did not get that far."""
        return next((step for step in reversed(self.steps) if step.kind is kind), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The whole path of a request."""

    request: Request
    hops: tuple[Hop, ...]
    disposition: Disposition
    verdict: Verdict
    source: str = ""
    destination: str = ""
    """The pod, or the address outside the mesh, that gets the request; empty when it is not delivered."""
    steps: tuple[Step, ...] = ()
    """What happened before the first proxy: name resolution and capture."""
    arrival: tuple[Step, ...] = ()
    """What happened after the last proxy: the service address translated, the application's port reached."""
    notes: tuple[str, ...] = ()

    @property
    def last_step(self) -> Step | None:
        """Return the last decision on the path; a delivered request's last step chose an endpoint."""
        last_hop = self.hops[-1].steps if self.hops else ()
        return next(reversed((*self.steps, *last_hop, *self.arrival)), None)

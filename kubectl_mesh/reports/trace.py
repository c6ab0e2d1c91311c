"""The path of a request, each decision with the resource and the line it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """The resource, and the field of it, that a decision was made from."""

    resource: str
    """`Kind/namespace/name`."""
    field: str = ""
    """`spec.http[1].match[0]`; empty for the resource as a whole."""
    position: str = ""
    """`file:line`, or the API path."""

    def __str__(self) -> str:
        where = f"{self.resource} {self.field.removeprefix('spec.')}" if self.field else self.resource
        return f"{where}  {self.position}" if self.position else where


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedReport:
    """Something tried before the choice, and why it was not chosen."""

    name: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """One decision of a proxy, or of what lies before the first."""

    kind: str
    chosen: str
    because: str
    index: int | None = None
    rejected: tuple[RejectedReport, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    source: SourceReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareReport:
    """The part of requests that a cluster gets."""

    cluster: str
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardedReport:
    """What leaves a proxy, and for where."""

    cluster: str
    shares: tuple[ShareReport, ...]
    address: str
    port: int
    workload: str = ""
    """The pod that has the address, `name.namespace`."""
    tls: str = "none"
    client_tls: str = "none"
    """TLS that the client itself speaks, carried on as it came, or inside `tls`."""
    tunnel: str = ""
    via: str = ""
    """Where the tunnel ends, `address:port`; empty when it ends at the endpoint."""
    mirrors: tuple[ShareReport, ...] = ()
    alternatives: tuple[str, ...] = ()
    method: str = ""
    authority: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictReport:
    """How a hop, or the whole request, ends."""

    disposition: str
    meaning: str
    delivered: bool
    status: int | None = None
    details: str = ""
    flags: str = ""
    location: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HopReport:
    """Everything one proxy decided."""

    proxy: str
    direction: str
    steps: tuple[StepReport, ...]
    verdict: VerdictReport
    forwarded: ForwardedReport | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReport:
    """The request as it was asked for."""

    method: str
    url: str
    from_: str
    headers: tuple[tuple[str, str], ...] = ()
    tls: str = "none"
    sni: str = ""
    source_ip: str = ""
    random: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceReport:
    """The whole path of a request."""

    request: RequestReport
    verdict: VerdictReport
    source: str
    destination: str
    steps: tuple[StepReport, ...]
    hops: tuple[HopReport, ...]
    arrival: tuple[StepReport, ...] = ()
    notes: tuple[str, ...] = ()

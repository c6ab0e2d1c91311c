"""What applies to a pod or a service."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PodReport:
    """A pod as the mesh sees it. Warnings are ready to print, in order."""

    name: str
    revision: str
    ports: tuple[str, ...]
    phase: str
    first: tuple[str, ...] = ()
    """Warnings that come before everything else."""
    warnings: tuple[str, ...] = ()
    meshed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PortLevel:
    """Settings of a DestinationRule for one port."""

    port: int
    tls_mode: str = ""
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRuleReport:
    """A DestinationRule and how its subsets fit the pods."""

    name: str
    host: str
    matching: tuple[str, ...] = ()
    non_matching: tuple[str, ...] = ()
    has_traffic_policy: bool = False
    tls_mode: str = ""
    policies: tuple[str, ...] = ()
    port_levels: tuple[PortLevel, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualServiceReport:
    """A VirtualService (or a route of the Gateway API) and which of its routes reach the pods."""

    name: str
    kind: str = "VirtualService"
    facts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Said below a warning: routes that miss the pods, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortReport:
    """What applies to one port of a service."""

    port: int
    destination_rule: DestinationRuleReport | None = None
    virtual_service: VirtualServiceReport | None = None
    stale: tuple[str, ...] = ()
    """References of the proxy to resources that are gone."""
    policies: tuple[str, ...] = ()
    """Names of authorization rules in the proxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReport:
    """A service that selects the pods."""

    name: str
    ports: tuple[str, ...]
    by_port: tuple[PortReport, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAuthenticationReport:
    """What the pod accepts from its peers."""

    mode: str
    ports: tuple[tuple[int, str], ...] = ()
    applied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressReport:
    """A way in through an ingress gateway."""

    exposed: tuple[str, ...]
    virtual_service: VirtualServiceReport


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReport:
    """An authorization rule in words."""

    policy: str
    action: str
    words: str
    enforced: str = ""
    """Where, or why not; empty for all of it at the pod's own proxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeReport:
    """The whole description. `lines` hold what istioctl says when there is nothing to describe."""

    pod: PodReport | None = None
    services: tuple[ServiceReport, ...] = ()
    lines: tuple[str, ...] = ()
    no_service: str = ""
    peer_authentication: PeerAuthenticationReport | None = None
    ingress: tuple[IngressReport, ...] = ()
    ingress_notes: tuple[str, ...] = ()
    sidecar: str = ""
    rules: tuple[RuleReport, ...] = ()
    conflicts: tuple[str, ...] = field(default=())
    ambient: tuple[str, ...] = ()
    """Who carries the traffic in the ambient mesh, in sentences."""
    gateway_routes: tuple[VirtualServiceReport, ...] = ()

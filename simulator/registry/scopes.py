"""What one proxy may see: its sidecar scope, and the rules that apply to it.

istiod: pilot/pkg/model/sidecar.go, virtualservice.go, destination_rule.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.model.labels import Labels, selects
from simulator.model.resources import ObjectRef, Resource
from simulator.model.services import Service
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VirtualService:
    """A VirtualService with hosts, gateways and destinations fully qualified and delegates merged in.

    Each HTTP, TLS and TCP route in `spec` is a `Sourced` dict that knows the resource and field it was written in (the
    delegate's, where it came from one).
    """

    resource: Resource
    spec: Json
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]
    """`mesh` or `namespace/name`; `("mesh",)` when the resource names none."""

    @property
    def gateway_semantics(self) -> bool:
        """Made of routes of the Gateway API."""
        return self.resource.annotations.get("internal.istio.io/route-semantics") == "gateway"

    @property
    def ingress_semantics(self) -> bool:
        """Made of a Kubernetes Ingress."""
        return self.resource.annotations.get("internal.istio.io/route-semantics") == "ingress"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DestinationRule:
    """A DestinationRule, or several for one host merged by istiod's rules."""

    host: str
    namespace: str
    name: str
    spec: Json
    sources: tuple[ObjectRef, ...]
    export_to: frozenset[str]
    selector: Labels = field(default_factory=dict)
    """`workloadSelector`, empty for every workload."""
    selective: bool = False
    """A `workloadSelector` is given, even an empty one: the rule holds for clients of its own namespace only."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EgressListener:
    """One `egress` entry of a Sidecar, or the implied one of a namespace without.

    `listener` is the entry (`port`, `bind`, `captureMode`, `hosts`), None for the implied one.
    """

    listener: Json | None
    services: tuple[Service, ...]
    virtual_services: tuple[VirtualService, ...]
    most_specific: Mapping[str, VirtualService] = field(default_factory=dict)
    """Host of a service → the VirtualService whose host is closest to it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SidecarScope:
    """Services and rules visible to all proxies that share this scope.

    One object per (namespace, Sidecar resource): compare by identity, use as a key.
    """

    namespace: str
    resource: Resource | None
    """The Sidecar resource; None for the scope that istiod implies."""
    services: tuple[Service, ...]
    """Every visible service, in istiod's order (creation, then name, then namespace), one per host."""
    services_by_host: Mapping[str, Service]
    egress: tuple[EgressListener, ...]
    destination_rules: Mapping[str, tuple[DestinationRule, ...]]
    """Host of a visible service → rules that apply, most specific first, those with a selector before those without."""
    outbound_policy: Json
    """`mode` ALLOW_ANY or REGISTRY_ONLY, and `egressProxy` where set."""

    def destination_rule(self, host: str, labels: Labels, *, inbound: bool = False) -> DestinationRule | None:
        """Return the rule for `host` that a proxy with `labels` uses.

        A rule with a workload selector counts for outbound configuration of its own namespace only; of rules without,
        the last one counts.
        """
        general = None
        for rule in self.destination_rules.get(host, ()):
            if not rule.selective:
                general = rule
            elif not inbound and rule.namespace == self.namespace and selects(rule.selector, labels):
                return rule
        return general

    def egress_listener(self, port: int, bind: str = "") -> EgressListener | None:
        """Return the egress listener that routes for `port` come from: the one of that port, else the catch-all.

        `port` 0 with `bind` asks for a Unix domain socket.
        """
        for egress in self.egress:
            entry = egress.listener or {}
            wanted = entry.get("port")
            if not wanted:
                return egress
            if int(wanted.get("number") or 0) == port and (port or entry.get("bind") == bind):
                return egress
        return None

"""What one proxy may see: its sidecar scope, and the rules that apply to it.

istiod: pilot/pkg/model/sidecar.go, virtualservice.go, destination_rule.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.model.labels import Labels
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EgressListener:
    """One `egress` entry of a Sidecar, or the implied one of a namespace without.

    `listener` is the entry (`port`, `bind`, `captureMode`, `hosts`), None for the implied one.
    """

    listener: Json | None
    services: tuple[Service, ...]
    virtual_services: tuple[VirtualService, ...]


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

    def destination_rule(self, host: str, labels: Labels) -> DestinationRule | None:
        """Return the rule for `host` that a proxy with `labels` uses."""
        for rule in self.destination_rules.get(host, ()):
            if not rule.selector or all(labels.get(key) == value for key, value in rule.selector.items()):
                return rule
        return None

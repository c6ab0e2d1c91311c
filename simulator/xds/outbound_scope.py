"""The part of a sidecar scope on which outbound listeners depend.

Scopes of different namespaces mostly see the same services under the same rules; those that do share their listeners.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.model.services import Resolution, Service
from simulator.model.wire import Json
from simulator.registry.scopes import DestinationRule, SidecarScope, VirtualService
from simulator.registry.snapshot import Snapshot
from simulator.xds.documents import Document
from simulator.xds.outbound_destinations import is_dynamic_wildcard

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundEgress:
    """One egress entry: its own settings, its services, and the VirtualServices with TCP or TLS routes."""

    listener: Document
    services: tuple[Service, ...]
    virtual_services: tuple[VirtualService, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeContent:
    """A scope reduced to what outbound listeners show of it; equal contents give equal listeners."""

    egress: tuple[OutboundEgress, ...]
    rules: tuple[tuple[str, DestinationRule], ...]
    """Host → the rule that holds for the proxy."""
    targets: tuple[tuple[str, Service], ...]
    """Hosts that TCP and TLS routes lead to."""
    policy: Document
    """What happens to traffic that no service takes."""
    namespaced: bool = False
    """Something in it depends on the namespace of the proxy."""
    dynamic: bool = False
    """It has wildcard hosts that are resolved as they are dialled."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutboundScope:
    """The content of one or more scopes, with look-ups. Compared by identity, so that it is a cheap key."""

    content: ScopeContent
    services: Mapping[str, Service] = field(repr=False)
    rules: Mapping[str, DestinationRule] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeKeys:
    """The attributes of a proxy on which the outbound listeners of a scope depend."""

    labels: frozenset[str]
    """Label keys that rules select proxies on."""
    addresses: frozenset[str]
    """Endpoint addresses of headless services, on which their own pods do not listen."""


def scope_keys(snapshot: Snapshot, scope: SidecarScope) -> ScopeKeys:
    """Find the attributes of a proxy that matter to the outbound listeners of its scope."""
    rules = [rule for rules in scope.destination_rules.values() for rule in rules]
    matches = [match for vs in _layer4(scope) for route in _routes(vs) for match in route.get("match") or ()]
    keys = {key for rule in rules for key in rule.selector}
    return ScopeKeys(
        labels=frozenset(keys.union(*(match.get("sourceLabels") or () for match in matches))),
        addresses=frozenset(
            endpoint.address
            for egress in scope.egress
            for service in egress.services
            if service.resolution is Resolution.PASSTHROUGH
            for port in service.ports
            for endpoint in snapshot.endpoints(service, port.number)
        ),
    )


def scope_content(_: Snapshot, scope: SidecarScope, labels: Labels) -> ScopeContent:
    """Reduce a scope for proxies with `labels`."""
    selected = dict(labels)
    rules = ((host, scope.destination_rule(host, selected)) for host in scope.destination_rules)
    layer4 = _layer4(scope)
    matches = [match for vs in layer4 for route in _routes(vs) for match in route.get("match") or ()]
    hosts = {_host(target) for vs in layer4 for route in _routes(vs) for target in route.get("route") or ()}
    return ScopeContent(
        egress=tuple(
            OutboundEgress(
                listener=Document(egress.listener),
                services=egress.services,
                virtual_services=tuple(vs for vs in egress.virtual_services if _is_layer4(vs)),
            )
            for egress in scope.egress
        ),
        rules=tuple((host, rule) for host, rule in rules if rule is not None),
        targets=tuple((host, scope.services_by_host[host]) for host in sorted(hosts) if host in scope.services_by_host),
        policy=Document(scope.outbound_policy),
        namespaced=any(match.get("sourceNamespace") for match in matches) or any(s.aliases for s in scope.services),
        dynamic=any(is_dynamic_wildcard(service) for service in scope.services),
    )


def outbound_scope(_: Snapshot, content: ScopeContent) -> OutboundScope:
    """Return the one object that stands for all scopes of this content."""
    return OutboundScope(content=content, services=dict(content.targets), rules=dict(content.rules))


def _layer4(scope: SidecarScope) -> list[VirtualService]:
    found = {id(vs): vs for egress in scope.egress for vs in egress.virtual_services if _is_layer4(vs)}
    return list(found.values())


def _is_layer4(virtual_service: VirtualService) -> bool:
    return bool(virtual_service.spec.get("tcp") or virtual_service.spec.get("tls"))


def _routes(virtual_service: VirtualService) -> list[Json]:
    return [*(virtual_service.spec.get("tcp") or ()), *(virtual_service.spec.get("tls") or ())]


def _host(target: Json) -> str:
    return str((target.get("destination") or {}).get("host") or "")

"""The virtual hosts of a sidecar's outbound port: one per service, and per further host of a VirtualService.

istiod: pilot/pkg/networking/core/httproute.go (BuildSidecarOutboundVirtualHosts), core/route/route.go
(BuildSidecarVirtualHostWrapper, separateVSHostsAndServices).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from simulator.model.names import host_matches, more_specific
from simulator.model.ports import Port, parse_protocol
from simulator.model.services import Resolution, Service
from simulator.model.wire import VirtualHost
from simulator.registry.scopes import DestinationRule, EgressListener, SidecarScope, VirtualService
from simulator.registry.snapshot import Snapshot
from simulator.xds.hash_policy import service_hash, uses_hash
from simulator.xds.route_action import RouteContext
from simulator.xds.route_filters import keeps_sessions, session_of, session_override
from simulator.xds.route_targets import Resolver
from simulator.xds.route_translation import (
    RouteList,
    has_gateway_semantics,
    selection,
    service_routes,
    virtual_service_routes,
)
from simulator.xds.view import Shared
from simulator.xds.virtual_host_domains import (
    AddressTraits,
    bracketed,
    host_port,
    proxy_addresses,
    service_domains,
    without_duplicates,
)

HTTP_PORT = 80
"""The one port on which VirtualServices take effect for hosts that no registry knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundTraits:
    """The facts of a proxy, besides its scope, on which its outbound routes depend."""

    namespace: str
    dns_domain: str
    addresses: AddressTraits = field(default_factory=AddressTraits)
    labels: tuple[tuple[str, str], ...] = ()
    """Labels that rules of the scope select on."""
    attempt_count: bool = True
    forwarded_host: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Wrapper:
    """Routes with the services and hosts they are for, at one port."""

    port: int
    routes: RouteList
    services: tuple[Service, ...]
    hosts: tuple[str, ...] = ()


def outbound_virtual_hosts(
    snapshot: Snapshot, shared: Shared, scope: SidecarScope, traits: OutboundTraits, listener_port: int, name: str
) -> tuple[VirtualHost, ...]:
    """Build the virtual hosts of a listener port, sorted by name; port 0 is an HTTP proxy or a Unix socket."""
    egress = egress_listener(scope, port=listener_port, bind=name)
    if egress is None:
        return ()
    port = 0 if _is_http_proxy(egress) else listener_port
    services = _services_by_host(egress, port)
    builder = _Builder(snapshot=snapshot, shared=shared, scope=scope, traits=traits, port=port, services=services)
    wrappers = [*builder.virtual_service_wrappers(egress), *builder.service_wrappers()]
    hosts = builder.virtual_hosts(wrappers)
    merged = _merge_ports(hosts) if port == 0 else [host for at, host in hosts if at == port]
    return tuple(sorted(merged, key=lambda host: host["name"]))


def egress_listener(scope: SidecarScope, *, port: int, bind: str) -> EgressListener | None:
    """Return the egress entry that serves a port, else the first without a port."""
    for egress in scope.egress:
        entry = (egress.listener or {}).get("port")
        if not entry:
            return egress
        if int(entry.get("number") or 0) == port and (port or (egress.listener or {}).get("bind") == bind):
            return egress
    return None


@dataclass(slots=True, kw_only=True)
class _Builder:
    snapshot: Snapshot
    shared: Shared
    scope: SidecarScope
    traits: OutboundTraits
    port: int
    services: dict[str, Service]
    claimed: set[str] = field(default_factory=set)
    """Hosts of services whose routes come from a VirtualService."""
    labels: Mapping[str, str] = field(init=False)
    wildcards: tuple[str, ...] = field(init=False)
    sessions: bool = field(init=False)
    absolute: bool = field(init=False)

    def __post_init__(self) -> None:
        self.labels = dict(self.traits.labels)
        self.sessions = keeps_sessions(self.snapshot)
        self.absolute = self.snapshot.flag("PILOT_ENABLE_ABSOLUTE_FQDN_VHOST_DOMAIN", default=True)
        self.wildcards = tuple(host for host in self.services if host.startswith("*"))

    def virtual_service_wrappers(self, egress: EgressListener) -> Iterator[_Wrapper]:
        """Yield the wrappers of VirtualServices that touch a service here; at port 80, of all."""
        owners = _Owners(egress)
        for virtual_service in egress.virtual_services:
            if self.port != HTTP_PORT and not self._touches(virtual_service):
                continue
            routes = self._routes(virtual_service)
            if not routes.routes:
                continue
            hosts, services = self._split_hosts(virtual_service, owners)
            if has_gateway_semantics(virtual_service) and not any(
                virtual_service.resource.namespace in (service.namespace, self.traits.namespace) for service in services
            ):
                continue
            by_port: dict[int, list[Service]] = {}
            for service in services:
                for port in self._http_ports(service):
                    by_port.setdefault(port.number, []).append(service)
            if not by_port and self.port == HTTP_PORT:
                by_port = {HTTP_PORT: []}
            for number, owned in by_port.items():
                self.claimed.update(service.host for service in owned)
                yield _Wrapper(number, routes, tuple(owned), tuple(hosts))

    def service_wrappers(self) -> Iterator[_Wrapper]:
        """Yield a wrapper for each HTTP port of each service that is left; aliases are part of their target."""
        for key, service in self.services.items():
            if key in self.claimed or service.host in self.claimed or service.resolution is Resolution.ALIAS:
                continue
            rule = self._hashing_rule(service.host)
            for port in self._http_ports(service):
                routes = self.shared(service_routes, service, port.number, service_hash(rule, port.number))
                yield _Wrapper(port.number, routes, (service,))

    def virtual_hosts(self, wrappers: list[_Wrapper]) -> list[tuple[int, VirtualHost]]:
        """Turn wrappers into virtual hosts; a name or domain that came before is not repeated."""
        known = {
            name
            for wrapper in wrappers
            for service in wrapper.services
            for name in (service.host, host_port(service.host, wrapper.port))
        }
        names: set[str] = set()
        taken: set[str] = set()
        result: list[tuple[int, VirtualHost]] = []
        for wrapper in wrappers:
            candidates: list[tuple[str, Service | None]] = [(host.lower(), None) for host in wrapper.hosts]
            candidates += [(service.host, service) for service in wrapper.services]
            for host, service in candidates:
                name = host_port(host, wrapper.port)
                if name in names:
                    continue
                names.add(name)
                domains = self._domains(host, service, wrapper.port, taken=taken, known=known)
                if domains:
                    session = self._session(service)
                    result.append((wrapper.port, self._virtual_host(name, domains, wrapper.routes, session)))
        return result

    def _virtual_host(self, name: str, domains: list[str], routes: RouteList, session: str) -> VirtualHost:
        arguments = (name, tuple(domains), routes, session)
        return self.shared(virtual_host, *arguments, self.traits.attempt_count)

    def _domains(self, host: str, service: Service | None, port: int, *, taken: set[str], known: set[str]) -> list[str]:
        if service is None:
            domains, spellings = [bracketed(host)], frozenset[str]()
        else:
            domains, spellings = service_domains(
                service,
                port=None if self.port else port,
                dns_domain=self.traits.dns_domain,
                addresses=proxy_addresses(service, self.traits.addresses, single_auto=self.port != 0),
                absolute=self.absolute,
            )
        return without_duplicates(domains, taken=taken, spellings=spellings, known=known)

    def _routes(self, virtual_service: VirtualService) -> RouteList:
        chosen = selection(
            virtual_service, port=self.port, gateway="mesh", labels=self.labels, namespace=self.traits.namespace
        )
        resolver = Resolver(
            port=self.port,
            service=self.services.get,
            single_port=self._single_port,
            rule=self._hashing_rule,
            session=self._session,
        )
        targets = tuple(resolver.rule_targets(http) for http in virtual_service.spec.get("http") or ())
        context = RouteContext(port=self.port, forwarded_host=self.traits.forwarded_host)
        return self.shared(virtual_service_routes, virtual_service, chosen, targets, context)

    def _hashing_rule(self, host: str) -> DestinationRule | None:
        rule = self.scope.destination_rule(host, self.labels)
        return rule if rule is not None and self.shared(uses_hash, rule) else None

    def _session(self, service: Service | None) -> str:
        return session_of(service, self.snapshot.flags) if self.sessions else ""

    def _touches(self, virtual_service: VirtualService) -> bool:
        for host in (host.lower() for host in virtual_service.hosts):
            if host in self.services:
                return True
            if any(host_matches(host, known) for known in (self.services if host[:1] == "*" else self.wildcards)):
                return True
        return False

    def _single_port(self, service: Service) -> int | None:
        """A listener of one port sees only that port of a service."""
        if self.port:
            return self.port
        return service.ports[0].number if len(service.ports) == 1 else None

    def _http_ports(self, service: Service) -> list[Port]:
        only = service.port(self.port) if self.port else None
        ports = [only] if only else [] if self.port else service.ports
        return [port for port in ports if port.protocol.is_http or port.protocol.is_auto]

    def _split_hosts(self, virtual_service: VirtualService, owners: "_Owners") -> tuple[list[str], list[Service]]:
        """Tell the services that a VirtualService routes from hosts that no registry knows."""
        hosts: list[str] = []
        services: list[Service] = []
        wildcards = []
        for host in virtual_service.hosts:
            if host.startswith("*"):
                wildcards.append(host.lower())
            elif host.lower() in self.services:
                services.append(self.services[host.lower()])
            else:
                hosts.append(host)
        for wildcard in wildcards:
            if has_gateway_semantics(virtual_service):
                hosts.append(wildcard)
                continue
            matching = [service for key, service in self.services.items() if host_matches(key, wildcard)]
            services += [service for service in matching if owners.owner(service.host) is virtual_service.resource]
            if not matching:
                hosts.append(wildcard)
        return hosts, services


class _Owners:
    """Which VirtualService is the most specific for a host (istiod: mostSpecificWildcardVsIndex)."""

    def __init__(self, egress: EgressListener) -> None:
        self._exact: dict[str, VirtualService] = {}
        self._wildcard: dict[str, VirtualService] = {}
        for virtual_service in egress.virtual_services:
            for host in virtual_service.hosts:
                index = self._wildcard if host.startswith("*") else self._exact
                index.setdefault(host, virtual_service)

    def owner(self, host: str) -> object:
        """Return the resource of the most specific VirtualService for a service host."""
        own = (self._wildcard if host.startswith("*") else self._exact).get(host)
        if own is not None:
            return own.resource
        needle = host.removeprefix("*")
        best = min((name for name in self._wildcard if needle.endswith(name[1:])), key=more_specific, default=None)
        return None if best is None else self._wildcard[best].resource


def virtual_host(
    snapshot: Snapshot, name: str, domains: tuple[str, ...], routes: RouteList, session: str, attempt_count: bool
) -> VirtualHost:
    """Assemble one virtual host."""
    result: VirtualHost = {"name": name, "domains": list(domains)}
    if routes.routes:
        result["routes"] = routes.routes
    if attempt_count:
        result["include_request_attempt_count"] = True
    if session:
        result["typed_per_filter_config"] = session_override(session)
    return result


def _services_by_host(egress: EgressListener, port: int) -> dict[str, Service]:
    """Index the services of a port by host; the last of one host counts."""
    if port == 0:
        return {service.host: service for service in egress.services}
    return {service.host.lower(): service for service in egress.services if service.port(port) is not None}


def _is_http_proxy(egress: EgressListener) -> bool:
    port = (egress.listener or {}).get("port") or {}
    return bool(port) and parse_protocol(port.get("protocol") or "").value == "HTTP_PROXY"


def _merge_ports(hosts: list[tuple[int, VirtualHost]]) -> list[VirtualHost]:
    """Let only port 80 answer for domains without a port."""
    merged: list[VirtualHost] = []
    for port, host in hosts:
        domains = [domain for domain in host["domains"] if port == HTTP_PORT or ":" in domain]
        if domains:
            merged.append(host if len(domains) == len(host["domains"]) else {**host, "domains": domains})
    return merged

"""Which outbound listeners a sidecar has, and how services that want one address share it.

istiod: pilot/pkg/networking/core/listener.go (buildSidecarOutboundListeners, buildSidecarOutboundListener).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from simulator.model.addresses import is_address
from simulator.model.ports import Port, Protocol, parse_protocol
from simulator.model.services import UNSPECIFIED, Registry, Resolution, Service
from simulator.model.wire import Json
from simulator.registry.scopes import VirtualService
from simulator.registry.snapshot import Snapshot
from simulator.xds.filter_chain_options import PLAIN, listener_protocol, plain_http
from simulator.xds.inbound_ports import can_bind
from simulator.xds.listen_addresses import extra_addresses, service_address
from simulator.xds.listener_context import WorkloadPolicies, listener_context
from simulator.xds.listener_settings import ListenerClass, ListenerSettings
from simulator.xds.outbound_chains import HttpChain, ListenPort, OutboundChain, tcp_chains
from simulator.xds.outbound_destinations import Destinations, is_dynamic_wildcard
from simulator.xds.outbound_scope import OutboundEgress, OutboundScope

_EXCLUSIVE = (Protocol.MONGO, Protocol.MYSQL)


@dataclass(slots=True, kw_only=True, eq=False)
class Entry:
    """A listener under construction."""

    port: Port
    binds: tuple[str, ...]
    bind_to_port: bool
    protocol: Protocol
    """What the listener speaks so far; AUTO once it tells protocols apart."""
    chains: list[OutboundChain]
    locked: bool = False
    """Listeners of Sidecar entries with a port are complete when an entry without one begins."""

    @property
    def has_http(self) -> bool:
        """Some chain has a connection manager."""
        return any(chain.http is not None for chain in self.chains)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutboundPlan:
    """The outbound listeners of a class of proxies, before connection managers are built."""

    entries: tuple[Entry, ...]
    with_http: tuple[int, ...]
    """Positions of those that hold connection managers."""


def outbound_plan(
    snapshot: Snapshot, scope: OutboundScope, settings: ListenerSettings, policies: WorkloadPolicies
) -> OutboundPlan:
    """Plan the outbound listeners of proxies of equal scopes."""
    context = listener_context(snapshot, settings, policies, cls=ListenerClass.OUTBOUND)
    guarded = None
    if scope.content.dynamic:
        inbound = listener_context(snapshot, settings, policies, cls=ListenerClass.INBOUND)
        guarded = replace(context, authorization=inbound.authorization)
    planner = _Planner(
        snapshot=snapshot,
        settings=settings,
        destinations=Destinations(
            context=context, service_of=scope.services.get, rule=scope.rules.get, guarded=guarded
        ),
    )
    for egress in scope.content.egress:
        planner.add(egress)
    entries = tuple(planner.entries.values())
    return OutboundPlan(entries=entries, with_http=tuple(i for i, entry in enumerate(entries) if entry.has_http))


@dataclass(slots=True, kw_only=True)
class _Planner:
    snapshot: Snapshot
    settings: ListenerSettings
    destinations: Destinations
    entries: dict[tuple[str, int], Entry] = field(default_factory=dict)
    bind_to_port: bool = False
    virtual_services: Sequence[VirtualService] = ()

    def add(self, egress: OutboundEgress) -> None:
        """Add the listeners of one egress entry; one with a port stands for that port of all its services."""
        listener: Json = egress.listener.value
        bind = listener.get("bind") or ""
        self.bind_to_port = (
            self.settings.interception == "NONE" or listener.get("captureMode") == "NONE" or bind.startswith("unix://")
        )
        self.virtual_services = egress.virtual_services
        binds = (bind,) if bind else self.settings.localhosts if self.bind_to_port else ()
        if (port := listener.get("port")) is not None:
            number, protocol = int(port.get("number") or 0), parse_protocol(port.get("protocol") or "")
            listen = Port(name=port.get("name") or "", number=number, protocol=protocol)
            if self._may_bind(binds, listen):
                for service in egress.services:
                    self._add_port(ListenPort(service=service, port=listen, binds=binds))
            return
        for entry in self.entries.values():
            entry.locked = True
        for service in egress.services:
            for own in service.ports:
                if self._may_bind(binds, own):
                    for chosen in self._places(service, own, binds):
                        self._add_port(ListenPort(service=service, port=own, binds=chosen))

    def _may_bind(self, binds: tuple[str, ...], port: Port) -> bool:
        return can_bind(
            self.snapshot,
            self.settings,
            bind=binds[0] if binds else "",
            port=port.number,
            protocol=port.protocol,
            bind_to_port=self.bind_to_port,
        )

    def _places(self, service: Service, port: Port, binds: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Return where to listen for a service port: for headless services on the address of each endpoint."""
        opaque = port.protocol.is_tcp or port.protocol.is_auto
        headless = service.resolution is Resolution.PASSTHROUGH and opaque
        if binds or not headless or service_address(service, self.settings) != UNSPECIFIED:
            yield binds
            return
        endpoints = self.snapshot.endpoints(service, port.number)
        if service.registry is not Registry.KUBERNETES and not endpoints and not service.selector:
            yield binds
            return
        for endpoint in endpoints:
            addresses = endpoint.addresses or (endpoint.address,)
            if all(is_address(address) for address in addresses) and addresses[0] != self.settings.unicast_address:
                yield addresses

    def _add_port(self, listen: ListenPort) -> None:
        """Add the chains of one service port to the listener of its address, unless the existing ones exclude them."""
        kind = listener_protocol(listen.port.protocol)
        if listen.service.resolution is Resolution.ALIAS or not kind:
            return
        listen = self._placed(listen, kind)
        key = (listen.bind, listen.port.number)
        current = self.entries.get(key)
        if current is not None and (current.locked or not self._joins(current, listen.port.protocol, kind)):
            return
        protocol = listen.port.protocol
        gated = kind == "AUTO" or (kind == "HTTP" and listen.bind == self.settings.wildcards[0])
        if protocol is Protocol.HTTP_PROXY:
            gated = False
        chains = self._chains(listen, kind, gated=gated)
        if current is None or protocol is Protocol.HTTP_PROXY or (kind == "AUTO" and current.protocol.is_http):
            self.entries[key] = Entry(
                port=listen.port,
                binds=listen.binds,
                bind_to_port=self.bind_to_port,
                protocol=Protocol.AUTO if gated else protocol,
                chains=chains,
            )
            return
        _merge(current, chains)
        if not (kind == "TCP" and not current.protocol.is_http):
            current.protocol = Protocol.AUTO

    def _placed(self, listen: ListenPort, kind: str) -> ListenPort:
        """Choose the addresses of a listener that has none: the service's own, or any for HTTP and for CIDRs."""
        settings = self.settings
        if listen.bind:
            return listen
        if kind == "HTTP":
            return replace(listen, binds=settings.wildcards)
        service = listen.service
        first, extra = service_address(service, settings), extra_addresses(self.snapshot, service, settings)
        if service.registry is Registry.EXTERNAL and first == UNSPECIFIED:
            if not settings.ipv4 and settings.ipv6:
                first = "::"
            elif settings.both_families:
                extra = (*extra, "::")
        if "/" in first:
            return replace(listen, binds=settings.wildcards, cidrs=(first, *extra))
        return replace(listen, binds=(first, *extra))

    def _joins(self, current: Entry, protocol: Protocol, kind: str) -> bool:
        """Tell whether a port of this protocol adds anything to a listener that exists.

        HTTP adds nothing where HTTP is told apart already: its routes come by RDS. Neither does a second sniffed port.
        """
        if protocol is Protocol.HTTP_PROXY:
            return True
        if (
            kind in ("HTTP", "AUTO")
            and not current.protocol.is_tcp
            and not (kind == "AUTO" and current.protocol.is_http)
        ):
            return False
        exclusive = protocol in _EXCLUSIVE or current.protocol in _EXCLUSIVE
        return not exclusive or protocol is current.protocol

    def _chains(self, listen: ListenPort, kind: str, *, gated: bool) -> list[OutboundChain]:
        chains: list[OutboundChain] = []
        if kind in ("TCP", "AUTO"):
            chains += tcp_chains(self.destinations, listen, self.virtual_services)
        if kind in ("HTTP", "AUTO"):
            alpn = plain_http(http10=self.snapshot.flag("PILOT_HTTP10", default=False))
            http = self._http(listen, kind)
            chains.append(OutboundChain(http=http, alpn=alpn if gated else (), transport=PLAIN if gated else ""))
        return chains

    def _http(self, listen: ListenPort, kind: str) -> HttpChain:
        number, service = listen.port.number, listen.service
        if number == 0:
            rds = listen.bind
        elif kind == "AUTO" and listen.bind != self.settings.wildcards[0]:
            rds = f"{service.host}:{number}"
        else:
            rds = str(number)
        host = service.host if is_dynamic_wildcard(service) else ""
        return HttpChain(rds=rds, protocol=listen.port.protocol, dynamic_host=host)


def _merge(entry: Entry, chains: Sequence[OutboundChain]) -> None:
    """Append chains whose match differs from those that are there; the older service keeps an equal one."""
    for chain in chains:
        if not any(existing.same_match(chain) for existing in entry.chains):
            entry.chains.append(chain)

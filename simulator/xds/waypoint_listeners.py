"""Listeners of a waypoint: tunnels end in one, what was in them is sorted by service in another, and leaves by a third.

istiod: pilot/pkg/networking/core/listener_waypoint.go (buildWaypointInbound). East-west gateways of ambient mode are
not followed.
"""

from dataclasses import dataclass, field

from simulator.model.ports import Port, Protocol
from simulator.model.services import Resolution, Service
from simulator.model.wire import FilterChain, Json, Listener
from simulator.registry.scopes import SidecarScope
from simulator.registry.snapshot import Snapshot
from simulator.xds.authorization import tunnel_filters
from simulator.xds.filter_chain_options import plain_http
from simulator.xds.hbone_listeners import (
    MAIN_INTERNAL,
    connect_originate,
    connect_terminate,
    destination_address,
    double_originate,
    kept_original_address,
)
from simulator.xds.listen_addresses import all_addresses, service_address
from simulator.xds.listener_context import ListenerContext, WorkloadPolicies, listener_context
from simulator.xds.listener_settings import ListenerClass, ListenerSettings, TraceIdentity
from simulator.xds.waypoint_chains import ChainPort, http_chain, tcp_chain
from simulator.xds.waypoint_matcher import (
    Sorting,
    by_protocol,
    listener_filters,
    port_protocols,
    to_chain,
)
from simulator.xds.waypoint_routes import WaypointRoutes

DIRECT_TCP, DIRECT_HTTP = "direct-tcp", "direct-http"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaypointWorkload:
    """What is attached to one waypoint, and the rules for it."""

    services: tuple[Service, ...] = ()
    """Services in istiod's order."""
    addresses: tuple[str, ...] = ()
    """Addresses of the workloads whose own traffic it takes."""
    policies: WorkloadPolicies = field(default_factory=WorkloadPolicies)
    service_policies: tuple[WorkloadPolicies, ...] = ()
    """The rules for each service."""
    termination: WorkloadPolicies = field(default_factory=WorkloadPolicies)
    """Rules that guard the waypoint itself, as they would any other workload."""
    network: str = ""
    tells_identity: bool = False
    """Servers are told who the client is, in x-forwarded-client-cert."""


def waypoint_listeners(
    snapshot: Snapshot,
    scope: SidecarScope,
    settings: ListenerSettings,
    identity: TraceIdentity,
    workload: WaypointWorkload,
) -> tuple[Listener, ...]:
    """Build the listeners of a waypoint."""
    cls = ListenerClass.INBOUND
    context = listener_context(snapshot, settings, workload.policies, cls=cls, identity=identity)
    plain = WorkloadPolicies(telemetries=workload.policies.telemetries)
    listeners = [
        connect_terminate(context, _termination_filters(snapshot, workload)),
        _main(context, scope, identity, workload),
        connect_originate(snapshot, settings, plain, cls),
    ]
    if snapshot.flag("AMBIENT_ENABLE_MULTI_NETWORK_WAYPOINT", default=True):
        listeners += double_originate(snapshot, settings, plain, workload.network)
    return tuple(listeners)


def _termination_filters(snapshot: Snapshot, workload: WaypointWorkload) -> tuple[Json, ...]:
    if not snapshot.flag("ENABLE_LAYERED_WAYPOINT_AUTHORIZATION_POLICIES", default=False):
        return ()
    return tunnel_filters(snapshot, workload.termination.authorization)


def _main(
    context: ListenerContext, scope: SidecarScope, identity: TraceIdentity, workload: WaypointWorkload
) -> Listener:
    snapshot, settings = context.snapshot, context.settings
    hosts = frozenset(service.host for service in workload.services)
    routes = WaypointRoutes(snapshot=snapshot, scope=scope, settings=settings, served=hosts)
    served = {service: _served_ports(snapshot, service) for service in workload.services}
    chains: list[FilterChain] = []
    sorting = Sorting()
    for service, policies in zip(workload.services, workload.service_policies, strict=True):
        own = listener_context(snapshot, settings, policies, cls=ListenerClass.INBOUND, identity=identity)
        places = [
            ChainPort(service=service, port=port, tells_identity=workload.tells_identity) for port in served[service]
        ]
        for place in places:
            chains += _service_chains(own, routes, place)
        sorting.take(
            service.host,
            {place.port.number: _choice(snapshot, place) for place in places},
            addresses=sorted({*all_addresses(snapshot, service, settings)}),
        )
    chains += _direct_chains(context, routes, workload)
    if workload.addresses:
        sorting.ranges.append((workload.addresses, _sniffed(snapshot, DIRECT_HTTP, DIRECT_TCP)))
    listener: Listener = {
        "name": MAIN_INTERNAL,
        "internal_listener": {},
        "traffic_direction": "INBOUND",
        "listener_filters": listener_filters(
            workload.services, port_protocols(workload.services, served), workloads=bool(workload.addresses)
        ),
        "filter_chains": chains,
        "filter_chain_matcher": sorting.matcher(by_host=_spans(snapshot)),
    }
    if context.logs.listener:
        listener["access_log"] = list(context.logs.listener)
    return listener


def _served_ports(snapshot: Snapshot, service: Service) -> list[Port]:
    """Return the ports that have chains: no UDP, and TLS under a wildcard host only where that is switched on."""
    wildcard = service.host.startswith("*") and service.resolution is Resolution.DYNAMIC_DNS
    by_sni = snapshot.flag("ENABLE_WILDCARD_HOST_SERVICE_ENTRIES_FOR_TLS", default=False)
    return [
        port
        for port in service.ports
        if port.protocol is not Protocol.UDP and (by_sni or not (wildcard and port.protocol.is_tls))
    ]


def _service_chains(context: ListenerContext, routes: WaypointRoutes, place: ChainPort) -> list[FilterChain]:
    protocol = place.port.protocol
    chains = [] if protocol.is_http else [tcp_chain(context, routes, place, name=place.name("tcp"))]
    if protocol.is_http or protocol.is_auto:
        chains.append(http_chain(context, routes, place, name=place.name("http")))
    if place.service is None or not _spans(context.snapshot):
        return chains
    if not all_addresses(context.snapshot, place.service, context.settings):
        return chains
    address = f"{service_address(place.service, context.settings)}:{place.port.number}"
    return [{**chain, "filters": [destination_address(address), *chain["filters"]]} for chain in chains]


def _spans(snapshot: Snapshot) -> bool:
    """Tell whether the mesh has several networks, so that addresses alone do not tell services."""
    return snapshot.flag("AMBIENT_ENABLE_MULTI_NETWORK", default=False)


def _choice(snapshot: Snapshot, place: ChainPort) -> Json:
    if place.port.protocol.is_auto:
        return _sniffed(snapshot, place.name("http"), place.name("tcp"))
    return to_chain(place.name("http" if place.port.protocol.is_http else "tcp"))


def _sniffed(snapshot: Snapshot, http: str, tcp: str) -> Json:
    return by_protocol(http, tcp, alpn=plain_http(http10=snapshot.flag("PILOT_HTTP10", default=False)))


def _direct_chains(context: ListenerContext, routes: WaypointRoutes, workload: WaypointWorkload) -> list[FilterChain]:
    """Return the chains for connections to workloads themselves, which keep the address they were made to."""
    place = ChainPort(
        service=None,
        port=Port(name="unknown", number=0, protocol=Protocol.TCP),
        tells_identity=workload.tells_identity,
    )
    found = [
        tcp_chain(context, routes, place, name=DIRECT_TCP),
        http_chain(context, routes, place, name=DIRECT_HTTP),
    ]
    return [{**chain, "filters": [kept_original_address(), *chain["filters"]]} for chain in found]

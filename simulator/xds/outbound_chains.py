"""Filter chains of outbound listeners before they are merged: what they match and where they lead.

istiod: pilot/pkg/networking/core/listener.go (filterChainOpts), core/tls.go.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from simulator.model.labels import selects
from simulator.model.names import host_matches
from simulator.model.ports import Port, Protocol
from simulator.model.resources import Resource
from simulator.model.services import UNSPECIFIED, Registry, Service
from simulator.model.wire import Json
from simulator.registry.scopes import VirtualService
from simulator.xds.envoy_messages import cidr_range, config_metadata, message
from simulator.xds.listen_addresses import service_address
from simulator.xds.listener_context import ListenerContext
from simulator.xds.listener_settings import ListenerSettings
from simulator.xds.outbound_destinations import Destinations, is_dynamic_wildcard
from simulator.xds.virtual_host_domains import alternate_names

MESH = "mesh"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpChain:
    """The HTTP part of a filter chain; its connection manager is built per proxy."""

    rds: str
    protocol: Protocol
    dynamic_host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundChain:
    """One filter chain: what it matches, and its filters or HTTP options."""

    sni: tuple[str, ...] = ()
    cidrs: tuple[str, ...] = ()
    alpn: tuple[str, ...] = ()
    transport: str = ""
    metadata: Json | None = None
    filters: tuple[Json, ...] = ()
    http: HttpChain | None = None

    @property
    def is_match_all(self) -> bool:
        """It takes every connection."""
        return (not self.sni or "*" in self.sni) and not (self.alpn or self.transport or self.cidrs)

    def same_match(self, other: "OutboundChain") -> bool:
        """Tell whether Envoy could not tell the matches of two chains apart."""
        return (
            self.transport == other.transport
            and self.alpn == other.alpn
            and set(self.sni) - {"*"} == set(other.sni) - {"*"}
            and _networks(self.cidrs) == _networks(other.cidrs)
        )

    def match(self) -> Json | None:
        """Return the FilterChainMatch; None for a chain that takes everything."""
        if self.is_match_all:
            return None
        ranges = [found for text in sorted(self.cidrs) if (found := cidr_range(text)) is not None]
        return message(
            application_protocols=list(self.alpn),
            transport_protocol=self.transport,
            server_names=[] if "*" in self.sni else sorted(self.sni),
            prefix_ranges=[found for found in ranges if found["address_prefix"] != UNSPECIFIED],
        )


def _networks(cidrs: Iterable[str]) -> set[str]:
    found = [ipaddress.ip_interface(cidr) for cidr in cidrs if cidr_range(cidr) is not None]
    return {str(item.network) for item in found if str(item.ip) != UNSPECIFIED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenPort:
    """What one outbound listener is asked to do for one service."""

    service: Service
    port: Port
    binds: tuple[str, ...] = ()
    cidrs: tuple[str, ...] = ()

    @property
    def bind(self) -> str:
        """The first address; empty while none is chosen."""
        return self.binds[0] if self.binds else ""


def route_metadata(resource: Resource) -> Json:
    """Return the metadata that names the VirtualService a chain was made from."""
    return config_metadata(
        api_version="networking.istio.io/v1",
        kind=resource.kind,
        namespace=resource.namespace,
        name=resource.name,
    )


def tcp_chains(
    destinations: Destinations, listen: ListenPort, virtual_services: Sequence[VirtualService]
) -> list[OutboundChain]:
    """Return the TCP or TLS chains of a service port, by the routes of VirtualServices for its host."""
    own = [vs for vs in virtual_services if any(host_matches(host, listen.service.host) for host in vs.hosts)]
    if listen.port.protocol.is_tls:
        return _tls_chains(destinations, listen, own)
    return _plain_chains(destinations, listen, own)


def _matches(match: Json, settings: ListenerSettings, port: int) -> bool:
    gateways = match.get("gateways") or ()
    namespace = match.get("sourceNamespace") or ""
    return (
        (not gateways or MESH in gateways)
        and (match.get("port") or 0) in (0, port)
        and namespace in ("", settings.namespace)
        and selects(match.get("sourceLabels") or {}, settings.label_map)
    )


def _tls_chains(
    destinations: Destinations, listen: ListenPort, virtual_services: Sequence[VirtualService]
) -> list[OutboundChain]:
    settings, cidrs = destinations.context.settings, listen.cidrs
    handled: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()
    chains = []
    for virtual_service in virtual_services:
        for route in virtual_service.spec.get("tls") or ():
            for match in route.get("match") or ():
                if not _matches(match, settings, listen.port.number):
                    continue
                subnets, sni = tuple(match.get("destinationSubnets") or ()), tuple(match.get("sniHosts") or ())
                if subnets and listen.port.number > 0:
                    cidrs = subnets
                if (sni, subnets) not in handled:
                    filters = destinations.routes(route.get("route") or [{}], listen.port, virtual_service.resource)
                    metadata = route_metadata(virtual_service.resource)
                    chains.append(OutboundChain(sni=sni, cidrs=cidrs, metadata=metadata, filters=tuple(filters)))
                handled.add((sni, subnets))
    return chains or [_default_tls_chain(destinations, replace(listen, cidrs=cidrs))]


def _default_tls_chain(destinations: Destinations, listen: ListenPort) -> OutboundChain:
    """Return the chain to the service; the server name matters where the address alone does not tell services apart."""
    service, settings = listen.service, destinations.context.settings
    wildcard = settings.wildcards[0]
    address = service_address(service, settings)
    if "/" in address:
        address = ""
    if service.registry is Registry.EXTERNAL and not settings.ipv4 and address == UNSPECIFIED:
        address = "::"
    sni: tuple[str, ...] = ()
    if listen.cidrs or not address or address == wildcard == listen.bind or is_dynamic_wildcard(service):
        sni = (service.host, *(name for alias in service.aliases for name in _spellings(destinations.context, alias)))
    filters = destinations.service(service, listen.port, _service_port(listen))
    return OutboundChain(sni=sni, cidrs=listen.cidrs, filters=tuple(filters))


def _spellings(context: ListenerContext, alias: str) -> list[str]:
    """Return the names by which clients in the proxy's namespace may ask for an alias."""
    domain = f"{context.settings.namespace}.svc.{context.settings.domain}"
    absolute = context.snapshot.flag("PILOT_ENABLE_ABSOLUTE_FQDN_VHOST_DOMAIN", default=True)
    return [alias, *alternate_names(alias, domain, absolute=absolute)]


def _service_port(listen: ListenPort) -> int:
    """Return the port of the cluster: the service's only one, else that of the listener."""
    ports = listen.service.ports
    return ports[0].number if len(ports) == 1 else listen.port.number


def _plain_chains(
    destinations: Destinations, listen: ListenPort, virtual_services: Sequence[VirtualService]
) -> list[OutboundChain]:
    """Return the chains of plain TCP; a route that takes every address ends the list."""
    chains: list[OutboundChain] = []
    covered = False
    for virtual_service in virtual_services:
        for route in virtual_service.spec.get("tcp") or ():
            subnets = _subnets(route, destinations.context.settings, listen.port.number)
            if subnets is None:
                continue
            filters = tuple(destinations.routes(route.get("route") or [{}], listen.port, virtual_service.resource))
            if not subnets:
                metadata = route_metadata(virtual_service.resource)
                chains.append(OutboundChain(cidrs=listen.cidrs, metadata=metadata, filters=filters))
                return chains
            chains.append(OutboundChain(cidrs=subnets, filters=filters))
            covered |= sorted(subnets) == sorted(listen.cidrs)
    if not covered:
        filters = tuple(destinations.service(listen.service, listen.port, _service_port(listen)))
        chains.append(OutboundChain(cidrs=listen.cidrs, filters=filters))
    return chains


def _subnets(route: Json, settings: ListenerSettings, port: int) -> tuple[str, ...] | None:
    """Return the destination subnets of a TCP route; none for every address, None when it does not apply."""
    matches = route.get("match") or ()
    if not matches:
        return ()
    subnets: list[str] = []
    for match in matches:
        if _matches(match, settings, port):
            own = match.get("destinationSubnets") or ()
            if not own or port == 0:
                return ()
            subnets += own
    return tuple(subnets) or None

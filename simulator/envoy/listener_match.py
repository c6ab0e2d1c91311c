"""Which listener takes a connection.

A redirected connection arrives at the listener that stands for all of its direction. Outbound, that listener hands the
connection to the one bound to the original destination (`use_original_dst`): first address and port, then the port on
any address, else it keeps it. Inbound it keeps everything. Without redirection the bound listener takes it.
Envoy: source/common/listener_manager/active_tcp_listener.cc, connection_handler_impl.cc (getBalancedHandlerByAddress).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.envoy.addresses import join, parse_ip, socket_address
from simulator.envoy.config import Config
from simulator.envoy.documents import child, children, flag, text
from simulator.model.proxies import Direction
from simulator.model.requests import Request
from simulator.model.traces import Rejected
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerMatch:
    """The chosen listener; None when nothing listens there."""

    listener: Json | None
    because: str
    rejected: tuple[Rejected, ...] = ()


def match_listener(
    config: Config, request: Request, direction: Direction, *, captured: bool | None = None
) -> ListenerMatch:
    """Choose the listener for a connection. `captured`: it was redirected; None finds out by the listeners."""
    if captured is not False:
        entry = _entry(config, direction)
        if entry is not None:
            return (
                _hand_off(config, entry, request)
                if direction is Direction.OUTBOUND
                else ListenerMatch(listener=entry, because="takes every inbound connection")
            )
    return _bound(config, request)


def _entry(config: Config, direction: Direction) -> Json | None:
    for listener in config.listeners:
        if direction is Direction.OUTBOUND and flag(listener, "use_original_dst"):
            return listener
        if (
            direction is Direction.INBOUND
            and text(listener, "traffic_direction") == "INBOUND"
            and flag(listener, "bind_to_port", default=True)
            and restores_destination(listener)
            and "internal_listener" not in listener
        ):
            return listener
    return None


def restores_destination(listener: Json) -> bool:
    """Tell whether a listener filter restores the original destination of redirected connections."""
    return any("original_dst" in text(item, "name") for item in children(listener, "listener_filters"))


def addresses(listener: Json) -> Iterator[tuple[str, int]]:
    """Yield the addresses a TCP listener stands for."""
    every = [
        child(listener, "address"),
        *(child(more, "address") for more in children(listener, "additional_addresses")),
    ]
    for address in every:
        if child(address, "socket_address").get("protocol") == "UDP":
            continue
        pair = socket_address(address)
        if pair is not None:
            yield pair


def _hand_off(config: Config, entry: Json, request: Request) -> ListenerMatch:
    exact, wildcard = _candidates(config, request)
    where = join(request.destination_ip or request.host, request.port)
    rejected: tuple[Rejected, ...] = ()
    if exact is not None and exact is not entry:
        if wildcard is not None:
            rejected = (Rejected(name=text(wildcard, "name"), because="a listener for the address comes first"),)
        return ListenerMatch(listener=exact, because=f"the listener for {where}", rejected=rejected)
    rejected = _same_port(config, request)
    if wildcard is not None and wildcard is not entry:
        because = f"the listener for port {request.port} on any address (none for {where})"
        return ListenerMatch(listener=wildcard, because=because, rejected=rejected)
    because = f"takes what no other listener does: there is none for {where} or port {request.port}"
    return ListenerMatch(listener=entry, because=because, rejected=rejected)


def _bound(config: Config, request: Request) -> ListenerMatch:
    exact, wildcard = _candidates(config, request, only_bound=True)
    found = exact or wildcard
    where = join(request.destination_ip or request.host, request.port)
    if found is None:
        return ListenerMatch(
            listener=None, because=f"no listener is bound to {where}", rejected=_same_port(config, request)
        )
    return ListenerMatch(listener=found, because=f"is bound to {where if exact else f'port {request.port}'}")


def _candidates(config: Config, request: Request, *, only_bound: bool = False) -> tuple[Json | None, Json | None]:
    ip = parse_ip(request.destination_ip)
    exact: Json | None = None
    wildcard: Json | None = None
    for listener in config.listeners:
        if only_bound and not flag(listener, "bind_to_port", default=True):
            continue
        for host, port in addresses(listener):
            if port != request.port:
                continue
            own = parse_ip(host)
            if own is None:
                continue
            if own == ip:
                exact = exact or listener
            elif int(own) == 0 and (ip is None or own.version == ip.version or _serves_ipv4(listener)):
                wildcard = wildcard or listener
    return exact, wildcard


def _serves_ipv4(listener: Json) -> bool:
    return flag(child(child(listener, "address"), "socket_address"), "ipv4_compat")


def _same_port(config: Config, request: Request) -> tuple[Rejected, ...]:
    return tuple(
        Rejected(name=text(listener, "name"), because=f"it is for {join(host, port)}")
        for listener in config.listeners
        for host, port in addresses(listener)
        if port == request.port and parse_ip(host) not in (None, parse_ip(request.destination_ip)) and host not in _ANY
    )


_ANY = frozenset({"0.0.0.0", "::"})

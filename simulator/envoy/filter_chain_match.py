"""Which filter chain of a listener takes a connection.

The criteria are looked at in a fixed order; each keeps only the chains with the most specific value that fits, and
chains without a value only if no value fits. There is no way back: when a later criterion leaves nothing, the default
filter chain takes the connection, or nobody does.
Envoy: source/common/listener_manager/filter_chain_manager_impl.cc.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from simulator.envoy.addresses import longest_prefix, parse_ip
from simulator.envoy.connections import Connection
from simulator.envoy.documents import child, children, integer, text, texts
from simulator.envoy.matcher_tree import action_text, evaluate
from simulator.model.traces import Rejected
from simulator.model.wire import Json

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterChainMatch:
    """The chosen chain, or None. `index` counts `filter_chains` from 0; None for the default chain.

    What was `rejected` is in the order of the listener; where nothing was chosen, what came nearest is first.
    """

    chain: Json | None
    index: int | None
    because: str
    rejected: tuple[Rejected, ...] = ()

    @property
    def is_default(self) -> bool:
        """Tell whether the default filter chain was taken."""
        return self.chain is not None and self.index is None


@dataclass(slots=True)
class _Search:
    connection: Connection
    alive: list[tuple[int, Json]]
    rejected: list[tuple[int, Rejected]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def keep(self, wanted: Callable[[Json], bool], *, chosen: str, because: str) -> None:
        """Keep the chains that are wanted; remember why the others went."""
        for index, chain in self.alive:
            if not wanted(_criteria(chain)):
                self.rejected.append((index, Rejected(name=name_of(chain, index), because=because)))
        self.alive = [(index, chain) for index, chain in self.alive if wanted(_criteria(chain))]
        if chosen:
            self.reasons.append(chosen)

    def nearest_first(self) -> Iterator[tuple[int, Rejected]]:
        """Yield what was rejected, the chains that passed the most criteria first."""
        for because in reversed(dict.fromkeys(entry.because for _, entry in self.rejected)):
            yield from (pair for pair in self.rejected if pair[1].because == because)


def match_filter_chain(listener: Json, connection: Connection) -> FilterChainMatch:
    """Choose the filter chain for a connection that the listener filters have inspected."""
    if "filter_chain_matcher" in listener:
        return _by_matcher(listener, connection)
    search = _Search(connection, list(enumerate(children(listener, "filter_chains"))))
    for stage in _STAGES:
        stage(search)
        if not search.alive:
            break
    if search.alive:
        rejected = tuple(entry for _, entry in sorted(search.rejected, key=lambda pair: pair[0]))
        index, chain = search.alive[0]
        because = ", ".join(search.reasons) or "it takes every connection"
        return FilterChainMatch(chain=chain, index=index, because=because, rejected=rejected)
    return _default(listener, tuple(entry for _, entry in search.nearest_first()))


def _default(listener: Json, rejected: tuple[Rejected, ...]) -> FilterChainMatch:
    chain = child(listener, "default_filter_chain") or None
    because = "no other filter chain fits" if chain else "no filter chain fits, and there is no default"
    return FilterChainMatch(chain=chain, index=None, because=because, rejected=rejected)


def _criteria(chain: Json) -> Json:
    return child(chain, "filter_chain_match")


def name_of(chain: Json, index: int | None) -> str:
    """Name a filter chain for people; many have no name of their own."""
    return text(chain, "name") or ("default" if index is None else f"filter chain {index}")


def _destination_port(search: _Search) -> None:
    port = search.connection.destination_port
    if any(integer(_criteria(chain), "destination_port") == port for _, chain in search.alive) and port:
        because = f"only filter chains for destination port {port} are tried"
        search.keep(
            lambda m: integer(m, "destination_port") == port, chosen=f"destination port {port}", because=because
        )
    else:
        search.keep(lambda m: not integer(m, "destination_port"), chosen="", because=f"destination port is not {port}")


def _prefix(search: _Search, *, ranges: str, address: str, what: str) -> None:
    def length(criteria: Json) -> int | None:
        listed = children(criteria, ranges)
        return longest_prefix(listed, address) if listed else -1

    lengths = [found for _, chain in search.alive if (found := length(_criteria(chain))) is not None]
    best = max(lengths, default=None)
    search.keep(
        lambda m: best is not None and length(m) == best,
        chosen=f"{what} {address} in its ranges" if best is not None and best >= 0 else "",
        because=f"{what} {address} is not in its ranges, or others fit more closely",
    )


def _destination_ip(search: _Search) -> None:
    _prefix(search, ranges="prefix_ranges", address=search.connection.destination_ip, what="destination")


def _server_names(search: _Search) -> None:
    name = search.connection.server_name
    spellings = dict.fromkeys(spelt for _, chain in search.alive for spelt in texts(_criteria(chain), "server_names"))
    listed = {spelt.removeprefix("*") if spelt.startswith("*.") else spelt for spelt in spellings}
    best = next((candidate for candidate in _server_name_candidates(name) if candidate in listed), "")

    def wanted(criteria: Json) -> bool:
        names = texts(criteria, "server_names")
        return (best in names or f"*{best}" in names) if best else not names

    if best:
        because = f"another filter chain names server name {best} more closely"
    else:
        unlisted = f"server name {name} is not listed" if name else "the client sent no server name, or nobody looked"
        because = f"{unlisted}; listed are {_few(tuple(spellings))}"
    search.keep(wanted, chosen=f"server name {name}" if best else "", because=because)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _server_name_candidates(name: str) -> Iterator[str]:
    """Yield a server name, then its suffixes from the longest, each with its leading dot."""
    if not name:
        return
    yield name
    position = name.find(".", 1)
    while 0 <= position < len(name) - 1:
        yield name[position:]
        position = name.find(".", position + 1)


def _exact(search: _Search, *, criterion: str, value: str, what: str) -> None:
    if value and any(text(_criteria(chain), criterion) == value for _, chain in search.alive):
        because = f"only filter chains for {what} {value} are tried"
        search.keep(lambda m: text(m, criterion) == value, chosen=f"{what} {value}", because=because)
    else:
        search.keep(lambda m: not text(m, criterion), chosen="", because=f"{what} is {value or 'unknown'}")


def _transport_protocol(search: _Search) -> None:
    _exact(
        search, criterion="transport_protocol", value=search.connection.transport_protocol, what="transport protocol"
    )


def _application_protocols(search: _Search) -> None:
    offered = search.connection.application_protocols
    listed = {name for _, chain in search.alive for name in texts(_criteria(chain), "application_protocols")}
    best = next((name for name in offered if name in listed), None)
    if best is not None:
        search.keep(
            lambda m: best in texts(m, "application_protocols"),
            chosen=f"application protocol {best}",
            because=f"only filter chains for application protocol {best} are tried",
        )
    else:
        search.keep(
            lambda m: not texts(m, "application_protocols"),
            chosen="",
            because=f"application protocol is {', '.join(offered) or 'unknown'}",
        )


def _direct_source_ip(search: _Search) -> None:
    _prefix(search, ranges="direct_source_prefix_ranges", address=search.connection.source_ip, what="direct source")


def _source_type(search: _Search) -> None:
    source, destination = parse_ip(search.connection.source_ip), parse_ip(search.connection.destination_ip)
    local = source is not None and (source == destination or source.is_loopback)
    value = "SAME_IP_OR_LOOPBACK" if local else "EXTERNAL"
    if any(text(_criteria(chain), "source_type") == value for _, chain in search.alive):
        search.keep(
            lambda m: text(m, "source_type") == value, chosen=f"source type {value}", because=f"source is {value}"
        )
    else:
        search.keep(lambda m: text(m, "source_type") in ("", "ANY"), chosen="", because=f"source is {value}")


def _source_ip(search: _Search) -> None:
    _prefix(search, ranges="source_prefix_ranges", address=search.connection.source_ip, what="source")


def _source_port(search: _Search) -> None:
    port = search.connection.request.source_port
    listed = any(port in _ports(_criteria(chain)) for _, chain in search.alive)
    search.keep(
        lambda m: port in _ports(m) if listed else not _ports(m),
        chosen=f"source port {port}" if listed else "",
        because=f"source port is {port}",
    )


def _ports(criteria: Json) -> Sequence[int]:
    ports = criteria.get("source_ports") or ()
    return [port for port in ports if isinstance(port, int)] if isinstance(ports, list) else ()


_STAGES: tuple[Callable[[_Search], None], ...] = (
    _destination_port,
    _destination_ip,
    _server_names,
    _transport_protocol,
    _application_protocols,
    _direct_source_ip,
    _source_type,
    _source_ip,
    _source_port,
)


def _by_matcher(listener: Json, connection: Connection) -> FilterChainMatch:
    action = evaluate(child(listener, "filter_chain_matcher"), lambda kind, _: read_input(kind, connection))
    chains = children(listener, "filter_chains")
    if action is None:
        rejected = tuple(
            Rejected(name=name_of(chain, index), because="the matcher does not lead to it")
            for index, chain in enumerate(chains)
        )
        return _default(listener, rejected)
    wanted = action_text(action)
    for index, chain in enumerate(chains):
        if text(chain, "name") == wanted:
            because = f"the listener's matcher leads {connection.destination_ip}:{connection.destination_port} to it"
            return FilterChainMatch(chain=chain, index=index, because=because)
    return _default(listener, ())


def read_input(kind: str, connection: Connection) -> str | tuple[str, ...] | None:
    """Return the value of a network input of the unified matcher."""
    match kind:
        case "DestinationPortInput":
            return str(connection.destination_port)
        case "DestinationIPInput":
            return connection.destination_ip
        case "SourceIPInput" | "DirectSourceIPInput":
            return connection.source_ip
        case "SourcePortInput":
            return str(connection.request.source_port)
        case "ServerNameInput":
            return connection.server_name or None
        case "TransportProtocolInput":
            return connection.transport_protocol
        case "ApplicationProtocolInput":
            return ",".join(f"'{name}'" for name in connection.application_protocols) or None
        case "SourceTypeInput":
            source = parse_ip(connection.source_ip)
            local = source is not None and (source.is_loopback or connection.source_ip == connection.destination_ip)
            return "local" if local else None
    return None

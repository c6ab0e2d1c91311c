"""How a waypoint's listener finds the filter chain of a connection: by address, port and protocol.

istiod: pilot/pkg/networking/core/listener_waypoint.go (buildWaypointInternal), core/match/match.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulator.model.ports import Port, Protocol
from simulator.model.services import Service
from simulator.model.wire import Json
from simulator.xds.envoy_messages import any_message, cidr_range
from simulator.xds.listener_filters import HTTP_INSPECTOR, ORIGINAL_DST, TLS_INSPECTOR, disabled_on

_INPUTS = "envoy.extensions.matching.common_inputs.network.v3"
_AUTHORITY = "io.istio.connect_authority"


def to_chain(name: str) -> Json:
    """Choose a filter chain."""
    return {"action": {"name": name, "typed_config": any_message("google.protobuf.StringValue", value=name)}}


def by_port(chains: Mapping[int, Json]) -> Json:
    """Choose by destination port."""
    return {"matcher": _tree("port", "DestinationPortInput", {str(port): chain for port, chain in chains.items()})}


def by_protocol(http: str, tcp: str, *, alpn: Sequence[str]) -> Json:
    """Choose the HTTP chain for connections that the inspector found to be HTTP."""
    tree = _tree("application-protocol", "ApplicationProtocolInput", {f"'{name}'": to_chain(http) for name in alpn})
    return {"matcher": {**tree, "on_no_match": to_chain(tcp)}}


def by_address(ranges: Sequence[tuple[Sequence[str], Json]]) -> Json:
    """Choose by destination address."""
    matchers = [
        {"ranges": [found for text in addresses if (found := cidr_range(text)) is not None], "on_match": chosen}
        for addresses, chosen in ranges
    ]
    fields = {"range_matchers": matchers} if matchers else {}
    custom = {"name": "ip", "typed_config": any_message("xds.type.matcher.v3.IPMatcher", **fields)}
    return {"matcher_tree": {"input": _input("ip", "DestinationIPInput"), "custom_match": custom}}


def by_authority(chosen: Mapping[str, Json], otherwise: Json) -> Json:
    """Choose by the host and port that a tunnel was asked for, else as `otherwise` does."""
    state = {
        "name": "authority-filter-state",
        "typed_config": any_message(f"{_INPUTS}.FilterStateInput", key=_AUTHORITY),
    }
    tree = {"matcher_tree": {"input": state, "exact_match_map": {"map": dict(chosen)}}}
    return {**tree, "on_no_match": {"matcher": otherwise}}


@dataclass(slots=True, kw_only=True)
class Sorting:
    """What connections to each service of a waypoint lead to, by address and by name."""

    ranges: list[tuple[Sequence[str], Json]] = field(default_factory=list)
    names: dict[str, Json] = field(default_factory=dict)

    def take(self, host: str, chosen: Mapping[int, Json], *, addresses: Sequence[str]) -> None:
        """Add a service, whose ports lead to what is `chosen` for each; one without addresses has no name either."""
        if not chosen:
            return
        self.ranges.append((addresses, by_port(chosen)))
        if addresses:
            self.names |= {f"{host}:{port}": choice for port, choice in chosen.items()}

    def matcher(self, *, by_host: bool) -> Json:
        """Return the matcher; `by_host`, names count before addresses, which several networks may use twice."""
        found = by_address(self.ranges)
        return by_authority(self.names, found) if by_host and self.names else found


def _tree(name: str, kind: str, chosen: Mapping[str, Json]) -> Json:
    return {"matcher_tree": {"input": _input(name, kind), "exact_match_map": {"map": dict(chosen)}}}


def _input(name: str, kind: str) -> Json:
    return {"name": name, "typed_config": any_message(f"{_INPUTS}.{kind}")}


def listener_filters(services: Sequence[Service], ports: Mapping[int, Protocol], *, workloads: bool) -> list[Json]:
    """Return the listener filters: HTTP is looked for wherever a port does not say what it carries, TLS where it does.

    With `workloads`, connections to pods are taken, whose ports are not known.
    """
    declared = [] if workloads else sorted(port for port, protocol in ports.items() if not protocol.is_auto)
    found = [ORIGINAL_DST, disabled_on(HTTP_INSPECTOR, declared)]
    tls = {port.number for service in services for port in service.ports if port.protocol.is_tls}
    if tls:
        others = {port.number for service in services for port in service.ports} - tls
        found.append(disabled_on(TLS_INSPECTOR, sorted(others)))
    return found


def port_protocols(services: Sequence[Service], served: Mapping[Service, Sequence[Port]]) -> dict[int, Protocol]:
    """Return what each port carries; AUTO where services differ or do not say."""
    found: dict[int, Protocol] = {}
    for service in services:
        for port in served[service]:
            before = found.get(port.number)
            if port.protocol.is_http:
                found[port.number] = Protocol.AUTO if before not in (None, Protocol.HTTP) else Protocol.HTTP
            elif port.protocol.is_auto:
                found[port.number] = Protocol.AUTO
            else:
                mixed = before is not None and not before.is_tcp
                found[port.number] = Protocol.AUTO if mixed else port.protocol
    return found

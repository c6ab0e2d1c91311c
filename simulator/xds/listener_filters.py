"""Listener filters: original destination, and the inspectors that find out what a connection speaks.

istiod: pilot/pkg/networking/core/listener_inbound.go (populateListenerFilters), pilot/pkg/xds/filters/filters.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.model.wire import FilterChain, Json
from simulator.xds.envoy_messages import typed

ORIGINAL_DST = typed(
    "envoy.filters.listener.original_dst", "envoy.extensions.filters.listener.original_dst.v3.OriginalDst"
)
ORIGINAL_SRC = typed(
    "envoy.filters.listener.original_src", "envoy.extensions.filters.listener.original_src.v3.OriginalSrc", mark=1337
)
PROXY_PROTOCOL = typed(
    "envoy.filters.listener.proxy_protocol", "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"
)
TLS_INSPECTOR = typed(
    "envoy.filters.listener.tls_inspector",
    "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    initial_read_buffer_size=512,
)
HTTP_INSPECTOR = typed(
    "envoy.filters.listener.http_inspector", "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector"
)


@dataclass(slots=True)
class _Needs:
    tls: bool = False
    http: bool = False


def inspectors(chains: Sequence[FilterChain]) -> list[Json]:
    """Return the inspectors that `chains` need, each off on the ports whose chains need nothing from it.

    Chains without a port stand for all other ports, here as port 0.
    """
    needs: dict[int, _Needs] = {}
    for chain in chains:
        match = chain.get("filter_chain_match") or {}
        port = needs.setdefault(match.get("destination_port") or 0, _Needs())
        port.tls |= match.get("transport_protocol") == "tls"
        port.http |= not {"http/1.1", "h2c"}.isdisjoint(match.get("application_protocols") or ())
    found = []
    if any(port.tls for port in needs.values()):
        found.append(_tls_inspector(needs))
    if any(port.http for port in needs.values()):
        found.append(_without(HTTP_INSPECTOR, _ports(sorted(port for port in needs if not needs[port].http))))
    return found


def _tls_inspector(needs: dict[int, _Needs]) -> Json:
    default = needs.get(0, _Needs()).tls
    different = sorted(port for port in needs if port and needs[port].tls is not default)
    disabled = _ports(different)
    return _without(TLS_INSPECTOR, disabled if default or disabled is None else {"not_match": disabled})


def disabled_on(inspector: Json, ports: Sequence[int]) -> Json:
    """Return an inspector that is off on some ports."""
    return _without(inspector, _ports(ports))


def _without(inspector: Json, disabled: Json | None) -> Json:
    return inspector if disabled is None else {**inspector, "filter_disabled": disabled}


def _ports(ports: Sequence[int]) -> Json | None:
    ranges = [{"destination_port_range": _range(port)} for port in ports]
    if len(ranges) > 1:
        return {"or_match": {"rules": ranges}}
    return ranges[0] if ranges else None


def _range(port: int) -> Json:
    return {"start": port, "end": port + 1} if port else {"end": 1}

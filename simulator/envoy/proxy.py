"""One proxy's decision: config dump × request → hop.

A configuration that cannot be read ends the hop with a disposition of its own, never with an exception: the trace of a
broken mesh is worth as much as that of a sound one.
"""

from dataclasses import replace
from typing import Any

from simulator.envoy.config import Config
from simulator.envoy.connections import Connection
from simulator.envoy.documents import NotSimulated, UnreadableDocument, children, text
from simulator.envoy.filter_chain_match import match_filter_chain, name_of
from simulator.envoy.forwarding import Departure
from simulator.envoy.listener_filters import inspect
from simulator.envoy.listener_match import ListenerMatch, match_listener
from simulator.envoy.network_filters import run_chain
from simulator.envoy.transport_socket import downstream
from simulator.model.proxies import Direction, ProxyId
from simulator.model.requests import Request, Wire
from simulator.model.traces import Disposition, Hop, Step, StepKind, Verdict
from simulator.model.wire import Json

_NOBODY = ProxyId("", "")


def decide(
    config: Any,
    request: Request,
    direction: Direction,
    *,
    proxy: ProxyId = _NOBODY,
    captured: bool | None = None,
    listener: str = "",
) -> Hop:
    """Predict what a proxy does with a request.

    `config` is a Config or any document that Config.read takes. `captured` says whether the connection was redirected
    to the proxy or made to it; None finds out by the listeners. `listener` names the one to start at, such as the
    internal listener behind a tunnel.
    """
    steps: list[Step] = []
    try:
        departure = _decide(Config.read(config), request, direction, captured=captured, name=listener, steps=steps)
    except UnreadableDocument as error:
        simulated = not isinstance(error, NotSimulated)
        end = Disposition.UNREADABLE_CONFIGURATION if simulated else Disposition.NOT_SIMULATED
        verdict = Verdict(disposition=end, details=str(error))
        return Hop(proxy=proxy, direction=direction, steps=tuple(steps), verdict=verdict, notes=(str(error),))
    return Hop(
        proxy=proxy,
        direction=direction,
        steps=(*steps, *departure.steps),
        verdict=departure.verdict,
        forwarded=departure.forwarded,
        notes=departure.notes,
    )


def _decide(
    config: Config, request: Request, direction: Direction, *, captured: bool | None, name: str, steps: list[Step]
) -> Departure:
    found = _named(config, name) if name else match_listener(config, request, direction, captured=captured)
    chosen = text(found.listener, "name") if found.listener is not None else "none"
    steps.append(
        Step(
            kind=StepKind.LISTENER,
            chosen=chosen,
            because=found.because,
            rejected=found.rejected,
            document=found.listener,
        )
    )
    if found.listener is None:
        return _ended(Disposition.NO_LISTENER)
    inspection = inspect(found.listener, request)
    if inspection.findings:
        because = "what the listener filters found"
        steps.append(Step(kind=StepKind.LISTENER_FILTERS, chosen="; ".join(inspection.findings), because=because))
    if inspection.waits:
        return _ended(Disposition.WAITING_FOR_CLIENT)
    return enter(config, found.listener, inspection.connection, steps=steps)


def _named(config: Config, name: str) -> ListenerMatch:
    for listener in config.listeners:
        if text(listener, "name") == name:
            return ListenerMatch(listener=listener, because="the connection is handed to it inside the proxy")
    return ListenerMatch(listener=None, because=f"there is no listener {name}")


def enter(config: Config, listener: Json, connection: Connection, *, steps: list[Step]) -> Departure:
    """Take an inspected connection through the listener's filter chains."""
    match = match_filter_chain(listener, connection)
    chosen = name_of(match.chain, match.index) if match.chain is not None else "none"
    steps.append(
        Step(
            kind=StepKind.FILTER_CHAIN,
            chosen=chosen,
            because=match.because,
            rejected=match.rejected,
            index=match.index,
            document=match.chain,
        )
    )
    if match.chain is None:
        return _ended(_why_no_chain(listener, connection), flags="NR")
    handshake = downstream(match.chain, connection.request)
    if match.chain.get("transport_socket"):
        steps.append(
            Step(
                kind=StepKind.TRANSPORT,
                chosen=handshake.because,
                because="the filter chain's transport socket",
                document=match.chain.get("transport_socket"),
            )
        )
    if not handshake.accepted:
        return _ended(Disposition.TLS_MISMATCH)
    opaque = not match.chain.get("transport_socket") and connection.encrypted
    if opaque and connection.request.wire is not Wire.OPAQUE:
        connection = _still_encrypted(connection)
    return run_chain(config, match.chain, connection)


def _still_encrypted(connection: Connection) -> Connection:
    """Return the connection as filters see it that were not given the decrypted bytes."""
    return replace(connection, request=replace(connection.request, wire=Wire.OPAQUE))


def _why_no_chain(listener: Json, connection: Connection) -> Disposition:
    """Tell whether the connection would have found a chain with, or without, TLS."""
    if connection.transport_protocol == "tls":
        other = replace(connection, transport_protocol="raw_buffer", server_name="", application_protocols=())
    else:
        offers = {
            protocol
            for chain in children(listener, "filter_chains")
            for protocol in (chain.get("filter_chain_match") or {}).get("application_protocols") or ()
        }
        other = replace(connection, transport_protocol="tls", application_protocols=tuple(sorted(offers)))
    return Disposition.TLS_MISMATCH if match_filter_chain(listener, other).chain else Disposition.NO_FILTER_CHAIN


def _ended(disposition: Disposition, flags: str = "") -> Departure:
    return Departure(steps=(), verdict=Verdict(disposition=disposition, flags=flags))

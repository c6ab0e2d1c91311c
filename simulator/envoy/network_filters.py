"""The network filters of a chain, in their order: access rules, then the one that takes the connection.

Envoy: source/extensions/filters/network/{rbac,tcp_proxy,http_connection_manager}.
"""

from dataclasses import replace

from simulator.envoy.config import Config
from simulator.envoy.connections import Connection
from simulator.envoy.documents import child, children, package, text, unpack
from simulator.envoy.forwarding import Departure, Target, forward
from simulator.envoy.headers import Message
from simulator.envoy.http_routing import route_http
from simulator.envoy.rbac_filter import rbac_judgement, rbac_step
from simulator.envoy.route_action import Choice, weighted_choice
from simulator.envoy.route_match import Context
from simulator.model.requests import Request
from simulator.model.traces import Disposition, Share, Step, StepKind, Verdict
from simulator.model.wire import Json

_NETWORK = "envoy.extensions.filters.network."
_HCM = f"{_NETWORK}http_connection_manager.v3.HttpConnectionManager"
_TCP_PROXY = f"{_NETWORK}tcp_proxy.v3.TcpProxy"
_RBAC = f"{_NETWORK}rbac.v3.RBAC"
_NEUTRAL = frozenset(
    {
        "",
        f"{_NETWORK}mongo_proxy.v3.MongoProxy",
        f"{_NETWORK}set_filter_state.v3.Config",
        f"{_NETWORK}sni_dynamic_forward_proxy.v3.FilterConfig",
        "envoy.tcp.metadataexchange.config.MetadataExchange",
        "stats.PluginConfig",
        "io.istio.network.peer_metadata.Config",
    }
)
"""Filters that neither close a connection nor take it."""


def run_chain(config: Config, chain: Json, connection: Connection) -> Departure:
    """Run a connection through the filters of a chain."""
    steps: list[Step] = []
    notes: list[str] = []
    for document in children(chain, "filters"):
        kind = package(child(document, "typed_config"))
        content = unpack(child(document, "typed_config"))[1]
        name = text(document, "name")
        if kind == _RBAC:
            denied = _rbac(content, name, connection, steps)
            if denied is not None:
                return Departure(steps=tuple(steps), verdict=denied, notes=tuple(notes))
        elif kind in (_HCM, _TCP_PROXY):
            if kind == _TCP_PROXY and chain.get("transport_socket"):
                # the filters before saw the certificate; what is forwarded is what was inside
                connection = replace(connection, request=decrypted(connection.request))
            sealed = connection.encrypted and not chain.get("transport_socket")
            taken = _take(config, kind, content, connection, sealed=sealed)
            return replace(taken, steps=(*steps, *taken.steps), notes=(*notes, *taken.notes))
        elif kind == f"{_NETWORK}direct_response.v3.Config":
            verdict = Verdict(disposition=Disposition.DIRECT_RESPONSE)
            return Departure(steps=tuple(steps), verdict=verdict, notes=tuple(notes))
        elif kind not in _NEUTRAL:
            notes.append(f"network filter {name} is not simulated: taken to let it pass")
    notes.append("the filter chain has no filter that takes the connection")
    return Departure(steps=tuple(steps), verdict=Verdict(disposition=Disposition.NOT_SIMULATED), notes=tuple(notes))


def decrypted(request: Request) -> Request:
    """Return a request as it is once the TLS around it is taken off; the client's own may be inside."""
    own = request.inner or Request(wire=request.wire)
    return replace(
        request, wire=own.wire, tls=own.tls, sni=own.sni, alpn=own.alpn, identity=own.identity, inner=own.inner
    )


def _take(config: Config, kind: str, content: Json, connection: Connection, *, sealed: bool) -> Departure:
    if kind == _TCP_PROXY:
        return _tcp_proxy(config, content, connection)
    if not connection.request.is_http:
        because = "the client speaks TLS, which is not taken off here" if sealed else "the client's bytes are no HTTP"
        step = Step(kind=StepKind.HTTP_CONNECTION, chosen="none", because=because, document=content)
        return Departure(steps=(step,), verdict=Verdict(disposition=Disposition.PROTOCOL_MISMATCH, flags="DPE"))
    return route_http(config, content, connection)


def _rbac(content: Json, name: str, connection: Connection, steps: list[Step]) -> Verdict | None:
    context = _context(connection)
    judgement = rbac_judgement(content, context)
    if judgement is None:
        return None
    steps.append(rbac_step(judgement, name))
    if judgement.allowed:
        return None
    return Verdict(
        disposition=Disposition.DENIED, details=f"rbac_access_denied_matched_policy[{judgement.policy or 'none'}]"
    )


def _context(connection: Connection) -> Context:
    nothing = Message(method="", path="", authority="", scheme="")
    return Context(connection=connection, message=nothing, remote_ip=connection.source_ip)


def _tcp_proxy(config: Config, content: Json, connection: Connection) -> Departure:
    name = text(content, "cluster")
    choice = Choice(cluster=name, shares=(Share(cluster=name, percent=100.0),), because="the only cluster", entry={})
    weighted = children(child(content, "weighted_clusters"), "clusters")
    if weighted:
        choice = weighted_choice(weighted, _context(connection))
    step = Step(
        kind=StepKind.NETWORK_FILTER,
        chosen="TCP proxy",
        because="the filter chain forwards bytes as they are",
        document=content,
    )
    target = Target(
        cluster=choice.cluster,
        shares=choice.shares,
        because=choice.because,
        request=connection.request,
        http=False,
    )
    departure = forward(config, target)
    return replace(departure, steps=(step, *departure.steps))

"""What a client reads at the end of a trace: an HTTP response as proxies pass it on, or how its connection breaks.

Envoy: source/common/http/utility.cc (sendLocalReply), source/common/router/router.cc; texts, order of headers and the
ways in which connections end were observed with Envoy 1.40 and curl.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from simulator.envoy.cors import cors_fields
from simulator.envoy.documents import child, children, flag, text
from simulator.envoy.header_mutation import mutate_response
from simulator.envoy.route_action import Choice, header_levels
from simulator.model.requests import Tls
from simulator.model.traces import Disposition, Hop, Step, StepKind, Trace, Verdict
from simulator.model.wire import Json

Fields = tuple[tuple[str, str], ...]


class Broken(Enum):
    """How a connection ends that brings no response."""

    NO_NAME = auto()
    REFUSED = auto()
    RESET = auto()
    CLOSED = auto()
    """Ended without a byte."""
    NO_TLS = auto()
    """What answers speaks no TLS."""
    UNKNOWN = auto()
    """The path leads through what is not simulated, or cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response."""

    status: int
    fields: Fields = ()
    body: bytes = b""


def response_to(trace: Trace, *, application: Response, date: str) -> Response | Broken:
    """Return what the client of a trace reads, where `application` is what the destination answers.

    `date` is the time in the form of HTTP's header.
    """
    hops = [hop for hop in trace.hops if _manager(hop) is not None]
    if trace.disposition.is_delivered:
        if _still_encrypted(trace) and not _speaks_tls(trace):
            return Broken.NO_TLS
        return _through(hops, application)
    if trace.verdict.status is None:
        return _breakage(trace)
    answering = hops.pop() if hops else None
    if answering is None:
        return Response(status=trace.verdict.status)
    response = _local_reply(answering, trace.verdict, _text(trace.verdict), date=date)
    return _through(hops, response)


def seconds_of_faults(trace: Trace) -> float:
    """Return how long injected faults delay a request."""
    steps = [step for hop in trace.hops for step in hop.steps if step.kind is StepKind.HTTP_FILTER]
    return sum(float(step.details.get("delay", 0)) for step in steps if step.chosen.startswith("fault: delays"))


def speaks_http2(trace: Trace) -> bool:
    """Tell whether the first proxy ends the client's TLS and prefers HTTP/2 in it."""
    socket = ended_tls(trace)
    options = child(child(socket or {}, "typed_config"), "common_tls_context")
    return "h2" in (options.get("alpn_protocols") or ())


def ended_tls(trace: Trace) -> Json | None:
    """Return the transport socket of the first proxy where that ends the client's TLS."""
    if trace.request.tls is Tls.NONE or not trace.hops:
        return None
    document = next((step.document for step in trace.hops[0].steps if step.kind is StepKind.TRANSPORT), None)
    is_downstream = trace.hops[0].forwarded is None or _manager(trace.hops[0]) is not None
    return document if isinstance(document, dict) and is_downstream else None


def _breakage(trace: Trace) -> Broken:
    """Return how a connection ends that no proxy answers in HTTP."""
    encrypted = trace.request.tls is not Tls.NONE
    entered = any(hop.step(StepKind.FILTER_CHAIN) or hop.step(StepKind.NETWORK_FILTER) for hop in trace.hops)
    match trace.disposition:
        case Disposition.NAME_NOT_FOUND:
            return Broken.NO_NAME
        case Disposition.LOOP | Disposition.NOT_SIMULATED | Disposition.UNREADABLE_CONFIGURATION:
            return Broken.UNKNOWN
        case Disposition.PROTOCOL_MISMATCH:
            return Broken.NO_TLS if encrypted else Broken.CLOSED
    if _is_tunnelled(trace):
        return Broken.RESET
    match trace.disposition:
        case Disposition.UNREACHABLE | Disposition.NO_LISTENER:
            return Broken.CLOSED if entered else Broken.REFUSED
        case Disposition.TLS_MISMATCH | Disposition.NO_FILTER_CHAIN:
            return Broken.RESET
    return Broken.CLOSED


def _is_tunnelled(trace: Trace) -> bool:
    """Tell whether the last to decide was a ztunnel: it drops connections with what it has not read of them."""
    return bool(trace.hops) and trace.hops[-1].step(StepKind.LISTENER) is None


def _local_reply(hop: Hop, verdict: Verdict, body: str, *, date: str) -> Response:
    assert verdict.status is not None
    fields: Fields = (("location", verdict.location),) if verdict.location else ()
    if verdict.disposition is Disposition.CORS_ANSWERED:
        fields = cors_fields(_cors(hop), origin=_origin(hop), preflight=True)
    if verdict.disposition is Disposition.UNAUTHENTICATED:
        fields = (("www-authenticate", _challenge(hop, body)),)
    if hop.step(StepKind.ROUTE) is not None:
        fields = mutate_response(fields, _levels(hop))
    if body:
        fields += (("content-length", str(len(body.encode()))), ("content-type", "text/plain"))
    fields += (("date", date), *_server(hop, ()))
    if not body:
        fields += (("content-length", "0"),)
    return Response(status=verdict.status, fields=fields, body=body.encode())


def _text(verdict: Verdict) -> str:
    """Return the body of a proxy's own answer."""
    return verdict.body or ("no healthy upstream" if verdict.flags == "UH" else "")


def _challenge(hop: Hop, body: str) -> str:
    step = hop.step(StepKind.HTTP_CONNECTION)
    words = step.chosen.split(" ", 2)[-1] if step is not None else ""
    scheme = step.details.get("scheme", "http") if step is not None else "http"
    error = "" if body == "Jwt is missing" else ', error="invalid_token"'
    return f'Bearer realm="{scheme}://{words}"{error}'


def _through(hops: Sequence[Hop], response: Response) -> Response:
    """Bring a response back through proxies, the last first."""
    fields = response.fields
    for hop in reversed(hops):
        manager = _manager(hop) or {}
        fields = _server(hop, fields)
        if not _suppresses(manager):
            fields = _with(fields, "x-envoy-upstream-service-time", "0")
        fields = mutate_response(fields, _levels(hop))
        policy = _cors(hop)
        if policy:
            fields += cors_fields(policy, origin=_origin(hop), preflight=False)
    return Response(status=response.status, fields=fields, body=response.body)


def _with(fields: Fields, name: str, value: str) -> Fields:
    return (*(field for field in fields if field[0] != name), (name, value))


def _server(hop: Hop, fields: Fields) -> Fields:
    """Return a response's fields with the `server` that a proxy makes of it."""
    manager = _manager(hop) or {}
    named = any(name == "server" for name, _ in fields)
    how = text(manager, "server_header_transformation")
    if how in ("PASS_THROUGH", "2") or (named and how in ("APPEND_IF_ABSENT", "1")):
        return fields
    return _with(fields, "server", text(manager, "server_name") or "envoy")


def _suppresses(manager: Json) -> bool:
    routers = [one for one in children(manager, "http_filters") if text(one, "name").endswith("router")]
    return any(flag(child(one, "typed_config"), "suppress_envoy_headers") for one in routers)


def _manager(hop: Hop) -> Json | None:
    """Return the connection manager that read the request; None where the proxy passed bytes on."""
    step = hop.step(StepKind.HTTP_CONNECTION)
    return step.document if step is not None and step.chosen != "none" else None


def _levels(hop: Hop) -> list[Json]:
    """Return the route, virtual host and route configuration that were chosen, and the entry among several clusters."""
    found = [hop.step(kind) for kind in (StepKind.ROUTE, StepKind.VIRTUAL_HOST, StepKind.ROUTE_CONFIGURATION)]
    route, block, configuration = (_document(step) for step in found)
    cluster = hop.forwarded.cluster if hop.forwarded is not None else ""
    weighted = children(child(child(route, "route"), "weighted_clusters"), "clusters")
    entry = next((one for one in weighted if text(one, "name") == cluster), {})
    return header_levels(Choice(cluster=cluster, shares=(), because="", entry=entry), route, block, configuration)


def _document(step: Step | None) -> Json:
    return step.document if step is not None and isinstance(step.document, dict) else {}


def _cors(hop: Hop) -> Json:
    steps = [step for step in hop.steps if step.chosen in ("cors: answered", "cors: origin allowed")]
    return _document(steps[-1]) if steps else {}


def _origin(hop: Hop) -> str:
    steps = [step for step in hop.steps if step.chosen.startswith("cors: ")]
    return steps[-1].details.get("origin", "") if steps else ""


def _still_encrypted(trace: Trace) -> bool:
    """Tell whether what the client encrypted reaches the destination as it is."""
    if trace.request.tls is Tls.NONE or ended_tls(trace) is not None:
        return False
    return not any(_manager(hop) is not None for hop in trace.hops)


def _speaks_tls(trace: Trace) -> bool:
    """Tell whether a destination is taken to speak TLS: by the name or number of its port, or for being outside."""
    if trace.disposition is not Disposition.DELIVERED:
        return True
    details = trace.arrival[-1].details if trace.arrival else {}
    name = str(details.get("port_name", ""))
    return name.startswith(("https", "tls", "grpcs")) or details.get("port") in (443, 8443)

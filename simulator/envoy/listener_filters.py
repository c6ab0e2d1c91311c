"""What the listener filters find out about a connection before a filter chain is chosen.

Envoy: source/extensions/filters/listener/{tls_inspector,http_inspector}, listener_components.proto
(ListenerFilterChainMatchPredicate). Observed with Envoy 1.40: the HTTP inspector reports HTTP/1.1 for any method and
`h2c` for the HTTP/2 preface; HTTP/1.0 is reported as such, and older or newer versions are no HTTP.
"""

from dataclasses import dataclass

from simulator.envoy.connections import Connection
from simulator.envoy.documents import child, children, flag, integer, seconds, text
from simulator.envoy.request_target import parse_target
from simulator.model.requests import Request, Tls, Wire
from simulator.model.wire import Json

_DEFAULT_TIMEOUT = 15.0
_INSPECTED = {Wire.HTTP1: "http/1.1", Wire.HTTP10: "http/1.0", Wire.HTTP2: "h2c"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The connection as inspected, what each inspector did, and whether the proxy waits for the client."""

    connection: Connection
    findings: tuple[str, ...]
    waits: bool = False
    """No filter chain is chosen: the client has to speak first and does not."""
    timeout: float = 0.0
    """Seconds until the wait ends, or after which the proxy goes on without; 0 is for ever, or no wait at all."""


def inspect(listener: Json, request: Request) -> Inspection:
    """Run the inspectors of a listener over what the client sends."""
    transport, names, protocols = "", "", ()  # type: str, str, tuple[str, ...]
    findings: list[str] = []
    for item in children(listener, "listener_filters"):
        kind = text(item, "name").rpartition(".")[2]
        if kind not in ("tls_inspector", "http_inspector"):
            continue
        if disabled(child(item, "filter_disabled"), request.port):
            findings.append(f"{kind} is disabled on port {request.port}")
            continue
        if kind == "http_inspector" and transport == "tls":
            findings.append("http_inspector does not look into TLS")
            continue
        if _needs_more(kind, request):
            return _waiting(listener, request, (*findings, f"{kind} waits for the client's first bytes"))
        if kind == "tls_inspector":
            if request.tls is not Tls.NONE:
                transport, names, protocols = "tls", request.sni.lower(), request.alpn
            findings.append(f"tls_inspector: {_describe_tls(transport, names, protocols)}")
        elif (found := _http_version(request)) is not None:
            protocols = (found,)
            findings.append(f"http_inspector: {found}")
        else:
            findings.append("http_inspector: no HTTP")
    connection = Connection(
        request=request,
        transport_protocol=transport or "raw_buffer",
        server_name=names,
        application_protocols=protocols,
    )
    return Inspection(connection=connection, findings=tuple(findings))


def _http_version(request: Request) -> str | None:
    """Return the version that the inspector reports; a first line without a valid target is not HTTP to it."""
    if request.tls is not Tls.NONE:
        return None
    if request.wire is not Wire.HTTP2 and parse_target(request.target, request.method) is None:
        return None
    return _INSPECTED.get(request.wire)


def _needs_more(kind: str, request: Request) -> bool:
    if request.tls is not Tls.NONE:
        return False
    return request.wire is Wire.SILENT or (kind == "http_inspector" and request.wire is Wire.UNFINISHED)


def _waiting(listener: Json, request: Request, findings: tuple[str, ...]) -> Inspection:
    timeout = seconds(listener, "listener_filters_timeout")
    timeout = _DEFAULT_TIMEOUT if timeout is None else timeout
    goes_on = timeout > 0 and flag(listener, "continue_on_listener_filters_timeout")
    if goes_on:
        findings = (*findings, f"goes on without after {timeout:g}s")
    connection = Connection(request=request)
    return Inspection(connection=connection, findings=findings, waits=not goes_on, timeout=timeout)


def _describe_tls(transport: str, name: str, protocols: tuple[str, ...]) -> str:
    if not transport:
        return "no TLS"
    return f"TLS, server name {name or 'none'}, ALPN {', '.join(protocols) or 'none'}"


def disabled(predicate: Json, port: int) -> bool:
    """Evaluate a ListenerFilterChainMatchPredicate on a destination port."""
    if "or_match" in predicate:
        return any(disabled(rule, port) for rule in children(child(predicate, "or_match"), "rules"))
    if "and_match" in predicate:
        return all(disabled(rule, port) for rule in children(child(predicate, "and_match"), "rules"))
    if "not_match" in predicate:
        return not disabled(child(predicate, "not_match"), port)
    if "any_match" in predicate:
        return flag(predicate, "any_match")
    if "destination_port_range" in predicate:
        bounds = child(predicate, "destination_port_range")
        return integer(bounds, "start") <= port < integer(bounds, "end")
    return False

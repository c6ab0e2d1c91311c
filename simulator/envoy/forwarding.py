"""From a cluster's name to the endpoint, its encryption, and the request as it leaves.

Envoy: source/common/router/router.cc, source/common/tcp_proxy/tcp_proxy.cc.
"""

from dataclasses import dataclass, replace

from simulator.envoy.config import Config
from simulator.envoy.documents import child, children, mapping, text, unpack
from simulator.envoy.load_balancing import Endpoint, Selection, select
from simulator.envoy.transport_socket import Upstream, alpn_overrides, upstream
from simulator.model.names import BLACK_HOLE, PASSTHROUGH
from simulator.model.requests import Request, Tls, Wire
from simulator.model.traces import Disposition, Forwarded, Share, Step, StepKind, Verdict
from simulator.model.wire import Json

_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_ORIGINAL_DST = "envoy.filters.listener.original_dst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a route or a TCP proxy sends a request, before an endpoint is chosen."""

    cluster: str
    shares: tuple[Share, ...]
    because: str
    request: Request
    """The request as rewritten; what belongs to the connection is replaced here."""
    http: bool
    mirrors: tuple[Share, ...] = ()
    filters: tuple[Json, ...] = ()
    auto_host_rewrite: bool = False
    missing_status: int = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """How forwarding ended."""

    steps: tuple[Step, ...]
    verdict: Verdict
    forwarded: Forwarded | None = None
    notes: tuple[str, ...] = ()


def forward(config: Config, target: Target) -> Departure:
    """Send a request to a cluster."""
    cluster = config.clusters.get(target.cluster)
    shares = [f"{share.cluster}: {share.percent:g} %" for share in target.shares]
    details = {"shares": shares} if len(shares) > 1 else {}
    mirrored = [f"{share.cluster}: {share.percent:g} %" for share in target.mirrors]
    if mirrored:
        details["mirrors"] = mirrored
    if cluster is None:
        return _no_cluster(target, details)
    step = Step(kind=StepKind.CLUSTER, chosen=target.cluster, because=target.because, details=details, document=cluster)
    header = next(iter(target.request.values("x-envoy-original-dst-host")), "")
    selection = select(config, cluster, target.request, header=header)
    if selection.endpoint is None:
        return _no_endpoint(target, cluster, selection, step)
    return _departure(config, target, selection, selection.endpoint, step)


def _no_cluster(target: Target, details: dict[str, list[str]]) -> Departure:
    because = "the proxy has no cluster of this name" if target.cluster else "the route leads to no cluster"
    step = Step(kind=StepKind.CLUSTER, chosen=target.cluster or "none", because=because, details=details)
    status = target.missing_status if target.http else None
    verdict = Verdict(disposition=Disposition.NO_CLUSTER, status=status, details="cluster_not_found", flags="NC")
    if len(target.shares) < 2:
        return Departure(steps=(step,), verdict=verdict)
    return Departure(steps=(step,), verdict=verdict, forwarded=_nowhere(target))  # others fare better


def _nowhere(target: Target) -> Forwarded:
    return Forwarded(
        cluster=target.cluster, shares=target.shares, address="", port=0, request=target.request, mirrors=target.mirrors
    )


def _no_endpoint(target: Target, cluster: Json, selection: Selection, step: Step) -> Departure:
    missing = Step(kind=StepKind.ENDPOINT, chosen="none", because=selection.because, rejected=selection.rejected)
    forwarded = _nowhere(target)
    if not selection.known:
        verdict = Verdict(disposition=Disposition.NOT_SIMULATED)
        note = f"the endpoints of {target.cluster} are not in this configuration"
        return Departure(steps=(step, missing), verdict=verdict, forwarded=forwarded, notes=(note,))
    black_hole = text(cluster, "name") == BLACK_HOLE
    verdict = Verdict(
        disposition=Disposition.BLACK_HOLE if black_hole else Disposition.NO_HEALTHY_ENDPOINT,
        status=503 if target.http else None,
        details="no_healthy_upstream",
        flags="UH",
    )
    return Departure(steps=(step, missing), verdict=verdict, forwarded=forwarded)


def _departure(config: Config, target: Target, selection: Selection, endpoint: Endpoint, step: Step) -> Departure:
    cluster = config.clusters[target.cluster]
    socket = upstream(cluster, endpoint.document)
    request = _on_connection(cluster, target, endpoint, socket)
    around = _tunnel_tls(config, endpoint)
    tunnel = "hbone" if around is not None else ""
    steps = (step, _transport_step(socket, request, around), _endpoint_step(selection, endpoint))
    passed = target.cluster == PASSTHROUGH and selection.original_destination
    verdict = Verdict(
        disposition=Disposition.PASSED_THROUGH if passed else Disposition.DELIVERED,
        status=200 if target.http else None,
        details="via_upstream" if target.http else "",
    )
    forwarded = Forwarded(
        cluster=target.cluster,
        shares=target.shares,
        address=request.destination_ip,
        port=request.port,
        request=request,
        tls=around or socket.tls,
        mirrors=target.mirrors,
        alternatives=tuple(str(one) for one in selection.alternatives),
        original_destination=selection.original_destination,
        tunnel=tunnel,
        via=_tunnel_metadata(endpoint, "waypoint"),
    )
    return Departure(steps=steps, verdict=verdict, forwarded=forwarded)


def _tunnel_tls(config: Config, endpoint: Endpoint) -> Tls | None:
    """Return the encryption of the tunnel that an endpoint inside the proxy leads into; None for other endpoints."""
    name = endpoint.address.removeprefix("envoy://").partition("/")[0]
    if not endpoint.address.startswith("envoy://"):
        return None
    for listener in config.listeners:
        if text(listener, "name") == name:
            for item in (one for chain in children(listener, "filter_chains") for one in children(chain, "filters")):
                cluster = config.clusters.get(text(child(item, "typed_config"), "cluster"))
                if cluster is not None:
                    return upstream(cluster, {}).tls
    return Tls.NONE


def _transport_step(socket: Upstream, request: Request, around: Tls | None) -> Step:
    words = {Tls.NONE: "plain text", Tls.SIMPLE: "TLS", Tls.MUTUAL: "mutual TLS"}
    chosen = words[socket.tls]
    if around is not None:
        chosen = f"{f'{chosen} in ' if socket.tls is not Tls.NONE else ''}HBONE over {words[around]}"
    details = {"sni": request.sni, "alpn": list(request.alpn)} if socket.tls is not Tls.NONE else {}
    if around is not None:
        details["tunnel"] = "hbone"
    return Step(
        kind=StepKind.TRANSPORT,
        chosen=chosen,
        because=socket.because,
        details=details,
        document=socket.document,
    )


def _endpoint_step(selection: Selection, endpoint: Endpoint) -> Step:
    details: dict[str, object] = {"health": endpoint.health}
    if endpoint.locality:
        details["locality"] = endpoint.locality
    if endpoint.priority:
        details["priority"] = endpoint.priority
    if selection.alternatives:
        details["alternatives"] = [str(one) for one in selection.alternatives]
    return Step(
        kind=StepKind.ENDPOINT,
        chosen=str(endpoint),
        because=selection.because,
        rejected=selection.rejected,
        details=details,
        document=endpoint.document or None,
    )


def _on_connection(cluster: Json, target: Target, endpoint: Endpoint, socket: Upstream) -> Request:
    """Return the request as the endpoint gets it."""
    request = target.request
    wire = upstream_wire(cluster, request.wire) if target.http else request.wire
    overridden: tuple[str, ...] = ()
    if target.http:
        names = {Wire.HTTP2: "HTTP2", Wire.HTTP10: "HTTP10"}
        protocol = names.get(wire, "HTTP11")
        overridden = alpn_overrides(list(target.filters), cluster=cluster, upstream_protocol=protocol)
    address, port = _dialled(endpoint)
    if target.auto_host_rewrite and endpoint.hostname:
        request = replace(request, authority=endpoint.hostname)
    if socket.tls is Tls.NONE and not target.http:
        # bytes go through as they came, so what the client encrypted stays encrypted
        return replace(request, destination_ip=address, port=port)
    around = request.tls is not Tls.NONE and not target.http
    if around:
        wire = Wire.OPAQUE  # TLS inside TLS: the peer finds no HTTP when it has decrypted
    default = ("h2",) if wire is Wire.HTTP2 else ("http/1.1",)
    return replace(
        request,
        destination_ip=address,
        port=port,
        wire=wire,
        tls=socket.tls,
        sni=socket.sni if socket.tls is not Tls.NONE else "",
        alpn=(overridden or socket.alpn or (default if target.http else ())) if socket.tls is not Tls.NONE else (),
        identity="",
        inner=request if around else None,
    )


def _dialled(endpoint: Endpoint) -> tuple[str, int]:
    """Return the address an endpoint stands for; one inside the proxy names the address at the end of its tunnel."""
    if not endpoint.address.startswith("envoy://"):
        return endpoint.address, endpoint.port
    local = _tunnel_metadata(endpoint, "local") or endpoint.address.partition("envoy://")[2].partition("/")[2]
    host, _, port = local.rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() else (endpoint.address, endpoint.port)


def _tunnel_metadata(endpoint: Endpoint, field: str) -> str:
    metadata = child(child(child(endpoint.document, "metadata"), "filter_metadata"), _ORIGINAL_DST)
    return text(metadata, field)


def upstream_wire(cluster: Json, downstream: Wire) -> Wire:
    """Return the HTTP version that a cluster speaks to its endpoints."""
    options = mapping(cluster, "typed_extension_protocol_options").get(_HTTP_OPTIONS)
    if options is None:
        return Wire.HTTP2 if "http2_protocol_options" in cluster else Wire.HTTP1
    config = unpack(options)[1]
    if "use_downstream_protocol_config" in config:
        return Wire.HTTP2 if downstream is Wire.HTTP2 else Wire.HTTP1
    explicit = child(config, "explicit_http_config")
    return Wire.HTTP2 if "http2_protocol_options" in explicit else Wire.HTTP1

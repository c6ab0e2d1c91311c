"""Follow a request through the mesh: one hop for each proxy on its way, until something answers or refuses it.

Where it goes next is what the proxy before sent: an address, a port, and the request as rewritten. No more than that
passes from hop to hop, so a prediction can only be as well informed as the proxies are.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.envoy.proxy import decide
from simulator.model.directory import Directory, Workload
from simulator.model.proxies import Direction, ProxyId, Role
from simulator.model.requests import Request, Tls
from simulator.model.traces import Disposition, Forwarded, Hop, Step, StepKind, Trace, Verdict
from simulator.traffic.addresses import endpoint, is_loopback
from simulator.traffic.arrival import arrive_at_application, arrive_at_proxy, arrive_outside, wrong_encryption
from simulator.traffic.entry import Entry, entries, from_address, ways_in
from simulator.traffic.lost_connections import answered
from simulator.traffic.network import Place, captures_inbound, captures_outbound, locate
from simulator.traffic.redirects import loop_note
from simulator.traffic.resolution import Names, resolve
from simulator.traffic.ztunnel import inbound, outbound
from simulator.traffic.ztunnel_state import Ztunnel

Configs = Callable[[ProxyId], Any]
"""Returns the configuration of a proxy, in any form that `simulator.envoy.config.Config.read` takes."""
Ztunnels = Callable[[], Ztunnel | None]
"""Returns what the ztunnels know; None for a mesh without one. Called only where one is on the way."""

MOST_HOPS = 12


def _none() -> None:
    """Stand for a mesh without ztunnels."""


@dataclass(slots=True)
class _Path:
    directory: Directory
    configs: Configs
    ztunnels: Ztunnels
    request: Request
    hops: list[Hop] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    arrival: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    source: str = ""
    visited: set[tuple[ProxyId, Direction, str, str]] = field(default_factory=set)

    def note(self, text: str) -> None:
        """Add a note to the trace, unless it is empty."""
        self.notes += [text] if text else []

    def end(self, verdict: Verdict, *, destination: str = "") -> Trace:
        """Finish the trace."""
        notes = dict.fromkeys([*self.notes, *(note for hop in self.hops for note in hop.notes)])
        return Trace(
            request=self.request,
            hops=tuple(self.hops),
            disposition=verdict.disposition,
            verdict=verdict,
            source=self.source,
            destination=destination,
            steps=tuple(self.steps),
            arrival=tuple(self.arrival),
            notes=tuple(notes),
        )


def follow(
    directory: Directory, configs: Configs, request: Request, source: Workload | None, *, ztunnels: Ztunnels = _none
) -> Trace:
    """Predict the path of a request from a workload, into a gateway (as source), or from outside (None)."""

    def ask(asked: Request) -> Trace:
        return _follow(directory, configs, asked, source, ztunnels)

    trace = ask(request)
    note = loop_note(trace, ask) if trace.verdict.location else ""
    return replace(trace, notes=(*trace.notes, note)) if note else trace


def _follow(
    directory: Directory, configs: Configs, request: Request, source: Workload | None, ztunnels: Ztunnels
) -> Trace:
    if not request.omits_host:
        request = replace(request, authority=request.host_header)
    path = _Path(directory, configs, ztunnels, request, source=source.id if source is not None else "outside")
    if source is None or source.role is Role.GATEWAY:
        return _from_outside(path, source)
    resolved = resolve(directory, request.host, port=request.port, client=source, table=_names(path, source))
    path.steps.append(resolved.step)
    if not resolved.found:
        return path.end(Verdict(disposition=Disposition.NAME_NOT_FOUND))
    address = _one_of(resolved.addresses, request.random)
    own = source.addresses[0] if source.addresses else ""
    sent = replace(request, host=resolved.alias_of or request.host, destination_ip=address, source_ip=own)
    captured, why = captures_outbound(source, address, request.port)
    if source.proxy is not None:
        chosen = "redirected" if captured else "not redirected"
        path.steps.append(Step(kind=StepKind.CAPTURE, chosen=chosen, because=why, document=source.source))
    if captured and source.proxy is not None:
        return _outbound(path, source, sent, source.proxy)
    if is_loopback(address) or (address and address in source.addresses):
        return _arrive_here(path, source, sent)
    if source.ambient:
        return _into_ztunnel(path, source, sent)
    return _deliver(path, sent, encrypted_by_proxy=False)


def _names(path: _Path, source: Workload) -> Names | None:
    """Return the names that the proxy of a client answers for; None when it leaves them to cluster DNS."""
    if source.proxy is not None:
        return path.directory.names.get(source.proxy) if source.capture.dns else None
    ztunnel = path.ztunnels() if source.ambient else None
    return ztunnel.names(source.namespace) if ztunnel is not None else None


def _into_ztunnel(path: _Path, source: Workload, request: Request) -> Trace:
    """Let the ztunnel on the client's node decide, then deliver what it sends."""
    ztunnel = path.ztunnels()
    if ztunnel is None:
        path.notes.append(f"{source.id} is captured by ztunnel, but the mesh has none: taken to let it pass")
        return _deliver(path, request, encrypted_by_proxy=False)
    return _after(path, outbound(ztunnel, path.directory, request, source), source)


def _arrive_here(path: _Path, workload: Workload, request: Request) -> Trace:
    """End a request that a workload makes to itself."""
    place = Place(address=request.destination_ip, port=request.port, workload=workload)
    return _arrive(path, place, request, by_proxy=False)


def _one_of(addresses: tuple[str, ...], random: float | None) -> str:
    return addresses[int((random or 0.0) * len(addresses)) % len(addresses)] if addresses else ""


def _from_outside(path: _Path, gateway: Workload | None) -> Trace:
    """Try the gateways that could be meant, in a stable order; the first that has a route wins."""
    directory, request = path.directory, path.request
    best: Trace | None = None
    for entry in entries(directory, request, gateway):
        trace = _enter(_Path(directory, path.configs, path.ztunnels, request, source=entry.source), entry)
        if best is None or (best.disposition in _NOT_MEANT and trace.disposition not in _NOT_MEANT):
            best = trace
    if best is not None:
        return best
    path.source = "outside"
    resolved = resolve(directory, request.host, port=request.port, client=None)
    path.steps.append(resolved.step)
    if resolved.public:
        path.notes.append(f"no gateway is reachable from outside on this port{ways_in(directory)}")
        return path.end(Verdict(disposition=Disposition.UNREACHABLE))
    refused, note = from_address(directory, resolved.addresses[0], request.port)
    path.note(note)
    if refused:
        path.arrival.append(Step(kind=StepKind.ENDPOINT, chosen="none", because=refused))
        return path.end(Verdict(disposition=Disposition.UNREACHABLE))
    return _deliver(path, replace(request, destination_ip=resolved.addresses[0]), encrypted_by_proxy=False)


_NOT_MEANT = frozenset(
    {
        Disposition.NO_ROUTE,
        Disposition.NO_LISTENER,
        Disposition.NO_FILTER_CHAIN,
        Disposition.TLS_MISMATCH,
        Disposition.UNREACHABLE,
    }
)
"""Ends of a request that another gateway may have been meant for."""


def _enter(path: _Path, entry: Entry) -> Trace:
    path.steps += entry.steps
    if entry.refused:
        return path.end(Verdict(disposition=Disposition.UNREACHABLE, details=entry.refused))
    sent = replace(path.request, destination_ip=entry.address, port=entry.port)
    return _deliver(path, sent, encrypted_by_proxy=False)


def _outbound(path: _Path, workload: Workload, request: Request, proxy: ProxyId) -> Trace:
    """Let the client's own proxy decide, then deliver what it sends."""
    hop = decide(path.configs(proxy), request, Direction.OUTBOUND, proxy=proxy, captured=True)
    return _after(path, hop, workload)


def _after(path: _Path, hop: Hop, workload: Workload) -> Trace:
    """Go on from a hop: to where it forwarded the request, or to the end."""
    path.hops.append(hop)
    forwarded = hop.forwarded
    if forwarded is None or not forwarded.address or not hop.verdict.disposition.is_delivered:
        return path.end(_final(path, hop.verdict))
    key = (hop.proxy, hop.direction, forwarded.cluster, endpoint(forwarded.address, forwarded.port))
    if key in path.visited or len(path.hops) >= MOST_HOPS:
        because = "the request has been here before" if key in path.visited else f"more than {MOST_HOPS} proxies"
        path.arrival.append(Step(kind=StepKind.ENDPOINT, chosen="none", because=because))
        return path.end(Verdict(disposition=Disposition.LOOP))
    path.visited.add(key)
    if hop.direction is Direction.INBOUND and workload.role is Role.SIDECAR:
        place = Place(address=forwarded.address, port=forwarded.port, workload=workload)
        return _arrive(path, place, forwarded.request, by_proxy=True)
    return _onward(path, forwarded, workload)


def _onward(path: _Path, forwarded: Forwarded, workload: Workload) -> Trace:
    own = workload.addresses[0] if workload.addresses else ""
    identity = workload.identity if forwarded.tls is Tls.MUTUAL or forwarded.tunnel else ""
    sent = replace(forwarded.request, source_ip=own, identity=identity)
    if forwarded.tunnel:
        return _tunnelled(path, forwarded, sent)
    return _deliver(path, sent, encrypted_by_proxy=forwarded.tls is not Tls.NONE, forwarded=forwarded)


def _deliver(path: _Path, request: Request, *, encrypted_by_proxy: bool, forwarded: Forwarded | None = None) -> Trace:
    """Carry a request over the network to whatever answers at its destination."""
    place = locate(path.directory, request.destination_ip, request.port, random=request.random)
    path.arrival += place.steps
    request = replace(request, destination_ip=place.address, port=place.port)
    workload = place.workload
    if place.refused or workload is None:
        verdict, step = arrive_outside(place, request, forwarded)
        path.arrival.append(step)
        reached = endpoint(place.address, place.port) if verdict.disposition.is_delivered else ""
        path.note(wrong_encryption(path.directory, place, request) if reached else "")
        return path.end(_final(path, verdict), destination=reached)
    captured, why = captures_inbound(workload, place.port)
    if not captured and (own := arrive_at_proxy(place, request)):
        return _arrive_at_proxy(path, *own)
    if workload.proxy is not None and workload.role in (Role.GATEWAY, Role.WAYPOINT):
        hop = decide(path.configs(workload.proxy), request, Direction.OUTBOUND, proxy=workload.proxy, captured=False)
        path.arrival.clear()
        return _after(path, _prefixed(hop, place.steps), workload)
    if captured and workload.proxy is not None:
        hop = decide(path.configs(workload.proxy), request, Direction.INBOUND, proxy=workload.proxy, captured=True)
        path.arrival.clear()
        return _after(path, _prefixed(hop, place.steps), workload)
    if workload.proxy is not None:
        path.arrival.append(Step(kind=StepKind.CAPTURE, chosen="not redirected", because=why, document=workload.source))
    if workload.ambient:
        return _out_of_ztunnel(path, place, request, by_proxy=encrypted_by_proxy)
    return _arrive(path, place, request, by_proxy=encrypted_by_proxy)


def _arrive(path: _Path, place: Place, request: Request, *, by_proxy: bool) -> Trace:
    """End at the application of a workload, or at a port of its proxy's own."""
    if own := arrive_at_proxy(place, request):
        return _arrive_at_proxy(path, *own)
    verdict, step, destination = arrive_at_application(place, request, by_proxy=by_proxy)
    path.arrival.append(step)
    path.note(wrong_encryption(path.directory, place, request))
    return path.end(_final(path, verdict), destination=destination)


def _arrive_at_proxy(path: _Path, verdict: Verdict, step: Step) -> Trace:
    path.arrival.append(step)
    return path.end(_final(path, verdict))


def _out_of_ztunnel(path: _Path, place: Place, request: Request, *, by_proxy: bool, peer: str = "") -> Trace:
    """Let the ztunnel on the server's node judge a connection; `peer` is the identity that the tunnel showed."""
    ztunnel, workload = path.ztunnels(), place.workload
    assert workload is not None
    if ztunnel is None:
        path.notes.append(f"{workload.id} is captured by ztunnel, but the mesh has none: taken to let it pass")
        return _arrive(path, place, request, by_proxy=by_proxy)
    path.arrival.clear()
    hop = _prefixed(inbound(ztunnel, request, workload, peer=peer), place.steps)
    path.hops.append(hop)
    if not hop.verdict.disposition.is_delivered:
        return path.end(_final(path, hop.verdict))
    return _arrive(path, place, request, by_proxy=by_proxy)


def _prefixed(hop: Hop, steps: tuple[Step, ...]) -> Hop:
    """Put what the network did on the way to a proxy before the proxy's own steps."""
    return replace(hop, steps=(*steps, *hop.steps)) if steps else hop


def _tunnelled(path: _Path, forwarded: Forwarded, request: Request) -> Trace:
    """Carry a request through an HBONE tunnel to the waypoint or the proxy at its end."""
    address = forwarded.via.rpartition(":")[0].strip("[]") or forwarded.address
    workload = path.directory.workload_at(address)
    state = {"io.istio.peer_principal": request.identity} if request.identity else {}
    inside = replace(request, tls=Tls.NONE, sni="", alpn=(), filter_state=state)
    if workload is None:
        return _deliver(path, inside, encrypted_by_proxy=False, forwarded=forwarded)
    if workload.proxy is None and workload.ambient:
        place = Place(address=inside.destination_ip, port=inside.port, workload=workload)
        return _out_of_ztunnel(path, place, inside, by_proxy=False, peer=request.identity)
    if workload.proxy is None:
        path.notes.append("what ends the tunnel at this pod is not simulated: taken to let it pass")
        return _deliver(path, inside, encrypted_by_proxy=False, forwarded=forwarded)
    hop = decide(
        path.configs(workload.proxy), inside, Direction.INBOUND, proxy=workload.proxy, listener="main_internal"
    )
    return _after(path, hop, workload)


def _final(path: _Path, verdict: Verdict) -> Verdict:
    """Return how the client sees an end."""
    block = path.hops[-1].step(StepKind.VIRTUAL_HOST) if path.hops else None
    if verdict.disposition is Disposition.DIRECT_RESPONSE and block is not None and block.chosen == "block_all":
        return replace(verdict, disposition=Disposition.BLACK_HOLE)
    return answered(verdict, path.hops)

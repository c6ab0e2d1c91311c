"""What ztunnel does with a connection: at the client it finds the next hop, at the server it judges the client.

ztunnel: src/proxy/outbound.rs (build_request), src/proxy/inbound.rs, src/proxy/inbound_passthrough.rs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from simulator.model.directory import Directory, Workload
from simulator.model.proxies import Direction
from simulator.model.requests import Request, Tls
from simulator.model.traces import Disposition, Forwarded, Hop, Step, StepKind, Verdict
from simulator.model.wire import Json
from simulator.traffic.addresses import endpoint
from simulator.traffic.ztunnel_policies import Peers, judge
from simulator.traffic.ztunnel_state import Upstream, Ztunnel, identity

_DELIVERED = Verdict(disposition=Disposition.DELIVERED)


def outbound(ztunnel: Ztunnel, directory: Directory, request: Request, client: Workload) -> Hop:
    """Decide where a connection that a workload makes goes: to a waypoint, to a workload, or on as it is."""
    leaving = _Leaving(ztunnel, directory, request, client)
    known = ztunnel.workload_at(request.destination_ip)
    service = ztunnel.service_at(request.destination_ip, client.namespace) if known is None else None
    if service is not None:
        return leaving.to_service(service)
    if known is not None:
        return leaving.to_workload(known)
    return leaving.as_it_is(f"{request.destination_ip or request.host} belongs to nothing that ztunnel knows")


@dataclass(slots=True)
class _Leaving:
    ztunnel: Ztunnel
    directory: Directory
    request: Request
    client: Workload
    steps: list[Step] = field(default_factory=list)

    def to_service(self, service: Json) -> Hop:
        """Go to the waypoint of a service, else to one of its workloads."""
        host, address = service.get("hostname", ""), self.request.destination_ip
        record = self.directory.services.get(host)
        source = record.source if record is not None else None
        self.steps.append(
            Step(kind=StepKind.SERVICE, chosen=host, because=f"{address} is an address of it", document=source)
        )
        if waypoint := service.get("waypoint"):
            return self._to_waypoint(waypoint, f"the service is reached through {waypoint.get('destination')}")
        if (service.get("loadBalancer") or {}).get("mode") == "Passthrough":
            return self.as_it_is("the service leaves the choice of the address to the client")
        options = self.ztunnel.upstreams(service, self.request.port, self._own)
        if not options:
            return self._nowhere(f"no healthy workload of {host} listens on port {self.request.port}")
        return self._to_one_of(options)

    def to_workload(self, workload: Json) -> Hop:
        """Go to the waypoint of a workload, unless this is it, else to the workload."""
        request = self.request
        waypoint = workload.get("waypoint")
        if waypoint and not any(identity(each.workload) == self.client.identity for each in self._behind(waypoint)):
            return self._to_waypoint(waypoint, f"the workload is reached through {waypoint.get('destination')}")
        return self._to_one_of([Upstream(workload=workload, address=request.destination_ip, port=request.port)])

    def as_it_is(self, because: str) -> Hop:
        """Pass the connection on to the address that the client dialled."""
        address, port = self.request.destination_ip, self.request.port
        self.steps.append(Step(kind=StepKind.ENDPOINT, chosen=endpoint(address, port), because=because))
        return self._hop(
            Forwarded(
                cluster="",
                shares=(),
                address=address or self.request.host,
                port=port,
                request=self.request,
                original_destination=True,
                outside=True,
            )
        )

    @property
    def _own(self) -> Json:
        found = (self.ztunnel.workload_at(address) for address in self.client.addresses)
        return next((each for each in found if each is not None), {})

    def _behind(self, waypoint: Json) -> Sequence[Upstream]:
        return self.ztunnel.gateway(waypoint, self._own)

    def _to_waypoint(self, waypoint: Json, because: str) -> Hop:
        options = self._behind(waypoint)
        if not options:
            return self._nowhere(f"{because}, of which no healthy workload is known")
        chosen = _pick(options, self.request.random)
        name = f"{chosen.workload.get('name', '')}.{chosen.workload.get('namespace', '')}"
        found = self.directory.workload_at(chosen.address)
        source = found.source if found is not None else None
        self.steps.append(Step(kind=StepKind.WAYPOINT, chosen=name, because=because, document=source))
        return self._hop(
            Forwarded(
                cluster="",
                shares=(),
                address=self.request.destination_ip,
                port=self.request.port,
                request=self.request,
                tls=Tls.MUTUAL,
                tunnel="hbone",
                via=endpoint(chosen.address, chosen.port),
            )
        )

    def _to_one_of(self, options: Sequence[Upstream]) -> Hop:
        chosen = _pick(options, self.request.random)
        found = self.directory.workload_at(chosen.address)
        name = chosen.workload.get("name", "")
        tunnelled = chosen.takes_hbone
        why = f"{name} takes HBONE" if tunnelled else f"{name} takes plain TCP: nothing in front of it ends a tunnel"
        self.steps += [
            Step(
                kind=StepKind.ENDPOINT,
                chosen=endpoint(chosen.address, chosen.port),
                because=f"workload {name}",
                document=found.source if found is not None else None,
            ),
            Step(kind=StepKind.TRANSPORT, chosen="mutual TLS" if tunnelled else "plain text", because=why),
        ]
        sent = replace(self.request, destination_ip=chosen.address, port=chosen.port)
        return self._hop(
            Forwarded(
                cluster="",
                shares=(),
                address=chosen.address,
                port=chosen.port,
                request=sent,
                tls=Tls.MUTUAL if tunnelled else Tls.NONE,
                tunnel="hbone" if tunnelled else "",
                alternatives=tuple(endpoint(one.address, one.port) for one in options if one is not chosen),
            )
        )

    def _nowhere(self, because: str) -> Hop:
        self.steps.append(Step(kind=StepKind.ENDPOINT, chosen="none", because=because))
        return self._hop(None, Verdict(disposition=Disposition.NO_HEALTHY_ENDPOINT, details="no healthy upstream"))

    def _hop(self, forwarded: Forwarded | None, verdict: Verdict = _DELIVERED) -> Hop:
        return Hop(
            proxy=self.ztunnel.carrier(self.client.addresses),
            direction=Direction.OUTBOUND,
            steps=tuple(self.steps),
            verdict=verdict,
            forwarded=forwarded,
        )


def inbound(ztunnel: Ztunnel, request: Request, server: Workload, *, peer: str) -> Hop:
    """Judge a connection to a workload; `peer` is the identity shown in the tunnel, empty without one."""
    known = ztunnel.workload_at(request.destination_ip) or {"namespace": server.namespace}
    peers = Peers(
        source_ip=request.source_ip,
        destination_ip=request.destination_ip,
        destination_port=request.port,
        identity=peer,
    )
    judgement = judge(ztunnel.policies(known), peers)
    word = "allowed" if judgement.allowed else "denied"
    step = Step(
        kind=StepKind.RBAC,
        chosen=f"{word} by {judgement.policy}" if judgement.policy else word,
        because=judgement.because,
        rejected=judgement.rejected,
        details={"policy": judgement.policy, "allowed": judgement.allowed},
    )
    proxy = ztunnel.carrier(server.addresses)
    if judgement.allowed:
        forwarded = Forwarded(cluster="", shares=(), address=request.destination_ip, port=request.port, request=request)
        return Hop(proxy=proxy, direction=Direction.INBOUND, steps=(step,), verdict=_DELIVERED, forwarded=forwarded)
    denied = (
        f"explicitly denied by: {judgement.policy}" if judgement.policy else "allow policies exist, but none allowed"
    )
    verdict = Verdict(disposition=Disposition.DENIED, details=denied)
    return Hop(proxy=proxy, direction=Direction.INBOUND, steps=(step,), verdict=verdict)


def _pick(options: Sequence[Upstream], random: float | None) -> Upstream:
    """Choose by capacity; without a number, one of those with the most."""
    weights = [int(each.workload.get("capacity") or 1) for each in options]
    if random is None:
        return options[weights.index(max(weights))]
    left = random * sum(weights)
    for each, weight in zip(options, weights, strict=True):
        left -= weight
        if left < 0:
            return each
    return options[-1]

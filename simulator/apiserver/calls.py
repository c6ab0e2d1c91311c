"""Requests that pods make: the predictor decides how they end and who answers them.

Proxies decide by their present configuration, faults included. Random choices are spread evenly over successive calls:
of ten calls, one meets a share of ten per cent.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime

from simulator.apiserver.fault_board import FaultBoard, Playing
from simulator.apiserver.machines import Machines, identity, is_proxy_port
from simulator.apiserver.ports import PodRequest
from simulator.apiserver.storage import Key, ObjectStore
from simulator.apiserver.world import World
from simulator.envoy.config import Config, Conversions
from simulator.istiod.pages import Page
from simulator.istiod.ztunnel_dump import ztunnel_dump
from simulator.model.directory import Directory, Workload
from simulator.model.proxies import ProxyId, Role
from simulator.model.requests import Request
from simulator.model.traces import Disposition, Trace
from simulator.model.wire import Json
from simulator.traffic.answers import Broken, Response, response_to, seconds_of_faults
from simulator.traffic.follow import follow
from simulator.traffic.ztunnel_state import Ztunnel

_GOLDEN = 0.6180339887498949
PROXY_CONTAINER = "istio-proxy"
_GATEWAYS = frozenset({Role.GATEWAY, Role.WAYPOINT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of a request: its trace, and the response that its client reads."""

    trace: Trace
    answer: Response | Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """Configurations of proxies that were read already, valid for one world and the faults played in it."""

    world: World
    playing: Sequence[Playing]
    read: dict[ProxyId, Config] = field(default_factory=dict)
    convert: Conversions = field(default_factory=Conversions)


class Calls:
    """Makes requests in the mesh as it is now."""

    def __init__(
        self, machines: Machines, store: ObjectStore, faults: FaultBoard, *, now: Callable[[], datetime]
    ) -> None:
        self._machines = machines
        self._store = store
        self._faults = faults
        self._now = now
        self._made = 0
        self._kept: _Kept | None = None

    async def make(
        self, pod: Json, request: Request, *, container: str = "", resolve: Mapping[str, str] | None = None
    ) -> Ended:
        """Predict the end of a request that a container of a pod makes.

        Requests of the proxy's own container are not redirected to the proxy.
        """

        def sender(directory: Directory) -> tuple[Workload | None, Request]:
            return _sender(directory, pod, by_proxy=container == PROXY_CONTAINER), request

        return await self._ended(sender, resolve or {})

    async def answer(self, asked: PodRequest) -> Page:
        """Answer at a port of an application or a gateway, reached from within its pod.

        Raises ConnectionResetError where the connection brings no response.
        """
        hosts = [value for name, value in asked.headers if name.lower() == "host"]
        request = Request(
            host="127.0.0.1", port=asked.port, method=asked.method, target=asked.target,
            headers=tuple(field for field in asked.headers if field[0].lower() != "host"),
            authority=hosts[0] if hosts else None,
        )  # fmt: skip

        def sender(directory: Directory) -> tuple[Workload | None, Request]:
            name = identity(asked.pod)
            found = directory.workload(name.name, name.namespace)
            if found is not None and found.role in _GATEWAYS:
                return None, replace(request, host=found.addresses[0])
            return _sender(directory, asked.pod, by_proxy=False), request

        ended = await self._ended(sender, {})
        await asyncio.sleep(seconds_of_faults(ended.trace))
        if isinstance(ended.answer, Broken):
            raise ConnectionResetError(ended.trace.disposition.meaning)
        return _page(ended.answer)

    async def _ended(
        self, sender: Callable[[Directory], tuple[Workload | None, Request]], resolve: Mapping[str, str]
    ) -> Ended:
        chance = (0.5 + self._made * _GOLDEN) % 1
        self._made += 1

        def question(world: World) -> Trace:
            directory = world.directory()
            source, request = sender(directory)
            return follow(
                replace(directory, resolve=resolve), self._configurations(world), replace(request, random=chance),
                source, ztunnels=lambda: _ztunnel(world),
            )  # fmt: skip

        trace = await self._machines.ask(question)
        date = format_datetime(self._now(), usegmt=True)
        answer = response_to(trace, application=_application(trace, date=date), date=date)
        page = await self._of_simulated_port(trace)
        return Ended(trace=trace, answer=page if page is not None and isinstance(answer, Response) else answer)

    def _configurations(self, world: World) -> Callable[[ProxyId], Config]:
        """Return a reader of proxies' configurations, cached until the mesh or the faults change."""
        playing = self._faults.playing
        if self._kept is None or self._kept.world is not world or self._kept.playing is not playing:
            self._kept = _Kept(world=world, playing=playing)
        holds, kept = self._faults.holder(world), self._kept

        def configuration(name: ProxyId) -> Config:
            if name not in kept.read:
                faulty = any(each.fault.hits(name) for each in playing)
                document = holds(name) if faulty else world.configuration(name)
                kept.read[name] = Config.read(document, convert=kept.convert)
            return kept.read[name]

        return configuration

    async def _of_simulated_port(self, trace: Trace) -> Response | None:
        """Return what the proxy in the destination's pod answers on a port of its own; None for any other port."""
        port = trace.arrival[-1].details.get("port") if trace.arrival else None
        name, _, namespace = trace.destination.rpartition(".")
        if trace.disposition is not Disposition.DELIVERED or not isinstance(port, int):
            return None
        pod = self._store.get(Key("pods", namespace, name))
        if pod is None or not is_proxy_port(pod, port):
            return None
        request = trace.request
        asked = PodRequest(pod=pod, port=port, method=request.method, target=request.target, headers=request.headers)
        return of_page(await self._machines.answer(asked))


def of_page(page: Page) -> Response:
    """Return the answer of a simulated program as a response."""
    fields = (("content-type", page.content_type), ("content-length", str(len(page.body))), *page.headers)
    return Response(status=page.status, fields=fields, body=page.body)


def _page(response: Response) -> Page:
    fields = {name: value for name, value in response.fields if name not in ("content-length", "date")}
    kind = fields.pop("content-type", "text/plain")
    return Page(body=response.body, status=response.status, content_type=kind, headers=tuple(fields.items()))


def _ztunnel(world: World) -> Ztunnel | None:
    return Ztunnel.read(ztunnel_dump(world.snapshot)) if world.snapshot.ztunnels else None


def _sender(directory: Directory, pod: Json, *, by_proxy: bool) -> Workload:
    name = identity(pod)
    found = directory.workload(name.name, name.namespace)
    if found is None:
        addresses = tuple(each.get("ip", "") for each in (pod.get("status") or {}).get("podIPs") or ())
        return Workload(name=name.name, namespace=name.namespace, addresses=addresses)
    alone = by_proxy or found.role in _GATEWAYS
    return replace(found, proxy=None, role=None) if alone else found


def _application(trace: Trace, *, date: str) -> Response:
    """Return the stand-in for an application's response, which names the workload that got the request."""
    details = trace.arrival[-1].details if trace.arrival else {}
    last = next((hop.forwarded.request for hop in reversed(trace.hops) if hop.forwarded is not None), trace.request)
    where = f" on port {details['port']}" if "port" in details else ""
    undeclared = ", which it does not declare" if details.get("undeclared") else ""
    what = f"{last.method} {last.target}"
    if trace.disposition is Disposition.DELIVERED:
        words = f"{trace.destination} got {what}{where}{undeclared}; applications are not simulated\n"
    else:
        words = f"{trace.destination or trace.request.host}, outside the mesh, got {what}; its answer is not known\n"
    body = words.encode()
    fields = (("content-length", str(len(body))), ("content-type", "text/plain"), ("date", date))
    return Response(status=200, fields=fields, body=body)

"""What runs in pods: Envoy, ztunnel or istiod behind their ports, each answering from the present world."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar
from urllib.parse import parse_qsl

from simulator.apiserver.control import Scopes
from simulator.apiserver.fault_board import FaultBoard
from simulator.apiserver.injection_webhook import PORT as WEBHOOK
from simulator.apiserver.injection_webhook import answer as injected
from simulator.apiserver.keeper import Keeper
from simulator.apiserver.ports import PodRequest
from simulator.apiserver.workload_certificates import WorkloadCertificates
from simulator.apiserver.world import World
from simulator.istiod.certificates_page import certificates as certificates_page
from simulator.istiod.debug import Istiod, debug_page, version_page
from simulator.istiod.envoy_admin import admin_page
from simulator.istiod.loggers import Loggers, ZtunnelLevel
from simulator.istiod.pages import Page, document, text
from simulator.istiod.sync import TYPE_NAMES, Push
from simulator.istiod.ztunnel_dump import ztunnel_dump, ztunnel_page
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

T = TypeVar("T")
ENVOY_ADMIN, AGENT_STATS, ENVOY_READY, ENVOY_STATS = 15000, 15020, 15021, 15090
ISTIOD_DEBUG, ISTIOD_MONITORING, CONTROLZ = 8080, 15014, 9876
_ISTIOD = frozenset({ISTIOD_DEBUG, ISTIOD_MONITORING, CONTROLZ, WEBHOOK})
_ENVOY = frozenset({ENVOY_ADMIN, AGENT_STATS, ENVOY_READY, ENVOY_STATS})
_ZTUNNEL = frozenset({ENVOY_ADMIN, AGENT_STATS, ENVOY_READY})


def _labels(pod: Json) -> Mapping[str, str]:
    return pod["metadata"].get("labels") or {}


def is_istiod(pod: Json) -> bool:
    """Tell whether a pod runs istiod."""
    return _labels(pod).get("app") == "istiod"


def is_ztunnel(pod: Json) -> bool:
    """Tell whether a pod runs ztunnel."""
    return _labels(pod).get("app") == "ztunnel"


def has_envoy(pod: Json) -> bool:
    """Tell whether a pod has a proxy container."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return any(container.get("name") == "istio-proxy" for container in containers)


def is_proxy_port(pod: Json, port: int) -> bool:
    """Tell whether a port belongs to the proxy in a pod and accepts requests from other pods."""
    return port != ENVOY_ADMIN and ((has_envoy(pod) and port in _ENVOY) or (is_ztunnel(pod) and port in _ZTUNNEL))


def identity(pod: Json) -> ProxyId:
    """Return the name of a pod's proxy."""
    return ProxyId(pod["metadata"]["name"], pod["metadata"].get("namespace", ""))


def revision_of(pod: Json) -> str | None:
    """Return the revision that an istiod pod serves; None where it serves every proxy."""
    return _labels(pod).get("istio.io/rev")


class Machines:
    """The programs of all pods. Their log levels outlive changes of the world."""

    def __init__(
        self, keeper: Keeper, clock: Callable[[], str], faults: FaultBoard, *, certificates: WorkloadCertificates
    ) -> None:
        self._keeper = keeper
        self._certificates = certificates
        self._faults = faults
        self._clock = clock
        self._loggers: dict[ProxyId, Loggers] = {}
        self._levels: dict[ProxyId, ZtunnelLevel] = {}
        self._scopes: dict[ProxyId, Scopes] = {}
        self._push = Push(version="", time="")
        self._pushed = -1
        self._lock = asyncio.Lock()

    def listens(self, pod: Json, port: int) -> bool:
        """Tell whether something in a pod answers HTTP on a port."""
        if is_istiod(pod):
            return port in _ISTIOD and not self._faults.is_down(identity(pod))
        if is_ztunnel(pod):
            return port in _ZTUNNEL
        return self.runs(pod, port) or port in _declared(pod)

    def runs(self, pod: Json, port: int) -> bool:
        """Tell whether a simulated program answers on a port, not an application."""
        return is_istiod(pod) or is_ztunnel(pod) or (has_envoy(pod) and port in _ENVOY)

    async def answer(self, request: PodRequest) -> Page:
        """Answer a request to a port for which `runs` holds."""
        if is_istiod(request.pod):
            return await self._istiod(request)
        if is_ztunnel(request.pod):
            return await self._ztunnel(request)
        return await self._envoy(request)

    async def ask(self, question: Callable[[World], T]) -> T:
        """Return the answer of `question` about the present world, computed in a worker thread, one at a time."""
        world = await self._keeper.world()
        async with self._lock:
            return await asyncio.to_thread(question, world)

    def istiod(self, world: World, pod: Json) -> Istiod:
        """Return the istiod in a pod."""
        if self._pushed != self._keeper.generation:
            self._pushed, time = self._keeper.generation, self._clock()
            self._push = Push(version=f"{time}/{self._pushed + 1}", time=time)
        snapshot = world.snapshot
        names = [proxy.id for proxy in (*snapshot.proxies, *snapshot.ztunnels)]
        return Istiod(
            snapshot=snapshot,
            config_dump=world.config_dump,
            push=replace(self._push, deviations=self._faults.deviations(names)),
            revision=revision_of(pod) if self._several_revisions() else None,
            disconnected=self._faults.disconnected(names),
        )

    def _several_revisions(self) -> bool:
        pods = self._keeper.store.list("pods", None)
        return len({revision_of(pod) for _, pod in pods if is_istiod(pod)}) > 1

    async def _envoy(self, request: PodRequest) -> Page:
        name, (path, _) = identity(request.pod), _target(request)
        if request.port == ENVOY_READY:
            return text("") if path.startswith("/healthz/ready") else text("404 page not found\n", status=404)
        if request.port != ENVOY_ADMIN:
            if path != "/stats/prometheus":
                return text("404 page not found\n", status=404)
            request = PodRequest(pod=request.pod, port=ENVOY_ADMIN, method="GET", target="/stats/prometheus")
        loggers = self._loggers.setdefault(name, Loggers())

        def page(world: World) -> Page:
            holds, met = self._faults.holder(world), self._faults.circumstances(name)

            def held() -> Json:
                return self._certificates.in_envoy(holds(name), trust_domain=world.snapshot.trust_domain)

            try:
                if path == "/certs":
                    return document(certificates_page(held(), now=self._certificates.now()), indent=1)
                return admin_page(held, request.method, request.target, loggers, met)
            except KeyError:
                return text("this proxy has no configuration: it is not part of the mesh\n", status=503)

        return await self.ask(page)

    async def _ztunnel(self, request: PodRequest) -> Page:
        path, query = _target(request)
        if request.port != ENVOY_ADMIN:
            return text("")
        if path == "/logging":
            level = self._levels.setdefault(identity(request.pod), ZtunnelLevel())
            return level.post(dict(parse_qsl(query, keep_blank_values=True)))
        node = (request.pod.get("spec") or {}).get("nodeName", "")

        def page(world: World) -> Page:
            if path != "/config_dump":
                return ztunnel_page(world.snapshot, path, node=node)
            return document(self._certificates.in_ztunnel(ztunnel_dump(world.snapshot, node=node)), indent=2)

        return await self.ask(page)

    async def _istiod(self, request: PodRequest) -> Page:
        path, query = _target(request)
        await asyncio.sleep(self._faults.istiod_delay(identity(request.pod)))
        if request.port == CONTROLZ:
            scopes = self._scopes.setdefault(identity(request.pod), Scopes())
            return scopes.answer(request.method, path, request.body)
        if request.port == WEBHOOK:
            revision = revision_of(request.pod) or "default"
            return await self.ask(lambda world: injected(world.state, path, request.body, revision=revision))
        if path in ("/ready", "/healthz/ready"):
            return text("")
        if path == "/metrics":
            return await self.ask(lambda world: _metrics(self.istiod(world, request.pod)))
        if path == "/version":
            return await self.ask(lambda world: version_page(self.istiod(world, request.pod)))
        if path == "/debug" or path.startswith("/debug/"):
            target = path + (f"?{query}" if query else "")
            return await self.ask(lambda world: debug_page(self.istiod(world, request.pod), target))
        return text("404 page not found\n", status=404)


def _target(request: PodRequest) -> tuple[str, str]:
    """Return path and query; `//version`, which istioctl asks for, is `/version`."""
    path, _, query = request.target.partition("?")
    return "/" + path.strip("/"), query


def _declared(pod: Json) -> frozenset[int]:
    ports = [
        port.get("containerPort")
        for container in (pod.get("spec") or {}).get("containers") or ()
        for port in container.get("ports") or ()
    ]
    return frozenset(port for port in ports if isinstance(port, int))


def _metrics(istiod: Istiod) -> Page:
    lines = [
        "# TYPE pilot_xds gauge",
        f'pilot_xds{{version="{istiod.version}"}} {len(istiod.proxies)}',
        "# TYPE pilot_services gauge",
        f"pilot_services {len(istiod.snapshot.services)}",
    ]
    names = {url: name.lower() for name, url in TYPE_NAMES.items()}
    rejected = Counter(names[url] for (_, url), deviation in istiod.push.deviations.items() if deviation.error)
    if rejected:
        lines.append("# TYPE pilot_total_xds_rejects counter")
        lines.extend(f'pilot_total_xds_rejects{{type="{name}"}} {count}' for name, count in sorted(rejected.items()))
    return text("".join(f"{line}\n" for line in lines))

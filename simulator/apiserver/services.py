"""The parts of a served cluster, and their assembly."""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.apiserver.authorization import Authorizer
from simulator.apiserver.calls import Calls
from simulator.apiserver.commands import Commands
from simulator.apiserver.curl import Curl
from simulator.apiserver.emulator import Emulator
from simulator.apiserver.fault_board import FaultBoard
from simulator.apiserver.furniture import ISTIO_ROOT, KUBERNETES_ROOT, has_istiod
from simulator.apiserver.injection_webhook import PORT as WEBHOOK
from simulator.apiserver.keeper import Keeper
from simulator.apiserver.machines import Machines, is_istiod
from simulator.apiserver.neighbours import Neighbours
from simulator.apiserver.ports import PodPorts, PodRequest
from simulator.apiserver.reviews import Reviews, Tokens
from simulator.apiserver.sockets import XdsSockets
from simulator.apiserver.storage import ObjectStore
from simulator.apiserver.tls import Authority
from simulator.apiserver.workload_certificates import WorkloadCertificates
from simulator.apiserver.world import Derive
from simulator.faults.model import Fault
from simulator.istiod.pages import Page
from simulator.model.resources import Resource
from simulator.model.wire import Json

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Everything that answers requests, independent of HTTP."""

    now: Now
    authority: Authority
    keeper: Keeper
    emulator: Emulator
    authorizer: Authorizer
    tokens: Tokens
    reviews: Reviews
    machines: Machines
    ports: PodPorts
    commands: Commands
    sockets: XdsSockets
    faults: FaultBoard

    async def close(self) -> None:
        """Stop background work."""
        await self.sockets.close()
        await self.keeper.close()


def cluster_of(
    resources: Sequence[Resource], derive: Derive, *, seed: bytes, now: Now = utc_now, faults: Sequence[Fault] = ()
) -> Cluster:
    """Assemble a cluster that holds `resources` and plays `faults` from its start."""

    def clock() -> str:
        return now().strftime("%Y-%m-%dT%H:%M:%SZ")

    authority = Authority(seed, now=now())
    store = ObjectStore(clock)
    board = FaultBoard(faults)
    certificates = WorkloadCertificates(seed, now)
    roots = {KUBERNETES_ROOT: authority.root.decode()}
    if has_istiod(resources):
        roots[ISTIO_ROOT] = certificates.root.decode()
    keeper = Keeper(store, board.deriving(derive), resources, roots=roots)
    board.begun(keeper.latest)
    tokens = Tokens(store, now, expired=board.tokens_expired)
    authorizer = Authorizer(store, forbids=board.forbids)
    machines = Machines(keeper, clock, board, certificates=certificates)
    sockets = XdsSockets(keeper=keeper, machines=machines, tokens=tokens, authority=authority, faults=board)

    calls = Calls(machines, store, board, now=now)
    ports = _ports(machines, calls, sockets, certificates)
    return Cluster(
        now=now,
        authority=authority,
        keeper=keeper,
        emulator=Emulator(keeper, clock, issuer=tokens),
        authorizer=authorizer,
        tokens=tokens,
        reviews=Reviews(authorizer, tokens),
        machines=machines,
        ports=ports,
        commands=Commands(ports, Curl(ports, Neighbours(store, ports), calls)),
        sockets=sockets,
        faults=board,
    )


def _ports(machines: Machines, calls: Calls, sockets: XdsSockets, certificates: WorkloadCertificates) -> PodPorts:
    """Return the ports of pods: simulated programs answer, and the predictor answers for applications."""

    async def answer(request: PodRequest) -> Page:
        return await (machines if machines.runs(request.pod, request.port) else calls).answer(request)

    def secured(pod: Json, port: int) -> ssl.SSLContext | None:
        namespace = str(pod["metadata"].get("namespace", ""))
        is_webhook = port == WEBHOOK and is_istiod(pod)
        return certificates.istiod(namespace).server_context() if is_webhook else None

    return PodPorts(answer=answer, listens=machines.listens, sockets=sockets.path, secured=secured)

"""The socket files on which istiods' xDS ports are served, created by the first port-forward to each."""

import asyncio
import os
import shutil
import tempfile

from simulator.apiserver.fault_board import FaultBoard
from simulator.apiserver.keeper import Keeper
from simulator.apiserver.machines import Machines, identity, is_istiod
from simulator.apiserver.reviews import Tokens
from simulator.apiserver.tls import Authority
from simulator.apiserver.xds import DebugXds
from simulator.istiod.debug import Istiod
from simulator.model.wire import Json

XDS_TLS, XDS_PLAIN = 15012, 15010


class XdsSockets:
    """xDS servers by pod and port, each on a socket file in a directory that only this user can access."""

    def __init__(
        self, *, keeper: Keeper, machines: Machines, tokens: Tokens, authority: Authority, faults: FaultBoard
    ) -> None:
        self._faults = faults
        self._keeper = keeper
        self._machines = machines
        self._tokens = tokens
        self._authority = authority
        self._directory = ""
        self._servers: dict[tuple[str, int], tuple[DebugXds, str]] = {}
        self._lock = asyncio.Lock()

    async def path(self, pod: Json, port: int) -> str | None:
        """Return the socket file behind a port; None when it is no xDS port."""
        if port not in (XDS_TLS, XDS_PLAIN) or not is_istiod(pod) or self._faults.is_down(identity(pod)):
            return None
        async with self._lock:
            if not self._directory:
                self._directory = tempfile.mkdtemp(prefix="mesh-xds-")
            name = identity(pod)
            key = (str(name), port)
            path = os.path.join(self._directory, f"{len(self._servers)}.sock")
            if key not in self._servers:
                server = self._server(pod)
                hosts = ("istiod.istio-system.svc", "localhost", f"istiod.{name.namespace}.svc")
                certificate = self._authority.issue("istiod", hosts=hosts) if port == XDS_TLS else None
                await asyncio.to_thread(server.start, path, certificate)
                self._servers[key] = (server, path)
            return self._servers[key][1]

    def _server(self, pod: Json) -> DebugXds:
        loop = asyncio.get_running_loop()

        def present() -> Istiod:
            world = asyncio.run_coroutine_threadsafe(self._keeper.world(), loop).result(60)
            return self._machines.istiod(world, pod)

        def delay() -> float:
            return self._faults.istiod_delay(identity(pod))

        return DebugXds(pod=pod["metadata"]["name"], istiod=present, user=self._tokens.user, delay=delay)

    async def close(self) -> None:
        """Stop all servers and remove their files."""
        for server, _ in self._servers.values():
            await asyncio.to_thread(server.stop)
        if self._directory:
            await asyncio.to_thread(shutil.rmtree, self._directory, True)

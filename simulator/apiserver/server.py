"""A served cluster: a TLS listener on loopback, from its start to its clean end."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.apiserver.door import Door
from simulator.apiserver.handlers import Handlers
from simulator.apiserver.kubeconfig import kubeconfig
from simulator.apiserver.services import Cluster, Now, cluster_of, utc_now
from simulator.apiserver.world import Derive
from simulator.faults.model import Fault
from simulator.model.resources import Resource
from simulator.model.wire import Json

ADDRESS = "127.0.0.1"
MAX_BODY = 3 * 1024 * 1024
MAX_LINE = 64 * 1024


def _quiet_logger() -> logging.Logger:
    """Return a logger that ignores malformed requests: they are answered, and are their sender's mistake."""
    logger = logging.getLogger("simulator.apiserver.http")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A cluster that is being served."""

    cluster: Cluster
    url: str
    kubeconfig: Json


class ApiServer:
    """Serves the cluster of some resources on a port of 127.0.0.1; 0 chooses a free one."""

    def __init__(
        self,
        resources: Sequence[Resource],
        derive: Derive,
        *,
        port: int = 0,
        seed: bytes = b"",
        now: Now = utc_now,
        faults: Sequence[Fault] = (),
    ) -> None:
        self._faults = faults
        self._resources = resources
        self._derive = derive
        self._port = port
        self._seed = seed
        self._now = now
        self._listener: asyncio.Server | None = None
        self._http: Any = None
        self._cluster: Cluster | None = None

    async def start(self) -> Served:
        """Derive the world, then listen."""
        import os

        from aiohttp import web
        from aiohttp.web_request import BaseRequest

        seed = self._seed or os.urandom(32)
        cluster = self._cluster = self._put_together(seed)
        identity = cluster.authority.issue("kube-apiserver", hosts=(ADDRESS, "localhost", "::1"))
        loop = asyncio.get_running_loop()
        handlers: Callable[[BaseRequest], Any] | None = None

        async def handle(request: BaseRequest) -> web.StreamResponse:
            assert handlers is not None
            response: web.StreamResponse = await handlers(request)
            return response

        def make(*parts: Any) -> BaseRequest:
            message, payload, protocol, writer, task = parts
            return BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)

        http: Any = web.Server(
            handle,
            request_factory=make,
            handler_cancellation=True,
            keepalive_timeout=60.0,
            access_log=None,
            logger=_quiet_logger(),
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
        )
        self._http = http
        self._listener = await loop.create_server(
            lambda: Door(cluster, http), ADDRESS, self._port, ssl=identity.server_context(), backlog=256
        )
        number = self._listener.sockets[0].getsockname()[1]
        handlers = Handlers(cluster, server=f"{ADDRESS}:{number}")
        url = f"https://{ADDRESS}:{number}"
        config = kubeconfig(server=url, root=cluster.authority.root, token=cluster.tokens.admin)
        return Served(cluster=cluster, url=url, kubeconfig=config)

    def _put_together(self, seed: bytes) -> Cluster:
        return cluster_of(self._resources, self._derive, seed=seed, now=self._now, faults=self._faults)

    async def close(self) -> None:
        """Stop listening and end all connections."""
        if self._listener is not None:
            self._listener.close()
        if self._http is not None:
            await self._http.shutdown(0.1)
        if self._cluster is not None:
            await self._cluster.close()


SWITCH_SECONDS = 0.001
"""Switch interval (seconds) while a thread derives the world: with Python's 5 ms, requests would visibly wait."""


async def serve_until_stopped(server: ApiServer, ready: Callable[[Served], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is called once requests are answered."""
    sys.setswitchinterval(SWITCH_SECONDS)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        ready(await server.start())
        await stopped.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        await server.close()

"""The ports of pods: requests to them, and byte streams that lead there.

HTTP ports are served in process over a pair of connected sockets, so that no port of the machine is opened; xDS ports
lead to a gRPC server on a socket file.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from simulator.istiod.pages import Page
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRequest:
    """An HTTP request to a port of a pod."""

    pod: Json
    port: int
    method: str
    target: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


Answer = Callable[[PodRequest], Awaitable[Page]]


class Refused(Exception):
    """Nothing listens on the port."""

    def __init__(self, pod: Json, port: int) -> None:
        name, namespace = pod["metadata"]["name"], pod["metadata"].get("namespace", "")
        super().__init__(
            f'failed to connect to localhost:{port} inside namespace "{name}_{namespace}", '
            f"IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused "
        )


class PodPorts:
    """Opens connections to ports of pods.

    `sockets` returns the socket file of a port that is not HTTP, `secured` the TLS context of a port that needs one.
    """

    def __init__(
        self,
        *,
        answer: Answer,
        listens: Callable[[Json, int], bool],
        sockets: Callable[[Json, int], Awaitable[str | None]],
        secured: Callable[[Json, int], ssl.SSLContext | None] = lambda pod, port: None,
    ) -> None:
        self._answer = answer
        self._listens = listens
        self._sockets = sockets
        self._secured = secured

    async def request(self, request: PodRequest) -> Page:
        """Answer one HTTP request. Raises Refused."""
        if not self._listens(request.pod, request.port):
            raise Refused(request.pod, request.port)
        return await self._answer(request)

    async def connect(self, pod: Json, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection. Raises Refused."""
        path = await self._sockets(pod, port)
        if path:
            return await asyncio.open_unix_connection(path)
        if not self._listens(pod, port):
            raise Refused(pod, port)
        ours, theirs = socket.socketpair()
        await _serve(theirs, pod, port, self._answer, self._secured(pod, port))
        return await asyncio.open_connection(sock=ours)


async def _serve(
    connection: socket.socket, pod: Json, port: int, answer: Answer, secured: ssl.SSLContext | None
) -> None:
    from aiohttp import web

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        target = request.raw_path if isinstance(request, web.BaseRequest) else "/"
        asked = PodRequest(
            pod=pod, port=port, method=request.method, target=target, body=await request.read(),
            headers=tuple(request.headers.items()),
        )  # fmt: skip
        try:
            page = await answer(asked)
        except ConnectionResetError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)
        response = web.Response(status=page.status, body=page.body, headers=dict(page.headers))
        response.headers["Content-Type"] = page.content_type
        response.headers.setdefault("Server", "envoy")
        return response

    server: Any = web.Server(handle, keepalive_timeout=5.0, access_log=None)
    accepted = asyncio.get_running_loop().connect_accepted_socket(server, connection, ssl=secured)
    if secured is None:
        await accepted
    else:  # the handshake waits for the other side, which connects later
        asyncio.get_running_loop().create_task(_quietly(accepted))


async def _quietly(work: Coroutine[Any, Any, Any]) -> None:
    with contextlib.suppress(OSError):
        await work


async def pipe(
    incoming: asyncio.StreamReader,
    write: Callable[[bytes], Awaitable[None] | None],
    finish: Callable[[], object],
) -> None:
    """Copy bytes until the end of `incoming`, then call `finish`."""
    try:
        while data := await incoming.read(1 << 16):
            waiting = write(data)
            if waiting is not None:
                await waiting
    except (ConnectionError, asyncio.IncompleteReadError, OSError):
        pass
    finally:
        finish()

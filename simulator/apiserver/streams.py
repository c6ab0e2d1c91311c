"""`portforward` and `exec` over their three transports: WebSocket channels, SPDY, and SPDY inside a WebSocket."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.apiserver.exec import WEBSOCKET_PROTOCOLS, StreamExecutor, container_of, outcome_of, over_channels
from simulator.apiserver.outcomes import Outcome
from simulator.apiserver.portforward import TUNNEL, ChannelForwarder, StreamForwarder
from simulator.apiserver.services import Cluster
from simulator.apiserver.spdy import Session, Stream
from simulator.apiserver.spdy_frames import ProtocolError
from simulator.apiserver.statuses import StatusError, bad_request
from simulator.model.wire import Json

if TYPE_CHECKING:
    from aiohttp import web

_CHANNELS = ("v4.channel.k8s.io",)
_MAX_MESSAGE = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRequest:
    """An upgraded request on a pod. `query` keeps repeated parameters."""

    pod: Json
    subresource: str
    query: Sequence[tuple[str, str]]

    def first(self, name: str) -> str:
        """Return a parameter's first value."""
        return next((value for key, value in self.query if key == name), "")

    def every(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return [value for key, value in self.query if key == name]


def check(request: StreamRequest) -> None:
    """Raise StatusError for a request that cannot be served, before the connection is upgraded."""
    phase = (request.pod.get("status") or {}).get("phase")
    if phase != "Running":
        raise bad_request(f"unable to forward port because pod is not running. Current status={phase}")
    if request.subresource == "exec":
        container_of(request.pod, request.first("container"))
        if not any(request.every("command")):
            raise bad_request("you must specify at least 1 command for the container")


class StreamRunner:
    """Serves one upgraded SPDY connection."""

    def __init__(self, cluster: Cluster, request: StreamRequest) -> None:
        self._forwarder: StreamForwarder | None = None
        self._executor: StreamExecutor | None = None
        if request.subresource == "portforward":
            self._forwarder = StreamForwarder(cluster.ports, request.pod)
        else:
            query = {name: request.first(name) for name in ("stdin", "stdout", "stderr", "tty")}
            self._executor = StreamExecutor(query, lambda: _outcome(cluster, request))

    def accept(self, stream: Stream) -> None:
        """Accept a stream that the client opened."""
        if self._forwarder is not None:
            self._forwarder.opened(stream)
        elif self._executor is not None:
            self._executor.opened(stream)

    async def finish(self, closed: asyncio.Event) -> None:
        """Wait for the end: a port-forward lasts until the client disconnects, an exec until its command ends."""
        if self._executor is not None:
            with contextlib.suppress(TimeoutError):
                await self._executor.run()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(closed.wait(), 5)
        else:
            await closed.wait()

    def close(self) -> None:
        """Stop the work in progress."""
        if self._forwarder is not None:
            self._forwarder.close()


async def serve_websocket(cluster: Cluster, http: "web.BaseRequest", request: StreamRequest) -> "web.StreamResponse":
    """Upgrade to a WebSocket and serve the request over it."""
    from aiohttp import web

    offered = [each.strip() for each in http.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    known = (TUNNEL, *_CHANNELS) if request.subresource == "portforward" else WEBSOCKET_PROTOCOLS
    chosen = next((each for each in offered if each in known), None)
    if chosen is None:
        raise StatusError(
            code=400, reason="BadRequest", message=f"unable to upgrade: no protocol of {offered} is served"
        )
    ports = forwarded_ports(request) if chosen in _CHANNELS and request.subresource == "portforward" else ()
    socket = web.WebSocketResponse(protocols=(chosen,), max_msg_size=_MAX_MESSAGE, compress=False)
    await socket.prepare(http)
    with contextlib.suppress(ConnectionError):
        if chosen == TUNNEL:
            await _tunnel(cluster, socket, request)
        elif request.subresource == "portforward":
            await _forward(cluster, socket, request, ports)
        else:
            await _execute(cluster, socket, request)
        await socket.close()
    return socket


def forwarded_ports(request: StreamRequest) -> Sequence[int]:
    """Return the ports that a WebSocket port-forward asks for. Raises StatusError."""
    texts = [text for value in request.every("ports") for text in value.split(",")]
    if not texts or not all(text.isdecimal() and 0 < int(text) < 65536 for text in texts):
        raise bad_request('query parameter "ports" is required and lists port numbers')
    if len(texts) > 64:
        raise bad_request("too many ports")
    return [int(text) for text in texts]


async def _messages(socket: "web.WebSocketResponse", take: Callable[[bytes], None]) -> None:
    from aiohttp import WSMsgType

    async for message in socket:
        if message.type is WSMsgType.BINARY:
            take(message.data)
        elif message.type is WSMsgType.TEXT:
            take(message.data.encode())


async def _tunnel(cluster: Cluster, socket: "web.WebSocketResponse", request: StreamRequest) -> None:
    runner, closed = StreamRunner(cluster, request), asyncio.Event()
    outgoing: asyncio.Queue[bytes | None] = asyncio.Queue()
    session = Session(outgoing.put_nowait, runner.accept)

    async def send() -> None:
        while (data := await outgoing.get()) is not None:
            await socket.send_bytes(data)

    sending = asyncio.create_task(send())
    finishing = asyncio.create_task(runner.finish(closed))
    try:
        with contextlib.suppress(ProtocolError):
            await _messages(socket, session.feed)
    finally:
        closed.set()
        session.close()
        runner.close()
        for task in (sending, finishing):
            task.cancel()


async def _forward(
    cluster: Cluster, socket: "web.WebSocketResponse", request: StreamRequest, ports: Sequence[int]
) -> None:
    forwarder = ChannelForwarder(cluster.ports, request.pod, ports, socket.send_bytes)
    await _until_either(forwarder.run(), _receive_all(socket, forwarder))


async def _receive_all(socket: "web.WebSocketResponse", forwarder: ChannelForwarder) -> None:
    await _messages(socket, forwarder.received)
    forwarder.ended()


async def _until_either(first: Awaitable[None], second: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(first), asyncio.ensure_future(second)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _execute(cluster: Cluster, socket: "web.WebSocketResponse", request: StreamRequest) -> None:
    outcome, status = await _outcome(cluster, request)
    query = {name: request.first(name) for name in ("stdout", "stderr")}
    await over_channels(outcome, status, query, socket.send_bytes)


async def _outcome(cluster: Cluster, request: StreamRequest) -> tuple[Outcome, Json]:
    container = container_of(request.pod, request.first("container"))
    return await outcome_of(cluster.commands, request.pod, str(container["name"]), request.every("command"))

"""Port-forward: SPDY streams in pairs (kubectl, istioctl), or WebSocket channels in pairs (client libraries).

Kubernetes: staging/src/k8s.io/kubelet/pkg/cri/streaming/portforward (httpstream.go, websocket.go).
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Sequence

from simulator.apiserver.ports import PodPorts, Refused, pipe
from simulator.apiserver.spdy import Stream
from simulator.model.wire import Json

PROTOCOL = "portforward.k8s.io"
TUNNEL = f"SPDY/3.1+{PROTOCOL}"


class StreamForwarder:
    """Pairs the error and data streams of a SPDY connection and joins each pair to a port."""

    def __init__(self, ports: PodPorts, pod: Json) -> None:
        self._ports = ports
        self._pod = pod
        self._waiting: dict[str, dict[str, Stream]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def opened(self, stream: Stream) -> None:
        """Accept a stream that the client opened."""
        kind, port = stream.headers.get("streamtype", ""), stream.headers.get("port", "")
        if kind not in ("error", "data") or not port.isdecimal() or not 0 < int(port) < 65536:
            stream.reset()
            return
        identity = stream.headers.get("requestid", f"#{stream.number - (kind == 'data') * 2}")
        pair = self._waiting.setdefault(identity, {})
        pair[kind] = stream
        if len(pair) == 2:
            del self._waiting[identity]
            task = asyncio.get_running_loop().create_task(self._join(pair["data"], pair["error"], int(port)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Stop all forwarding."""
        for task in self._tasks:
            task.cancel()

    async def _join(self, data: Stream, error: Stream, port: int) -> None:
        try:
            reader, writer = await self._ports.connect(self._pod, port)
        except (Refused, OSError) as refused:
            text = f"an error occurred forwarding {port} -> {port}: error forwarding port {port} to pod: {refused}"
            error.write(text.encode())
            error.finish()
            data.finish()
            return
        await join(reader, writer, incoming=data.reader, write=data.write, finish=data.finish)
        error.finish()


async def join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    incoming: asyncio.StreamReader,
    write: Callable[[bytes], Awaitable[None] | None],
    finish: Callable[[], object],
) -> None:
    """Copy both ways between a pod's port and a client until the port closes."""

    async def to_pod(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    def no_more() -> None:
        if writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()

    sending = asyncio.get_running_loop().create_task(pipe(incoming, to_pod, no_more))
    try:
        await pipe(reader, write, finish)
    finally:
        sending.cancel()
        writer.close()


Send = Callable[[bytes], Awaitable[None]]


class ChannelForwarder:
    """Joins the channels of a WebSocket, two a port (data, error), to the ports they were opened for."""

    def __init__(self, ports: PodPorts, pod: Json, numbers: Sequence[int], send: Send) -> None:
        self._ports = ports
        self._pod = pod
        self._numbers = numbers
        self._send = send
        self._incoming = [asyncio.StreamReader() for _ in numbers]

    def received(self, message: bytes) -> None:
        """Handle a message from the client."""
        if message and message[0] % 2 == 0 and message[0] // 2 < len(self._incoming):
            reader = self._incoming[message[0] // 2]
            if not reader.at_eof():
                reader.feed_data(message[1:])

    def ended(self) -> None:
        """Note that the client will send no more."""
        for reader in self._incoming:
            if not reader.at_eof():
                reader.feed_eof()

    async def run(self) -> None:
        """Forward until every port has closed."""
        for place, number in enumerate(self._numbers):
            for channel in (2 * place, 2 * place + 1):
                await self._send(bytes([channel]) + struct.pack("<H", number))
        await asyncio.gather(*(self._forward(place, number) for place, number in enumerate(self._numbers)))

    async def _forward(self, place: int, number: int) -> None:
        try:
            reader, writer = await self._ports.connect(self._pod, number)
        except (Refused, OSError) as refused:
            text = f"an error occurred forwarding {number}: error forwarding port {number} to pod: {refused}"
            await self._send(bytes([2 * place + 1]) + text.encode())
            return

        async def write(data: bytes) -> None:
            await self._send(bytes([2 * place]) + data)

        await join(reader, writer, incoming=self._incoming[place], write=write, finish=lambda: None)

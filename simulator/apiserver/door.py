"""Routes each new connection by its first request: SPDY upgrades are served here, everything else by aiohttp.

aiohttp supports no upgrade but WebSockets. Kubernetes' clients open a separate connection for each SPDY upgrade, so
the first request is enough to decide.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from simulator.apiserver.exec import SPDY_PROTOCOLS
from simulator.apiserver.gate import check_origin, user_of
from simulator.apiserver.handlers import stream_request
from simulator.apiserver.portforward import PROTOCOL
from simulator.apiserver.rendering import encoded
from simulator.apiserver.requests import resource_request
from simulator.apiserver.services import Cluster
from simulator.apiserver.spdy import Session
from simulator.apiserver.spdy_frames import ProtocolError
from simulator.apiserver.statuses import StatusError, bad_request, internal, no_such_path, not_found
from simulator.apiserver.streams import StreamRequest, StreamRunner, check

MAX_HEAD = 1 << 16
SECONDS_TO_SPEAK = 30.0


class _Headers(dict[str, str]):
    """Headers by name, whatever its case."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.repeated: list[tuple[str, str]] = []
        for line in lines:
            name, _, value = line.partition(":")
            self.repeated.append((name.strip().lower(), value.strip()))
            super().__setitem__(name.strip().lower(), value.strip())

    def get(self, key: str, default: Any = None) -> Any:
        """Return a header."""
        return super().get(key.lower(), default)


class Door(asyncio.Protocol):
    """One new connection."""

    def __init__(self, cluster: Cluster, http: Callable[[], asyncio.Protocol]) -> None:
        self._cluster = cluster
        self._http = http
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._session: Session | None = None
        self._closed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request, with a timeout."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(SECONDS_TO_SPEAK, transport.close)

    def data_received(self, data: bytes) -> None:
        """Handle bytes of the first request, or of the SPDY connection that it opened."""
        if self._session is not None:
            self._feed(data)
            return
        self._buffer += data
        if self._task is not None:
            return
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 and len(self._buffer) < MAX_HEAD and b"\n\n" not in self._buffer:
            return
        if self._timer is not None:
            self._timer.cancel()
        head = bytes(self._buffer[:end]).decode("latin-1").split("\r\n") if end >= 0 else []
        headers = _Headers(head[1:])
        if str(headers.get("Upgrade", "")).lower() == "spdy/3.1":
            del self._buffer[: end + 4]
            self._task = asyncio.get_running_loop().create_task(self._upgrade(head[0], headers))
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        assert self._transport is not None
        protocol = self._http()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(bytes(self._buffer))

    def _feed(self, data: bytes) -> None:
        assert self._session is not None
        assert self._transport is not None
        try:
            self._session.feed(data)
        except ProtocolError:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the work in progress."""
        if self._timer is not None:
            self._timer.cancel()
        if self._session is not None:
            self._session.close()
        self._closed.set()

    async def _upgrade(self, line: str, headers: _Headers) -> None:
        assert self._transport is not None
        await asyncio.sleep(self._cluster.faults.api_delay)
        try:
            request, protocol = self._request(line, headers)
        except StatusError as error:
            self._refuse(error)
            return
        except Exception as error:  # no request may stop the server
            self._refuse(internal(str(error)))
            return
        reply = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
        self._transport.write(f"{reply}X-Stream-Protocol-Version: {protocol}\r\n\r\n".encode())
        runner = StreamRunner(self._cluster, request)
        self._session = Session(self._transport.write, runner.accept)
        rest, self._buffer = bytes(self._buffer), bytearray()
        self._feed(rest)
        try:
            with contextlib.suppress(ConnectionError):
                await runner.finish(self._closed)
        finally:
            runner.close()
            self._transport.close()

    def _request(self, line: str, headers: _Headers) -> tuple[StreamRequest, str]:
        method, _, rest = line.partition(" ")
        target = urlsplit(rest.rpartition(" ")[0])
        check_origin(headers)
        groups = [value for name, value in headers.repeated if name == "impersonate-group"]
        user = user_of(self._cluster.tokens, headers, groups, target.path)
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        wanted = resource_request(self._cluster.keeper.catalog, method, target.path, query)
        if (
            wanted is None
            or wanted.target.type.id != "pods"
            or wanted.target.subresource not in ("portforward", "exec")
        ):
            raise no_such_path()
        self._cluster.authorizer.require(user, wanted.attributes)
        pod = self._cluster.emulator.store.get(wanted.target.key)
        if pod is None:
            raise not_found("pods", "", unquote(wanted.target.name))
        request = stream_request(pod, wanted, target.query)
        check(request)
        offered = [
            each.strip()
            for name, value in headers.repeated
            if name == "x-stream-protocol-version"
            for each in value.split(",")
        ]
        known = (PROTOCOL,) if request.subresource == "portforward" else SPDY_PROTOCOLS
        for protocol in known:
            if protocol in offered:
                return request, protocol
        raise bad_request(f"unable to upgrade: no protocol of {offered} is served")

    def _refuse(self, error: StatusError) -> None:
        assert self._transport is not None
        body = encoded(error.document())
        head = (
            f"HTTP/1.1 {error.code} {error.reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        )
        self._transport.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        self._transport.close()

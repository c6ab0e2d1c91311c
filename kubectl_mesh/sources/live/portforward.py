"""HTTP to a port of a pod, through the API server: port-forward over a WebSocket, one connection a request.

Kubernetes: staging/src/k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go. Each port has a data and an error
channel; the first message on each names the port. The Python client's own port-forward sends no impersonation headers
and has no deadline.
"""

import io
import logging
import time
from http.client import HTTPException, HTTPResponse
from typing import Any, cast
from urllib.parse import quote

from kubectl_mesh.errors import SourceError
from kubectl_mesh.sources.live.api import ApiServer
from kubectl_mesh.sources.live.websockets import open_websocket

_DATA, _ERROR = 0, 1
_log = logging.getLogger("kubectl_mesh.portforward")
_CHUNK = 1 << 16


class PortForward:
    """Sends HTTP requests to ports of pods."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    def request(self, *, namespace: str, pod: str, port: int, path: str, method: str = "GET") -> bytes:
        """Return the body that a pod's port answers with. Raises SourceError."""
        status, body = self.exchange(namespace=namespace, pod=pod, port=port, path=path, method=method)
        if status != 200:
            what, words = f"pod {pod}.{namespace} port {port}", body[:200].decode("utf-8", "replace").strip()
            raise SourceError(f"{what}: HTTP {status}: {words}" if words else f"{what}: HTTP {status}")
        return body

    def exchange(
        self, *, namespace: str, pod: str, port: int, path: str, method: str = "GET", body: bytes = b""
    ) -> tuple[int, bytes]:
        """Return status and body that a pod's port answers with. Raises SourceError when it does not answer."""
        what = f"pod {pod}.{namespace} port {port}"
        timeout = self._api.access.timeout
        deadline = time.monotonic() + timeout if timeout else None
        socket = self._open(namespace, pod, port, what=what)
        try:
            channel = Channel(socket, port, deadline, what=what)
            target = path if path.startswith("/") else f"/{path}"
            length = f"Content-Length: {len(body)}\r\n" if method != "GET" else ""
            head = f"{method} {target} HTTP/1.1\r\nHost: localhost:{port}\r\n{length}Connection: close\r\n\r\n"
            channel.send(head.encode() + body)
            status, answer = _read(channel, method, what=what)
            _log.debug("%s %s: %s: %d, %d bytes", method, target, what, status, len(answer))
            return status, answer
        finally:
            socket.close()

    def connect(self, *, namespace: str, pod: str, port: int) -> "Channel":
        """Return a byte stream to a port, open until it is closed. Raises SourceError."""
        what = f"pod {pod}.{namespace} port {port}"
        socket = self._open(namespace, pod, port, what=what)
        socket.settimeout(None)  # a browser may be silent for hours
        return Channel(socket, port, None, what=what)

    def _open(self, namespace: str, pod: str, port: int, *, what: str) -> Any:
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/portforward?ports={port}"
        return open_websocket(self._api, path, what=what)


class Channel(io.RawIOBase):
    """The data channel of one port as a byte stream."""

    def __init__(self, socket: Any, port: int, deadline: float | None, *, what: str) -> None:
        self._socket = socket
        self._port = port
        self._deadline = deadline
        self._what = what
        self._named: set[int] = set()
        self._rest = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def send(self, data: bytes) -> None:
        """Send bytes to the port."""
        for start in range(0, len(data), _CHUNK):
            self._socket.send_binary(bytes([_DATA]) + data[start : start + _CHUNK])

    def close(self) -> None:
        """Close the connection."""
        if not self.closed:
            self._socket.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Read what came; 0 at the end."""
        while not self._rest:
            message = self._receive()
            if message is None:
                return 0
            self._take(message)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def _receive(self) -> bytes | None:
        import websocket

        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise SourceError(f"{self._what}: no answer in time", hint="--request-timeout allows more")
            self._socket.settimeout(left)
        try:
            opcode, data = self._socket.recv_data()
        except websocket.WebSocketTimeoutException:
            raise SourceError(f"{self._what}: no answer in time", hint="--request-timeout allows more") from None
        except (websocket.WebSocketConnectionClosedException, OSError):
            return None
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return None
        return cast(bytes, data)

    def _take(self, message: bytes) -> None:
        if not message:
            return
        channel, data = message[0], message[1:]
        if channel not in self._named:
            self._named.add(channel)
            if len(data) == 2:  # names the port
                return
        if channel == _ERROR and data:
            raise SourceError(f"{self._what}: {data.decode('utf-8', 'replace').strip()}")
        if channel == _DATA:
            self._rest = data


class _Carrier:
    """What `http.client` takes for a socket."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the stream to read the response from."""
        return io.BufferedReader(self._channel, _CHUNK)


def _read(channel: Channel, method: str, *, what: str) -> tuple[int, bytes]:
    response = HTTPResponse(cast(Any, _Carrier(channel)), method=method)
    try:
        response.begin()
        body = response.read()
    except (HTTPException, OSError) as error:
        raise SourceError(f"{what}: the connection ended before the answer did") from error
    return response.status, body

"""A port of this machine that leads to a port of a pod, for browsers and other programs.

Each connection is a port-forward of its own, carried by two threads: one for each direction.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator

from kubectl_mesh.errors import MeshError, SourceError
from kubectl_mesh.sources.live.portforward import Channel, PortForward
from simulator.model.proxies import ProxyId

_CHUNK = 1 << 16


@contextlib.contextmanager
def tunnel(forward: PortForward, pod: ProxyId, port: int, *, address: str, local_port: int) -> Iterator[str]:
    """Listen, and yield `ADDRESS:PORT`; local port 0 is the pod's own where it is free. Raises SourceError."""
    listener = _listen(address, local_port, preferred=port)
    thread = threading.Thread(target=_accept, args=(listener, forward, pod, port), daemon=True)
    thread.start()
    try:
        yield f"{address}:{listener.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _listen(address: str, port: int, *, preferred: int) -> socket.socket:
    failure: OSError | None = None
    for each in (port,) if port else (preferred, 0):
        try:
            return socket.create_server((address, each))
        except OSError as error:
            failure = error
    reason = failure.strerror if failure is not None else ""
    raise SourceError(f"{address}:{port or preferred}: {reason}", hint="--port names another local port")


def _accept(listener: socket.socket, forward: PortForward, pod: ProxyId, port: int) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # closed by the other side
            return
        threading.Thread(target=_carry, args=(connection, forward, pod, port), daemon=True).start()


def _carry(connection: socket.socket, forward: PortForward, pod: ProxyId, port: int) -> None:
    with contextlib.closing(connection), contextlib.suppress(MeshError, OSError):
        channel = forward.connect(namespace=pod.namespace, pod=pod.name, port=port)
        sender = threading.Thread(target=_send, args=(connection, channel), daemon=True)
        sender.start()
        try:
            while data := channel.read(_CHUNK):
                connection.sendall(data)
        finally:
            channel.close()


def _send(connection: socket.socket, channel: Channel) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data := connection.recv(_CHUNK):
            channel.send(data)

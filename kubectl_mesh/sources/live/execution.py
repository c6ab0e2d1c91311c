"""Commands in containers of pods: exec over a WebSocket.

Kubernetes: staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand; the exit status comes as a Status object.
"""

import json
from urllib.parse import quote, urlencode

from kubectl_mesh.errors import SourceError
from kubectl_mesh.sources.base import CommandResult
from kubectl_mesh.sources.live.api import ApiServer
from kubectl_mesh.sources.live.websockets import open_websocket
from simulator.model.proxies import ProxyId

_OUT, _ERR, _STATUS = 1, 2, 3


def execute(api: ApiServer, pod: ProxyId, container: str, command: tuple[str, ...]) -> CommandResult:
    """Run a command and return what it printed and its exit status. Raises SourceError when it cannot be run."""
    import websocket

    what = f"pod {pod}: {command[0]}"
    query = [("container", container), ("stdout", "true"), ("stderr", "true"), *(("command", word) for word in command)]
    path = f"/api/v1/namespaces/{quote(pod.namespace)}/pods/{quote(pod.name)}/exec?{urlencode(query)}"
    socket = open_websocket(api, path, what=what)
    found: dict[int, bytes] = {}
    try:
        while True:
            opcode, data = socket.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                break
            if data:
                found[data[0]] = found.get(data[0], b"") + data[1:]
    except websocket.WebSocketTimeoutException:
        raise SourceError(f"{what}: no answer in time", hint="--request-timeout allows more") from None
    except (websocket.WebSocketConnectionClosedException, OSError):
        pass
    finally:
        socket.close()
    out, error = (found.get(channel, b"").decode("utf-8", "replace") for channel in (_OUT, _ERR))
    return CommandResult(status=_exit_status(found.get(_STATUS, b""), what=what), out=out, error=error)


def _exit_status(data: bytes, *, what: str) -> int:
    try:
        status = json.loads(data or b"{}")
    except ValueError as error:
        raise SourceError(f"{what}: not an answer of an API server") from error
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode" and str(cause.get("message", "")).isdecimal():
            return int(cause["message"])
    raise SourceError(f"{what}: {status.get('message') or 'the connection ended before the command did'}")

"""`exec`: a command's standard streams over WebSocket channels (v4, v5) or SPDY, its exit status on the error stream.

Kubernetes: staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand; the status is a `Status` object (protocol v4).
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from simulator.apiserver.commands import WHAT_RUNS, Commands, NotFound
from simulator.apiserver.outcomes import Outcome
from simulator.apiserver.spdy import Stream
from simulator.apiserver.statuses import StatusError, bad_request, internal
from simulator.model.wire import Json

_LOG = logging.getLogger(__name__)
WEBSOCKET_PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v3.channel.k8s.io",
    "v2.channel.k8s.io",
    "channel.k8s.io",
)
SPDY_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
_NAMES = {"stdin": STDIN, "stdout": STDOUT, "stderr": STDERR, "error": ERROR, "resize": RESIZE}


def container_of(pod: Json, wanted: str) -> Json:
    """Return the container that a request names, or the pod's first. Raises StatusError."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    default = (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container", "")
    for name in (wanted,) if wanted else (default, containers[0]["name"] if containers else ""):
        for container in containers:
            if container.get("name") == name:
                found: Json = container
                return found
    raise bad_request(f"container {wanted} is not valid for pod {pod['metadata']['name']}")


async def outcome_of(commands: Commands, pod: Json, container: str, command: Sequence[str]) -> tuple[Outcome, Json]:
    """Run a command and return what it printed with the Status that ends the protocol."""
    try:
        outcome = await commands.run(pod, container, command)
    except NotFound as missing:
        message = (
            "Internal error occurred: error executing command in container: failed to exec in container: "
            f'OCI runtime exec failed: exec failed: unable to start container process: exec: "{missing}": '
            f"executable file not found in $PATH ({WHAT_RUNS})"
        )
        return Outcome(status=127), StatusError(code=500, reason="InternalError", message=message).document()
    except Exception as error:  # after the upgrade, only the protocol itself can carry the error
        _LOG.error("exec %s: %r", command[0], error, exc_info=_LOG.isEnabledFor(logging.DEBUG))
        return Outcome(status=1), internal(str(error) or type(error).__name__).document()
    if outcome.status == 0:
        return outcome, {"metadata": {}, "status": "Success"}
    causes = [{"reason": "ExitCode", "message": str(outcome.status)}]
    return outcome, {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {outcome.status}",
        "details": {"causes": causes},
    }


async def over_channels(
    outcome: Outcome, status: Json, query: Mapping[str, str], send: Callable[[bytes], Awaitable[None]]
) -> None:
    """Send an outcome over the channels of a WebSocket."""
    for channel, name, data in ((STDOUT, "stdout", outcome.out), (STDERR, "stderr", outcome.err)):
        if wanted(query, name):
            await send(bytes([channel]))
            for start in range(0, len(data), 1 << 16):
                await send(bytes([channel]) + data[start : start + (1 << 16)])
    await send(bytes([ERROR]) + json.dumps(status).encode())


def wanted(query: Mapping[str, str], name: str) -> bool:
    """Tell whether a request asks for a stream."""
    return query.get(name, "").lower() in ("true", "1")


class StreamExecutor:
    """Waits for the streams of a SPDY exec, then runs the command over them."""

    def __init__(self, query: Mapping[str, str], run: Callable[[], Awaitable[tuple[Outcome, Json]]]) -> None:
        expected = [name for name in ("stdin", "stdout", "stderr") if wanted(query, name)]
        self._missing = {"error", *expected} | ({"resize"} if wanted(query, "tty") else set())
        self._streams: dict[str, Stream] = {}
        self._run = run
        self._done = asyncio.Event()

    def opened(self, stream: Stream) -> None:
        """Accept a stream that the client opened."""
        name = stream.headers.get("streamtype", "")
        self._missing.discard(name)
        self._streams[name] = stream
        if not self._missing:
            self._done.set()

    async def run(self) -> None:
        """Run the command once all streams are open."""
        await asyncio.wait_for(self._done.wait(), 30)
        outcome, status = await self._run()
        for name, data in (("stdout", outcome.out), ("stderr", outcome.err), ("error", json.dumps(status).encode())):
            if name in self._streams and not (name == "error" and status.get("status") == "Success"):
                self._streams[name].write(data)
        for stream in self._streams.values():
            stream.finish()

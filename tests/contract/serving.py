"""A served cluster in a thread of the test's own process, and the few ways in which tests talk to it."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from simulator.apiserver.kubeconfig import write_private
from simulator.apiserver.simulated import SimulatedWorld, installed
from simulator.faults.model import Fault
from simulator.manifests.reading import parse_manifests, read_manifests
from simulator.model.resources import Resource

PROJECT = Path(__file__).parents[2]
EXAMPLE = PROJECT / "examples" / "shop" / "base"


class ServedMesh:
    """A served mesh: its kubeconfig on disk, and plain requests with its token."""

    def __init__(self, resources: Sequence[Resource], folder: Path, faults: Sequence[Fault] = ()) -> None:
        self._faults = faults
        self.kubeconfig = folder / "kubeconfig"
        self._resources = resources
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "ServedMesh":
        self._thread.start()
        assert self._started.wait(60), "the server did not start"
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server did not stop"

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        from simulator.apiserver.server import ApiServer

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = ApiServer(installed(self._resources), SimulatedWorld, faults=self._faults)
        try:
            self.served = await server.start()
            write_private(str(self.kubeconfig), self.served.kubeconfig)
            self._started.set()
            await self._stop.wait()
        finally:
            await server.close()

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop in which everything is served."""
        return self._loop

    @property
    def url(self) -> str:
        """Address of the API server."""
        return self.served.url

    @property
    def token(self) -> str:
        """Token of the kubeconfig's user."""
        token: str = self.served.kubeconfig["users"][0]["user"]["token"]
        return token

    def request(
        self, method: str, path: str, body: Any = None, *, content: str = "application/json", **headers: str
    ) -> Any:
        """Send one request and return status and document."""
        status, data = self.raw(method, path, body, content=content, **headers)
        return status, json.loads(data) if data else None

    def raw(
        self, method: str, path: str, body: Any = None, *, content: str = "application/json", **headers: str
    ) -> tuple[int, bytes]:
        """Send one request and return status and body."""
        pool = self._pool()
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": content}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        response = pool.request(method, self.url + path, body=data, headers=sent, retries=False, timeout=30)
        return response.status, response.data

    def sent(self, method: str, path: str, body: Any) -> Mapping[str, str]:
        """Send a document and return the headers of the answer, which must be a success."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode()
        response = self._pool().request(method, self.url + path, body=data, headers=headers, retries=False, timeout=30)
        assert response.status < 300, response.data
        found: Mapping[str, str] = response.headers
        return found

    def stream(self, path: str, **more: str) -> Any:
        """Open a watch and return the response, to be read line by line."""
        headers = {"Authorization": f"Bearer {self.token}"} | more
        return self._pool().request(
            "GET", self.url + path, headers=headers, preload_content=False, retries=False, timeout=60
        )

    def _pool(self) -> Any:
        import urllib3

        if not hasattr(self, "_http"):
            authority = self.served.cluster.authority.root.decode()
            self._http = urllib3.PoolManager(ca_cert_data=authority, maxsize=80, num_pools=2)
        return self._http


@contextlib.contextmanager
def serving(*texts: str, folder: Path, example: bool = False, faults: Sequence[Fault] = ()) -> Iterator[ServedMesh]:
    """Serve manifests given as text, or the example mesh."""
    pytest.importorskip("aiohttp", reason="needs the extra `serve`")
    resources = read_manifests([str(EXAMPLE)]) if example else parse_manifests("\n---\n".join(texts))
    with ServedMesh(resources, folder, faults) as served:
        yield served

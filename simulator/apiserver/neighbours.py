"""What a pod reaches in its cluster by name: services, as far as the pods behind them are simulated.

istiod answers `/debug` to strangers with 401 (pilot/pkg/xds/debug.go, allowAuthenticatedOrLocalhost), and HTTP on its
xDS port with gRPC's 415.
"""

from typing import Any
from urllib.parse import urlsplit

from simulator.apiserver.machines import is_istiod
from simulator.apiserver.ports import PodPorts, PodRequest, Refused
from simulator.apiserver.storage import ObjectStore
from simulator.istiod.pages import Page, text
from simulator.model.labels import selects
from simulator.model.wire import Json

XDS = frozenset({15010, 15012})
_DEBUG = frozenset({8080, 15014})
_DOMAIN = ("svc", "cluster", "local")


class UnknownHost(Exception):
    """No service of this name."""


class Neighbours:
    """Resolves names as a pod's resolver would, and asks the pods behind them."""

    def __init__(self, store: ObjectStore, ports: PodPorts) -> None:
        self._store = store
        self._ports = ports

    async def ask(self, asking: Json, address: str, *, method: str, body: bytes, headers: bool) -> Page:
        """Answer a request to another pod; `headers` tells of credentials. Raises UnknownHost, Refused."""
        parts = urlsplit(address)
        service = self._service(parts.hostname or "", asking)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        pod, target = self._behind(service, port)
        if is_istiod(pod) and target in XDS:
            await self._reaches(pod)
            return text("invalid gRPC request content-type\n", status=415)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if is_istiod(pod) and target in _DEBUG and path.startswith("/debug") and not headers:
            await self._reaches(pod)
            return text("", status=401)
        return await self._ports.request(PodRequest(pod=pod, port=target, method=method, target=path, body=body))

    async def _reaches(self, istiod: Json) -> None:
        await self._ports.request(PodRequest(pod=istiod, port=8080, method="GET", target="/ready"))

    def _service(self, host: str, asking: Json) -> Json:
        name, *rest = host.split(".")
        namespace = rest[0] if rest else asking["metadata"].get("namespace", "")
        if tuple(rest[1:]) not in (_DOMAIN[:count] for count in range(4)):
            raise UnknownHost(host)
        for _, service in self._store.list("services", None):
            metadata = service["metadata"]
            if (metadata["name"], metadata.get("namespace", "")) == (name, namespace):
                found: Json = service
                return found
        raise UnknownHost(host)

    def _behind(self, service: Json, port: int) -> tuple[Json, int]:
        spec, namespace = service.get("spec") or {}, service["metadata"].get("namespace", "")
        for entry in spec.get("ports") or ():
            if entry.get("port") != port:
                continue
            for _, pod in self._store.list("pods", None):
                labels = pod["metadata"].get("labels") or {}
                if pod["metadata"].get("namespace", "") == namespace and selects(spec.get("selector") or {}, labels):
                    return pod, _number(pod, entry.get("targetPort", port))
        raise Refused(service, port)


def _number(pod: Json, target: Any) -> int:
    """Return the number of a target port; a name that no container declares is nobody's port."""
    if isinstance(target, int):
        return target
    containers = (pod.get("spec") or {}).get("containers") or ()
    declared = {port.get("name"): port.get("containerPort") for each in containers for port in each.get("ports") or ()}
    found = declared.get(target)
    return found if isinstance(found, int) else 0

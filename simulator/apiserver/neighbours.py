"""What a pod reaches in its cluster by name: services whose pods run simulated programs.

istiod answers unauthenticated requests for `/debug` with 401 (pilot/pkg/xds/debug.go,
allowAuthenticatedOrLocalhost), and HTTP on its xDS port with gRPC's 415.
"""

from typing import Any

from simulator.apiserver.machines import is_istiod, is_proxy_port
from simulator.apiserver.ports import PodPorts, PodRequest
from simulator.apiserver.storage import ObjectStore
from simulator.istiod.pages import Page, text
from simulator.model.labels import selects
from simulator.model.requests import Request
from simulator.model.wire import Json

XDS = frozenset({15010, 15012})
_DEBUG = frozenset({8080, 15014})
_DOMAIN = ("svc", "cluster", "local")


class Neighbours:
    """Resolves names as a pod's resolver would, and asks the simulated programs behind them."""

    def __init__(self, store: ObjectStore, ports: PodPorts) -> None:
        self._store = store
        self._ports = ports

    async def ask(self, asking: Json, request: Request, *, body: bytes) -> tuple[str, Page] | None:
        """Answer a request to istiod or to a proxy's own port, with the service's address; None for any other.

        Raises Refused.
        """
        service = self._service(request.host, asking)
        behind = self._behind(service, request.port) if service is not None else None
        if service is None or behind is None:
            return None
        pod, target = behind
        if not is_istiod(pod) and not is_proxy_port(pod, target):
            return None
        address = str((service.get("spec") or {}).get("clusterIP", ""))
        if is_istiod(pod) and target in XDS:
            await self._reaches(pod)
            return address, text("invalid gRPC request content-type\n", status=415)
        shown = request.values("authorization")
        if is_istiod(pod) and target in _DEBUG and request.target.startswith("/debug") and not shown:
            await self._reaches(pod)
            return address, text("", status=401)
        asked = PodRequest(pod=pod, port=target, method=request.method, target=request.target, body=body)
        return address, await self._ports.request(asked)

    async def _reaches(self, istiod: Json) -> None:
        await self._ports.request(PodRequest(pod=istiod, port=8080, method="GET", target="/ready"))

    def _service(self, host: str, asking: Json) -> Json | None:
        name, *rest = host.split(".")
        namespace = rest[0] if rest else asking["metadata"].get("namespace", "")
        if tuple(rest[1:]) not in (_DOMAIN[:count] for count in range(4)):
            return None
        for _, service in self._store.list("services", None):
            metadata = service["metadata"]
            if (metadata["name"], metadata.get("namespace", "")) == (name, namespace):
                found: Json = service
                return found
        return None

    def _behind(self, service: Json, port: int) -> tuple[Json, int] | None:
        spec, namespace = service.get("spec") or {}, service["metadata"].get("namespace", "")
        for entry in spec.get("ports") or ():
            if entry.get("port") != port:
                continue
            for _, pod in self._store.list("pods", None):
                labels = pod["metadata"].get("labels") or {}
                if pod["metadata"].get("namespace", "") == namespace and selects(spec.get("selector") or {}, labels):
                    return pod, _number(pod, entry.get("targetPort", port))
        return None


def _number(pod: Json, target: Any) -> int:
    """Return the number of a target port; a name that no container declares stands for no port."""
    if isinstance(target, int):
        return target
    containers = (pod.get("spec") or {}).get("containers") or ()
    declared = {port.get("name"): port.get("containerPort") for each in containers for port in each.get("ports") or ()}
    found = declared.get(target)
    return found if isinstance(found, int) else 0

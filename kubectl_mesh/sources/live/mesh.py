"""A live mesh behind the protocol: what a question needs is listed, proxies and istiods are asked by port-forward.

What the user may not see, and who does not answer, becomes a caveat: the answer is partial and says so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

from kubectl_mesh.errors import MeshError, NothingFound, SourceError
from kubectl_mesh.sources.base import (
    Caveats,
    CommandResult,
    Connection,
    Expecting,
    KubernetesApi,
    LocatedSource,
    MeshAdmin,
    MeshSource,
    PodCommands,
    PodLogs,
    PodPorts,
    PodTunnels,
    Prefetching,
    ResourceWriter,
)
from kubectl_mesh.sources.expectation import Expectation
from kubectl_mesh.sources.live import writing
from kubectl_mesh.sources.live.api import METADATA, ApiServer
from kubectl_mesh.sources.live.execution import execute
from kubectl_mesh.sources.live.failures import Forbidden, Missing
from kubectl_mesh.sources.live.permissions import refusal_to_create
from kubectl_mesh.sources.live.pods import has_proxy, is_running, monitoring_port, proxy_versions
from kubectl_mesh.sources.live.portforward import PortForward
from kubectl_mesh.sources.live.tunnel import tunnel
from kubectl_mesh.sources.live.types import ServedTypes
from kubectl_mesh.sources.progress import waiting
from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.directory import Directory
from simulator.model.proxies import ProxyId
from simulator.model.resources import ObjectRef
from simulator.model.wire import Json

T = TypeVar("T")
U = TypeVar("U")
SIMULATED_VERSION = "1.30"
WORKERS = 8
_CONFIDENTIAL = frozenset({"Secret", "ConfigMap"})


class LiveMesh:
    """The mesh of a cluster. `namespace` is that of the flags or the context."""

    def __init__(self, api: ApiServer, connection: Connection, *, namespace: str) -> None:
        self.namespace = namespace
        self._api = api
        self._connection = connection
        self._forward = PortForward(api)
        self._types = ServedTypes(api)
        self._listed: dict[tuple[str, str | None], Sequence[Json]] = {}
        self._answers: dict[tuple[ProxyId, str], bytes] = {}
        self._caveats: dict[tuple[ObjectRef, str], Caveat] = {}
        self._expectation = Expectation(source=self)

    def resources(self, kind: str, namespace: str | None = None) -> Sequence[Json]:
        """Return the documents of all resources of a kind; of one namespace when it is given.

        Secrets come without their data. Secrets and ConfigMaps are never listed for all namespaces: without one, those
        of Istio's own are returned.
        """
        if kind in _CONFIDENTIAL and namespace is None:
            namespace = self._connection.istio_namespace
        if (kind, namespace) in self._listed:
            return self._listed[kind, namespace]
        if (kind, None) in self._listed:
            return [each for each in self._listed[kind, None] if _namespace(each) == namespace]
        with waiting(f"listing {kind}"):
            found = self._list(kind, namespace)
        self._listed[kind, namespace] = found
        return found

    def prefetch(self, kinds: Iterable[str], namespace: str | None = None) -> None:
        """List several kinds at once; one that may not be listed fails when it is asked for."""
        missing = [kind for kind in dict.fromkeys(kinds) if (kind, namespace) not in self._listed]
        with waiting("kinds listed", total=len(missing)) as wait:

            def ask(kind: str) -> None:
                self.resources(kind, namespace)
                wait.advance()

            self._at_once(_settled(ask), missing)

    def proxies(self) -> Sequence[ProxyId]:
        """Return every running proxy, sorted by namespace and name."""
        pods = [pod for pod in self.resources("Pod") if has_proxy(pod) and is_running(pod)]
        self._note_versions(proxy_versions(pods))
        found = [ProxyId(pod["metadata"]["name"], _namespace(pod)) for pod in pods]
        return sorted(found, key=lambda proxy: (proxy.namespace, proxy.name))

    def envoy(self, proxy: ProxyId, path: str) -> bytes:
        """Return what a proxy's Envoy (or ztunnel) answers to a GET of `path`."""
        ready = self._answers.pop((proxy, path), None)
        return ready if ready is not None else self._admin(proxy, path, "GET")

    def prefetch_envoy(self, proxies: Sequence[ProxyId], paths: Sequence[str]) -> None:
        """Ask several proxies at once; what one does not answer is asked again when it is needed."""
        wanted = [(proxy, path) for proxy in proxies for path in paths]
        with waiting("answers of proxies", total=len(wanted)) as wait:

            def ask(question: tuple[ProxyId, str]) -> None:
                self._answers[question] = self._admin(*question, "GET")
                wait.advance()

            self._at_once(_settled(ask), wanted)

    def envoy_post(self, proxy: ProxyId, path: str) -> bytes:
        """POST to a proxy's admin interface and return its answer."""
        return self._admin(proxy, path, "POST")

    def pod_request(
        self, pod: ProxyId, port: int, path: str, *, method: str = "GET", body: bytes = b""
    ) -> tuple[int, bytes]:
        """Return status and body that a port of a pod answers with."""
        with waiting(f"asking {pod}"):
            return self._forward.exchange(
                namespace=pod.namespace, pod=pod.name, port=port, path=path, method=method, body=body
            )

    def tunnel(self, pod: ProxyId, port: int, *, address: str, local_port: int) -> AbstractContextManager[str]:
        """Forward a local port to a port of a pod until the context ends; yield its address."""
        return tunnel(self._forward, pod, port, address=address, local_port=local_port)

    def pod_command(self, pod: ProxyId, container: str, command: tuple[str, ...]) -> CommandResult:
        """Run a command in a container of a pod."""
        with waiting(f"asking {pod}"):
            return execute(self._api, pod, container, command)

    def apply(self, document: Json) -> None:
        """Create a resource or change the fields that the document has."""
        writing.apply(self._api, self._types, document)
        self._forget()

    def label(self, kind: str, name: str, labels: Mapping[str, str]) -> None:
        """Set labels of a cluster-scoped resource."""
        writing.label(self._api, self._types, kind, name, labels)
        self._forget()

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete a resource."""
        writing.delete(self._api, self._types, kind, namespace, name)
        self._forget()

    def pod_log(self, pod: ProxyId, container: str, *, lines: int) -> bytes:
        """Return the last lines of a container's log."""
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log"
        with waiting(f"reading the log of {pod}"):
            return self._api.text(path, {"container": container, "tailLines": str(lines)})

    def kubernetes_version(self) -> str:
        """Return the version of the API server."""
        return str(self._api.get("/version").get("gitVersion", ""))

    def refusal_to_create(self, resource: str, *, group: str, namespace: str) -> str | None:
        """Return why the user may not create a kind of resource, in the server's words; None when they may."""
        return refusal_to_create(self._api, resource, group=group, namespace=namespace)

    def istiod(self, path: str) -> Mapping[str, bytes]:
        """Return what each istiod answers to a GET of `path`, by name of its pod.

        Raises SourceError when none answers; one of several that does not is a caveat.
        """
        pods = self._istiods()

        def ask(pod: Json) -> bytes:
            name, namespace = pod["metadata"]["name"], _namespace(pod)
            port = monitoring_port(pod)
            return self._forward.request(namespace=namespace, pod=name, port=port, path=path)

        with waiting(f"asking istiod for {path.partition('?')[0]}"):
            answers = self._at_once(_settled(ask), pods)
        found: dict[str, bytes] = {}
        failed: list[MeshError] = []
        for pod, answer in zip(pods, answers, strict=True):
            if isinstance(answer, MeshError):
                failed.append(answer)
                self._note("Pod", _namespace(pod), pod["metadata"]["name"], f"did not answer: {answer}")
            else:
                found[pod["metadata"]["name"]] = answer
        if not found:
            raise failed[0]
        if path.strip("/") == "version":
            self._note_istiods(found)
        return found

    def directory(self) -> Directory:
        """Return hosts, addresses and pods as the resources tell them, and the API path of each resource."""
        return self._expectation.directory()

    def expected(self, proxy: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return what a proxy should hold by the resources that may be seen."""
        return self._expectation.configuration(proxy)

    def caveats(self) -> Sequence[Caveat]:
        """Return what was not seen, and versions that the simulator does not speak."""
        return tuple(self._caveats.values())

    def _forget(self) -> None:
        """Drop what was read before a resource was changed."""
        self._listed.clear()
        self._expectation = Expectation(source=self)

    def _admin(self, proxy: ProxyId, path: str, method: str) -> bytes:
        port = self._connection.proxy_admin_port
        with waiting(f"asking {proxy}"):
            try:
                return self._forward.request(
                    namespace=proxy.namespace, pod=proxy.name, port=port, path=path, method=method
                )
            except Missing:
                raise NothingFound(f"pod {proxy} not found", hint=f"kubectl get pods -n {proxy.namespace}") from None

    def _istiods(self) -> Sequence[Json]:
        namespace, revision = self._connection.istio_namespace, self._connection.revision
        selector = "app=istiod" + (f",istio.io/rev={revision}" if revision else "")
        query = {"labelSelector": selector, "fieldSelector": "status.phase=Running"}
        pods = self._api.list(f"/api/v1/namespaces/{namespace}/pods", query)
        if not pods:
            wanted = f" of revision {revision}" if revision else ""
            raise SourceError(
                f'no running istiod{wanted} in namespace "{namespace}"',
                hint="-i names the namespace that Istio is installed in",
            )
        return sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))

    def _list(self, kind: str, namespace: str | None) -> Sequence[Json]:
        found = self._types.find(kind)
        if found is None:
            return ()
        known, path = found
        accept = METADATA if kind == "Secret" else "application/json"
        scope = f"/namespaces/{namespace}" if namespace and known.namespaced else ""
        try:
            items = self._api.list(f"{path}{scope}/{known.plural}", accept=accept)
        except Missing:
            return ()
        except Forbidden as error:
            items = (
                self._own_namespace(kind, f"{path}/namespaces/{self.namespace}/{known.plural}", error)
                if known.namespaced and namespace is None
                else self._unseen(kind, namespace, error)
            )
        return [item | {"kind": known.name} for item in items] if kind == "Secret" else items

    def _own_namespace(self, kind: str, path: str, error: Forbidden) -> list[Json]:
        try:
            items = self._api.list(path)
        except Forbidden:
            return self._unseen(kind, None, error)
        self._note(kind, "", "*", f"may not be listed in all namespaces: only {self.namespace} was seen")
        return items

    def _unseen(self, kind: str, namespace: str | None, error: Forbidden) -> list[Json]:
        if kind == "Pod":
            raise error
        self._note(kind, namespace or "", "*", "may not be listed: the answer is given without them")
        return []

    def _note_versions(self, versions: Mapping[str, int]) -> None:
        for version, count in sorted(versions.items()):
            if not version.startswith(f"{SIMULATED_VERSION}."):
                who = "1 proxy is" if count == 1 else f"{count} proxies are"
                self._note_version("proxies", f"{who} of Istio {version}, rules of {SIMULATED_VERSION} are applied")

    def _note_istiods(self, answers: Mapping[str, bytes]) -> None:
        for pod, data in answers.items():
            version = data.decode("utf-8", "replace").strip().partition("-")[0]
            if version[:1].isdigit() and not version.startswith(f"{SIMULATED_VERSION}."):
                self._note_version(pod, f"istiod is of Istio {version}, rules of {SIMULATED_VERSION} are applied")

    def _note_version(self, name: str, words: str) -> None:
        reference = ObjectRef(kind="Istio", namespace="", name=name)
        self._caveats[reference, words] = Caveat(kind=CaveatKind.UNSUPPORTED, ref=reference, message=words)

    def _note(self, kind: str, namespace: str, name: str, words: str) -> None:
        reference = ObjectRef(kind=kind, namespace=namespace, name=name)
        self._caveats[reference, words] = Caveat(kind=CaveatKind.UNSEEN, ref=reference, message=words)

    def _at_once(self, function: Callable[[T], U], items: Sequence[T]) -> list[U]:
        if len(items) < 2:
            return [function(item) for item in items]
        with ThreadPoolExecutor(max_workers=min(WORKERS, len(items))) as pool:
            return list(pool.map(function, items))


def _settled(function: Callable[[T], U]) -> Callable[[T], U | MeshError]:
    def settle(item: T) -> U | MeshError:
        try:
            return function(item)
        except MeshError as error:
            return error

    return settle


def _namespace(document: Json) -> str:
    return str((document.get("metadata") or {}).get("namespace", ""))


_SERVES: tuple[type[MeshSource], type[Caveats], type[MeshAdmin]] = (LiveMesh, LiveMesh, LiveMesh)
_REACHES: tuple[type[PodPorts], type[PodTunnels], type[PodCommands]] = (LiveMesh, LiveMesh, LiveMesh)
_KNOWS: tuple[type[LocatedSource], type[Expecting]] = (LiveMesh, LiveMesh)
_CHANGES: tuple[type[ResourceWriter], type[PodLogs], type[Prefetching]] = (LiveMesh, LiveMesh, LiveMesh)
_TELLS: type[KubernetesApi] = LiveMesh

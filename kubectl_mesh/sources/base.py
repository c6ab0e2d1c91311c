"""What a mesh to diagnose answers, whoever answers it. Bytes, not objects: a source transports, the engine decodes."""

from __future__ import annotations  # the command line loads this module, and needs none of the types below

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from simulator.model.caveats import Caveat
    from simulator.model.directory import Directory
    from simulator.model.proxies import ProxyId
    from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """kubectl's global flags, for the source that talks to a cluster; empty means not given."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    user: str = ""
    namespace: str = ""
    server: str = ""
    token: str = ""
    username: str = ""
    password: str = ""
    as_user: str = ""
    as_uid: str = ""
    as_groups: tuple[str, ...] = ()
    request_timeout: str = ""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    certificate_authority: str = ""
    client_certificate: str = ""
    client_key: str = ""
    cache_dir: str = ""
    istio_namespace: str = "istio-system"
    revision: str = ""
    proxy_admin_port: int = 15000


class MeshSource(Protocol):
    """A mesh to diagnose: live, simulated or recorded. Read-only by design."""

    def resources(self, kind: str, namespace: str | None = None) -> Sequence[Json]:
        """Return the documents of all resources of a kind (`VirtualService`); of one namespace when it is given."""
        ...

    def proxies(self) -> Sequence[ProxyId]:
        """Return every proxy of the mesh, sorted by namespace and name."""
        ...

    def envoy(self, proxy: ProxyId, path: str) -> bytes:
        """Return what Envoy's admin interface answers to a GET of `path`, such as `config_dump?include_eds=true`."""
        ...

    def istiod(self, path: str) -> Mapping[str, bytes]:
        """Return what istiod answers to a GET of `path` (`debug/syncz`, `version`), by name of the replica's pod."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """How manifests are completed to a mesh, for the source that simulates one."""

    control_plane: bool = True
    """Add an istiod and an ingress gateway where the manifests bring none."""
    inject: tuple[str, ...] = ()
    """Namespaces taken for labelled `istio-injection: enabled`; `*` all that say nothing."""


@runtime_checkable
class ResourceSource(Protocol):
    """A source that knows Envoy resources without documents; whole-mesh questions fall back to `envoy` without it."""

    def configuration(self, proxy: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return the Envoy resources of a proxy by kind; equal resources of two proxies are one object."""
        ...


@runtime_checkable
class LocatedSource(Protocol):
    """A source that knows hosts, addresses and pods, and where each resource is written."""

    def directory(self) -> Directory:
        """Return the directory of the mesh."""
        ...


@runtime_checkable
class Expecting(Protocol):
    """A source whose proxies hold what an istiod made elsewhere, and that can tell what it should have made."""

    def expected(self, proxy: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return the Envoy resources that a proxy should hold by kind; none where they cannot be told."""
        ...


@runtime_checkable
class HomeNamespace(Protocol):
    """A source that has a namespace for names which are given without one, as contexts of a kubeconfig do."""

    namespace: str


@runtime_checkable
class Prefetching(Protocol):
    """A source that answers several questions at once in less time than one after another."""

    def prefetch(self, kinds: Iterable[str], namespace: str | None = None) -> None:
        """Fetch the resources of these kinds ahead; one that cannot be had fails when it is asked for."""
        ...

    def prefetch_envoy(self, proxies: Sequence[ProxyId], paths: Sequence[str]) -> None:
        """Fetch answers of `envoy` ahead, each to be asked for once; until then they are all held in memory."""
        ...


@runtime_checkable
class Incomplete(Protocol):
    """A source that may lack some kinds because they were refused when it was recorded."""

    def refusal(self, kind: str) -> str:
        """Return why resources of a kind are missing; empty when they are not."""
        ...


@runtime_checkable
class Caveats(Protocol):
    """A source that knows what it does not know."""

    def caveats(self) -> Sequence[Caveat]:
        """Return what a reader of any answer must know."""
        ...


@runtime_checkable
class MeshAdmin(Protocol):
    """A source whose proxies can be told to change something, such as a log level."""

    def envoy_post(self, proxy: ProxyId, path: str) -> bytes:
        """POST to Envoy's admin interface, such as `logging?level=debug`, and return its answer."""
        ...


@runtime_checkable
class PodPorts(Protocol):
    """A source whose pods answer HTTP on ports other than Envoy's admin interface, such as istiod's ControlZ."""

    def pod_request(
        self, pod: ProxyId, port: int, path: str, *, method: str = "GET", body: bytes = b""
    ) -> tuple[int, bytes]:
        """Return status and body that a port of a pod answers with."""
        ...


@runtime_checkable
class PodTunnels(Protocol):
    """A source whose pods can be reached from this machine."""

    def tunnel(self, pod: ProxyId, port: int, *, address: str, local_port: int) -> AbstractContextManager[str]:
        """Forward a local port to a port of a pod until the context ends; yield its address."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What a command printed, and its exit status."""

    status: int
    out: str
    error: str


@runtime_checkable
class PodCommands(Protocol):
    """A source in whose pods commands can be run. Diagnoses run only those that change nothing."""

    def pod_command(self, pod: ProxyId, container: str, command: tuple[str, ...]) -> CommandResult:
        """Run a command in a container."""
        ...


@runtime_checkable
class ResourceWriter(Protocol):
    """A source whose resources can be changed; only commands that are named after the change do so."""

    def apply(self, document: Json) -> None:
        """Create a resource or change the fields that the document has, as server-side apply does."""
        ...

    def label(self, kind: str, name: str, labels: Mapping[str, str]) -> None:
        """Set labels of a cluster-scoped resource."""
        ...

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete a resource; NothingFound when there is none."""
        ...


@runtime_checkable
class KubernetesApi(Protocol):
    """A source with an API server that tells about itself, and about what the user may do."""

    def kubernetes_version(self) -> str:
        """Return the version of the API server, such as `v1.32.1`."""
        ...

    def refusal_to_create(self, resource: str, *, group: str, namespace: str) -> str | None:
        """Return why the user may not create a kind of resource, in the server's words; None when they may."""
        ...


@runtime_checkable
class PodLogs(Protocol):
    """A source whose containers have logs."""

    def pod_log(self, pod: ProxyId, container: str, *, lines: int) -> bytes:
        """Return the last lines of a container's log."""
        ...

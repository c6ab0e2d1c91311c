"""The engine as a library: manifests in, the answers of a cluster out.

Nothing is generated before it is asked for; what has been generated is kept, and equal resources of two proxies are one
object.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

from simulator.model.caveats import Caveat
from simulator.model.directory import Directory, Workload
from simulator.model.proxies import Proxy, ProxyId
from simulator.model.requests import Request
from simulator.model.resources import Resource
from simulator.model.traces import Trace
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.configuration import Configuration
from simulator.xds.generator import Generator

if TYPE_CHECKING:
    from simulator.envoy.config import Config
    from simulator.traffic.ztunnel_state import Ztunnel

ISTIOD = "istiod"
PUSHED = "2026-01-01T00:00:00Z"
"""When a simulated istiod is said to have pushed: a dump has a time, and equal meshes have equal dumps."""


class Mesh:
    """All objects of a simulated cluster, istiod's snapshot of them, and what its proxies hold."""

    def __init__(self, *, state: Sequence[Resource], snapshot: Snapshot, caveats: Sequence[Caveat] = ()) -> None:
        self.state = tuple(state)
        self.snapshot = snapshot
        self._caveats = (*caveats, *snapshot.caveats)
        self._generator = Generator(snapshot)
        self._configurations: dict[ProxyId, Configuration] = {}
        self._configs: dict[ProxyId, Config] = {}

    @classmethod
    def from_manifests(
        cls,
        paths: Sequence[str],
        *,
        control_plane: bool = True,
        inject: Sequence[str] = (),
        stdin: Callable[[], bytes] | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> Self:
        """Read files, directories, globs or `-`; `control_plane` adds an istiod where the manifests have none.

        Raises ManifestError, which names file and line.
        """
        from simulator.manifests.garbage_collection import collector_paused
        from simulator.manifests.reading import read_manifests

        with collector_paused():
            read = read_manifests(paths, stdin=stdin, progress=progress)
            return cls.from_resources(read, control_plane=control_plane, inject=inject)

    @classmethod
    def from_resources(
        cls, resources: Sequence[Resource], *, control_plane: bool = True, inject: Sequence[str] = ()
    ) -> Self:
        """Complete resources to the state of a cluster, and let istiod look at it."""
        from simulator.manifests.state import cluster_state
        from simulator.registry.build import build_snapshot

        state = cluster_state(resources, control_plane=control_plane, inject=inject)
        return cls(state=state.resources, snapshot=build_snapshot(state.resources), caveats=state.caveats)

    def resources(self, kind: str, namespace: str | None = None) -> Sequence[Json]:
        """Return the documents of all resources of a kind; of one namespace when it is given."""
        return [one.document for one in self.state if one.kind == kind and namespace in (None, one.namespace)]

    def proxies(self) -> Sequence[ProxyId]:
        """Return every proxy of the mesh, sorted by namespace and name."""
        return [proxy.id for proxy in self.snapshot.proxies]

    def ztunnels(self) -> Sequence[ProxyId]:
        """Return every ztunnel of the mesh, sorted by namespace and name."""
        return sorted(self._ztunnels, key=lambda one: (one.namespace, one.name))

    def proxy(self, name: ProxyId) -> Proxy:
        """Return what istiod knows of a proxy; raises KeyError when there is none of that name."""
        return self._by_name[name]

    def generated(self, name: ProxyId) -> Configuration:
        """Return what istiod sends to a proxy; raises KeyError when there is none of that name."""
        if name not in self._configurations:
            self._configurations[name] = self._generator.configuration(self._by_name[name])
        return self._configurations[name]

    def configuration(self, name: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return the Envoy resources of a proxy by kind; equal resources of two proxies are one object."""
        made = self.generated(name)
        kinds = {
            "listeners": made.listeners,
            "clusters": made.clusters,
            "routes": made.routes,
            "endpoints": made.endpoints,
            "extensions": made.extensions,
        }
        return kinds  # type: ignore[return-value]  # TypedDicts are dicts

    def bootstrap(self, name: ProxyId) -> Json:
        """Return the bootstrap of a proxy."""
        from simulator.xds.bootstrap import build_bootstrap
        from simulator.xds.envoy_filters import patched_bootstrap

        view = self._generator.view(self._by_name[name])
        return patched_bootstrap(view, build_bootstrap(view))

    def config_dump(self, name: ProxyId) -> Json:
        """Return what Envoy's `/config_dump?include_eds` prints for a proxy."""
        from simulator.xds.config_dump import Stamp, config_dump
        from simulator.xds.secrets import secret_names

        made = self.generated(name)
        asked = secret_names((*made.listeners, *made.clusters))
        missing = frozenset(one for one in asked if not self._is_served(one, self._by_name[name]))
        stamp = Stamp(version=f"{PUSHED}/1", updated=PUSHED)
        return config_dump(made, self.bootstrap(name), stamp=stamp, missing_secrets=missing)

    def envoy(self, proxy: ProxyId, path: str) -> bytes:
        """Return what the admin interface of an Envoy, or of a ztunnel, answers to a GET of `path`."""
        if proxy in self._ztunnels:
            from simulator.istiod.ztunnel_dump import ztunnel_page

            pod = self.snapshot.resource("Pod", proxy.namespace, proxy.name)
            node = str(pod.spec.get("nodeName") or "") if pod else ""
            return ztunnel_page(self.snapshot, path, node=node).body
        from simulator.istiod.envoy_admin import admin_page
        from simulator.istiod.loggers import Loggers

        return admin_page(lambda: self.config_dump(proxy), "GET", path, Loggers(), indent=None).body

    def istiod(self, path: str) -> Mapping[str, bytes]:
        """Return what istiod's debug interface answers to a GET of `path`, by name of the replica's pod."""
        from simulator.istiod.debug import Istiod, debug_page, version_page
        from simulator.istiod.sync import Push

        push = Push(version=f"{PUSHED}/1", time=PUSHED)
        istiod = Istiod(snapshot=self.snapshot, config_dump=self.config_dump, push=push)
        page = version_page(istiod) if path.strip("/") == "version" else debug_page(istiod, path)
        return {pod: page.body for pod in self._istiod_pods}

    def trace(self, request: Request, sender: Workload | None, *, resolve: Mapping[str, str] | None = None) -> Trace:
        """Follow a request from a workload of the directory, or from outside the mesh (None), hop by hop.

        `resolve` maps hosts to the addresses that public DNS would return.
        """
        from simulator.traffic.follow import follow

        directory = replace(self._directory, resolve=dict(resolve or {}))
        return follow(directory, self._config, request, sender, ztunnels=lambda: self._ztunnel)

    def directory(self) -> Directory:
        """Return the directory of hosts, addresses and pods, with the DNS tables of proxies that answer DNS."""
        return self._directory

    def caveats(self) -> Sequence[Caveat]:
        """Return what a reader of any answer must know."""
        return self._located_caveats

    @cached_property
    def _located_caveats(self) -> tuple[Caveat, ...]:
        """The caveats with the places that they concern."""
        from simulator.manifests.positions import field_origin

        if not self._caveats:
            return ()
        found = {one.ref: one for one in self.state}
        return tuple(
            replace(each, origin=str(field_origin(found[each.ref], each.path))) if each.ref in found else each
            for each in self._caveats
        )

    @cached_property
    def _by_name(self) -> Mapping[ProxyId, Proxy]:
        return {proxy.id: proxy for proxy in self.snapshot.proxies}

    @cached_property
    def _ztunnels(self) -> frozenset[ProxyId]:
        return frozenset(proxy.id for proxy in self.snapshot.ztunnels)

    @cached_property
    def _directory(self) -> Directory:
        from simulator.registry.directory import build_directory

        names: dict[ProxyId, Mapping[str, tuple[str, ...]]] = {}
        for proxy in self.snapshot.proxies:
            table = self._generator.names(self._generator.view(proxy))
            if table is not None:
                names[proxy.id] = {host: tuple(entry["ips"]) for host, entry in (table.get("table") or {}).items()}
        return build_directory(self.snapshot, names=names)

    def _config(self, name: ProxyId) -> "Config":
        """Return the configuration of a proxy as the predictor reads it."""
        from simulator.envoy.config import Config

        if name not in self._configs:
            self._configs[name] = Config.read(self.configuration(name))
        return self._configs[name]

    @cached_property
    def _ztunnel(self) -> "Ztunnel | None":
        """What ztunnels know, as the predictor reads it; all know the same."""
        from simulator.istiod.ztunnel_dump import ztunnel_dump
        from simulator.traffic.ztunnel_state import Ztunnel

        return Ztunnel.read(ztunnel_dump(self.snapshot)) if self._ztunnels else None

    @cached_property
    def _istiod_pods(self) -> tuple[str, ...]:
        pods = [one.name for one in self.state if one.kind == "Pod" and one.labels.get("app") == ISTIOD]
        return tuple(sorted(pods)) or (ISTIOD,)

    def _is_served(self, secret: str, proxy: Proxy) -> bool:
        """Tell whether somebody serves a secret: the agent those of the workload and files, istiod those of Secrets."""
        scheme, found, path = secret.partition("://")
        if not found or scheme not in ("kubernetes", "kubernetes-gateway"):
            return True
        namespace, slash, name = path.rpartition("/")
        namespace = namespace if slash else proxy.namespace
        names = (name, name.removesuffix("-cacert"))
        return any(self.snapshot.resource("Secret", namespace, one) is not None for one in names)

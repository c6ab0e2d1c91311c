"""EnvoyFilter resources → patches, read into Envoy's types once and filtered by proxy.

istiod: pilot/pkg/model/envoyfilter.go (convertToEnvoyFilterWrapper, proxyMatch), pkg/config/xds/xds.go.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.model.proxies import Proxy
from simulator.model.resources import Provenance, Resource
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.message_documents import SchemaError, read

MESSAGES = {
    "CLUSTER": "envoy.config.cluster.v3.Cluster",
    "LISTENER": "envoy.config.listener.v3.Listener",
    "LISTENER_FILTER": "envoy.config.listener.v3.ListenerFilter",
    "FILTER_CHAIN": "envoy.config.listener.v3.FilterChain",
    "NETWORK_FILTER": "envoy.config.listener.v3.Filter",
    "HTTP_FILTER": "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
    "ROUTE_CONFIGURATION": "envoy.config.route.v3.RouteConfiguration",
    "VIRTUAL_HOST": "envoy.config.route.v3.VirtualHost",
    "HTTP_ROUTE": "envoy.config.route.v3.Route",
    "EXTENSION_CONFIG": "envoy.config.core.v3.TypedExtensionConfig",
    "BOOTSTRAP": "envoy.config.bootstrap.v3.Bootstrap",
}
_INSERTS = ("INSERT_BEFORE", "INSERT_AFTER", "INSERT_FIRST")
_INSERTABLE = ("HTTP_FILTER", "NETWORK_FILTER", "HTTP_ROUTE", "LISTENER_FILTER")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """One `configPatches` entry whose value is in Envoy's normal form; compared by identity."""

    apply_to: str
    operation: str
    value: Json
    context: str = "ANY"
    listener: Json | None = None
    route_configuration: Json | None = None
    cluster: Json | None = None
    proxy_version: str = ""
    proxy_metadata: Mapping[str, str] = field(default_factory=dict)
    source: Provenance

    def applies_in(self, context: str) -> bool:
        """Tell whether the patch is meant for listeners, routes or clusters of `context`."""
        return self.context in ("ANY", context)

    def selects(self, proxy: Proxy) -> bool:
        """Tell whether version and metadata of a proxy match."""
        if self.proxy_version and not _version_matches(self.proxy_version, proxy):
            return False
        return all(str(proxy.metadata.get(key)) == value for key, value in self.proxy_metadata.items())


@dataclass(frozen=True, slots=True)
class Patches:
    """The patches of one proxy in the order of application; equal tuples are equal keys."""

    all: tuple[Patch, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.all)

    def of(self, *kinds: str) -> "Patches":
        """Return the patches of some kinds of object."""
        return Patches(tuple(patch for patch in self.all if patch.apply_to in kinds))

    def within(self, context: str) -> "Patches":
        """Return the patches that apply in a context."""
        return Patches(tuple(patch for patch in self.all if patch.applies_in(context)))


def proxy_patches(resources: Iterable[Resource], proxy: Proxy, compiled: Any) -> Patches:
    """Collect the patches for a proxy; `compiled` turns a resource into its patches (shared between proxies)."""
    return Patches(
        tuple(patch for one in resources for patch in compiled(compile_patches, one) if patch.selects(proxy))
    )


def compile_patches(snapshot: Snapshot, resource: Resource) -> tuple[Patch, ...]:
    """Read an EnvoyFilter; a patch whose value does not fit Envoy's types is dropped, as istiod does."""
    patches = []
    for index, entry in enumerate(resource.spec.get("configPatches") or ()):
        source = Provenance(ref=resource.ref, path=("spec", "configPatches", index))
        patch = _compile(entry, source)
        if patch is not None:
            patches.append(patch)
    return tuple(patches)


def _compile(entry: Json, source: Provenance) -> Patch | None:
    patch, apply_to = entry.get("patch"), entry.get("applyTo") or "INVALID"
    if patch is None or apply_to not in MESSAGES:
        return None
    try:
        value = read(MESSAGES[apply_to], patch.get("value") or {})
    except SchemaError:
        return None
    operation = patch.get("operation") or "INVALID"
    if operation in _INSERTS and apply_to not in _INSERTABLE:
        operation = "ADD"
    match = entry.get("match") or {}
    proxy = match.get("proxy") or {}
    return Patch(
        apply_to=apply_to,
        operation=operation,
        value=value,
        context=match.get("context") or "ANY",
        listener=match.get("listener"),
        route_configuration=match.get("routeConfiguration"),
        cluster=match.get("cluster"),
        proxy_version=proxy.get("proxyVersion") or "",
        proxy_metadata=proxy.get("metadata") or {},
        source=source,
    )


def _version_matches(pattern: str, proxy: Proxy) -> bool:
    """Search a version pattern; one that is no regular expression matches everything, as istiod leaves it out."""
    if not proxy.istio_version:
        return False
    try:
        return re.search(pattern, proxy.istio_version) is not None
    except re.error:
        return True

"""What istiod would make of the resources that a source holds.

A cluster, or a bundle of one, knows resources and what its proxies hold, but not which rule a route was made from:
Envoy's metadata names the VirtualService alone. The simulated istiod, given the same resources, knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kubectl_mesh.errors import SourceError
from kubectl_mesh.sources.base import MeshSource, Prefetching
from simulator.manifests.kinds import find_kind
from simulator.model.directory import Directory
from simulator.model.errors import SimulatorError
from simulator.model.proxies import ProxyId
from simulator.model.resources import Origin, Resource
from simulator.model.wire import Json

if TYPE_CHECKING:
    from simulator.mesh import Mesh

_NEEDED = ("Pod", "Service", "Namespace")
_WANTED = (
    *("EndpointSlice", "Node", "ServiceAccount", "ServiceEntry", "WorkloadEntry", "WorkloadGroup"),
    *("Deployment", "ReplicaSet", "ConfigMap"),
    *("VirtualService", "DestinationRule", "Gateway", "Sidecar", "EnvoyFilter", "Telemetry", "WasmPlugin"),
    *("AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"),
    *("GatewayClass", "KubernetesGateway", "ListenerSet", "ReferenceGrant", "Ingress"),
    *("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"),
)


@dataclass(slots=False, kw_only=True)
class Expectation:
    """A simulated istiod's view of a mesh that is not simulated; nothing is read before it is asked for."""

    source: MeshSource
    _configurations: dict[ProxyId, Mapping[str, Sequence[Json]]] = field(default_factory=dict, repr=False)

    def directory(self) -> Directory:
        """Return hosts, addresses and pods, and the API path of each resource."""
        return self._mesh.directory()

    def configuration(self, proxy: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return the Envoy resources that a proxy should hold by kind; none where they cannot be told."""
        if proxy not in self._configurations:
            try:
                self._configurations[proxy] = self._mesh.configuration(proxy)
            except (KeyError, SimulatorError):
                self._configurations[proxy] = {}
        return self._configurations[proxy]

    @cached_property
    def _mesh(self) -> "Mesh":
        from simulator.mesh import Mesh
        from simulator.registry.build import build_snapshot

        resources = resources_of(self.source)
        return Mesh(state=resources, snapshot=build_snapshot(resources))


def resources_of(source: MeshSource) -> Sequence[Resource]:
    """Return the resources that istiod would look at, each with the API path it came from.

    Kinds that the source may not see are left out, but pods, services and namespaces.
    """
    if isinstance(source, Prefetching):
        source.prefetch((*_NEEDED, *_WANTED))
    found = [each for kind in _NEEDED for each in source.resources(kind)]
    for kind in _WANTED:
        try:
            found.extend(source.resources(kind))
        except SourceError:
            continue  # an absent or forbidden kind makes the answer poorer, not impossible
    return [_resource(document) for document in found]


def _resource(document: Json) -> Resource:
    metadata: Mapping[str, Any] = document.get("metadata") or {}
    kind, version = str(document.get("kind", "")), str(document.get("apiVersion", "v1"))
    namespace, name = str(metadata.get("namespace", "")), str(metadata.get("name", ""))
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    known = find_kind(version, kind)
    plural = known.plural if known is not None else f"{kind.lower()}s"
    parts = [base, *(["namespaces", namespace] if namespace else []), plural, name]
    return Resource(
        kind=kind,
        api_version=version,
        namespace=namespace,
        name=name,
        document=document,
        origin=Origin(source="/".join(parts)),
    )

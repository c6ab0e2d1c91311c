"""Hosts, addresses and pods of a mesh, whatever its source: known by it, or worked out from its resources."""

from collections.abc import Mapping, Sequence
from typing import Any

from kubectl_mesh.errors import SourceError
from kubectl_mesh.sources.base import LocatedSource, MeshSource, Prefetching
from simulator.model.directory import Directory
from simulator.model.resources import Origin, Resource
from simulator.model.wire import Json

_NEEDED = ("Pod", "Service", "Namespace")
_WANTED = (
    "EndpointSlice",
    "Node",
    "ServiceAccount",
    "ServiceEntry",
    "WorkloadEntry",
    "WorkloadGroup",
    "Deployment",
    "ReplicaSet",
    "ConfigMap",
)
_OTHERS = (
    "VirtualService",
    "DestinationRule",
    "Gateway",
    "Sidecar",
    "EnvoyFilter",
    "AuthorizationPolicy",
    "PeerAuthentication",
    "RequestAuthentication",
    "Telemetry",
    "WasmPlugin",
    "GatewayClass",
    "KubernetesGateway",
    "HTTPRoute",
    "GRPCRoute",
    "TLSRoute",
    "TCPRoute",
    "Ingress",
)


def directory_of(source: MeshSource) -> Directory:
    """Return the directory of a mesh; kinds that the source may not see are left out, but pods and services."""
    if isinstance(source, LocatedSource):
        return source.directory()
    from simulator.registry.build import build_snapshot
    from simulator.registry.directory import build_directory

    snapshot = build_snapshot(resources_of(source))
    return build_directory(snapshot, names={})


def resources_of(source: MeshSource) -> Sequence[Resource]:
    """Return the resources that istiod would look at, each with the API path it came from."""
    if isinstance(source, Prefetching):
        source.prefetch((*_NEEDED, *_WANTED, *_OTHERS))
    found = [each for kind in _NEEDED for each in source.resources(kind)]
    for kind in (*_WANTED, *_OTHERS):
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
    parts = [base, *(["namespaces", namespace] if namespace else []), _plural(kind), name]
    return Resource(
        kind=kind,
        api_version=version,
        namespace=namespace,
        name=name,
        document=document,
        origin=Origin(source="/".join(parts)),
    )


def _plural(kind: str) -> str:
    lower = kind.lower()
    if lower.endswith(("s", "x")):
        return f"{lower}es"
    return f"{lower[:-1]}ies" if lower.endswith("y") and not lower.endswith("ay") else f"{lower}s"

"""MeshNetworks, and services that differ between clusters.

istiod: pkg/config/analysis/analyzers/multicluster.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.service_differences import differing_services
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Origin, Resource

_REMOTE_SECRET = "istio/multiCluster"
_REGISTRIES = ("Mock", "Kubernetes", "External")


def _networks(world: World) -> Iterator[Finding]:
    known = set(_REGISTRIES)
    for secret in world.of_kind("Secret"):
        if secret.labels.get(_REMOTE_SECRET) == "true":
            known |= set(secret.document.get("data") or ()) | set(secret.document.get("stringData") or ())
    networks = world.mesh_networks.get("networks") or {}
    resource = Resource(
        kind="MeshNetworks",
        api_version="",
        namespace="istio-system",
        name="meshnetworks",
        document={},
        origin=Origin(source=""),
    )
    for name, network in sorted(networks.items()):
        for endpoint in (network or {}).get("endpoints") or ():
            registry = endpoint.get("fromRegistry")
            if registry is not None and registry not in known:
                yield Finding(code="IST0126", resource=resource, arguments=(registry, name))


def _services(world: World) -> Iterator[Finding]:
    if world.elsewhere:
        yield from differing_services({world.cluster_id: world.of_kind("Service"), **world.elsewhere})


ANALYZERS = (
    Check(
        name="services.MultiClusterServiceAnalyzer",
        description="Check the validity of services in the multi-cluster environment",
        inputs=("Service",),
        run=_services,
    ),
    Check(
        name="meshnetworks.MeshNetworksAnalyzer",
        description="Check the validity of MeshNetworks in the cluster",
        inputs=("MeshNetworks", "Secret"),
        run=_networks,
    ),
)

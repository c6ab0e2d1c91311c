"""What the registry knows of and does not follow."""

from collections.abc import Iterator, Mapping

from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.resources import ObjectRef
from simulator.registry.flags import enabled
from simulator.registry.mesh_config import MeshSettings
from simulator.registry.resource_index import ResourceIndex

_KINDS = {
    "InferencePool": "requests are not sent through inference extensions",
    "ServiceExport": "services are not shared between clusters",
    "ServiceImport": "services are not shared between clusters",
}
_FLAGS = {
    "PILOT_ENABLE_QUIC_LISTENERS": "gateways get no QUIC listeners",
    "ENABLE_GATEWAY_API_INFERENCE_EXTENSION": "requests are not sent through inference extensions",
    "ENABLE_MCS_HOST": "hosts of multi-cluster services are not known",
    "ENABLE_MCS_CLUSTER_LOCAL": "hosts of multi-cluster services are not known",
    "ENABLE_MCS_SERVICE_DISCOVERY": "services of other clusters are not known",
    "PILOT_ENABLE_AGENTGATEWAY": "gateways of class istio-agentgateway are not simulated",
}
_REMOTE_CLUSTER = "istio/multiCluster"


def unsupported(index: ResourceIndex, settings: MeshSettings) -> Iterator[Caveat]:
    """Yield a caveat for each resource and flag that would change something and does not."""
    for kind, message in _KINDS.items():
        for resource in index.of_kind(kind):
            yield Caveat(kind=CaveatKind.UNSUPPORTED, ref=resource.ref, message=message)
    for secret in index.of_kind("Secret"):
        if secret.labels.get(_REMOTE_CLUSTER) == "true":
            message = "services and endpoints of the remote cluster are not known"
            yield Caveat(kind=CaveatKind.UNSUPPORTED, ref=secret.ref, message=message)
    yield from _flags(settings.flags, settings.system_namespace)


def _flags(flags: Mapping[str, str], namespace: str) -> Iterator[Caveat]:
    istiod = ObjectRef(kind="Deployment", namespace=namespace, name="istiod")
    for name, message in _FLAGS.items():
        if enabled(flags, name, default=False):
            yield Caveat(kind=CaveatKind.UNSUPPORTED, ref=istiod, message=f"{name} is set: {message}")

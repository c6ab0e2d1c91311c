"""ServiceEntries: TCP ports need addresses that distinguish them.

istiod: pkg/config/analysis/analyzers/serviceentry/protocoladdresses.go.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.references import at
from kubectl_mesh.analysis.world import World

_ALLOCATING = ("ISTIO_META_DNS_AUTO_ALLOCATE", "PILOT_ENABLE_IP_AUTOALLOCATE")


def _addresses(world: World) -> Iterator[Finding]:
    metadata = (world.mesh.get("defaultConfig") or {}).get("proxyMetadata") or {}
    if metadata.get("ISTIO_META_DNS_CAPTURE") == "true" and any(metadata.get(key) == "true" for key in _ALLOCATING):
        return
    for entry in world.of_kind("ServiceEntry"):
        if entry.spec.get("addresses") or entry.status.get("addresses"):
            continue
        for index, port in enumerate(entry.spec.get("ports") or ()):
            if str(port.get("protocol") or "TCP").upper() == "TCP":
                yield Finding(code="IST0134", resource=entry, path=at(entry, "spec", "ports", index, "name"))


ANALYZERS = (
    Check(
        name="serviceentry.Analyzer",
        description="Checks the validity of ServiceEntry",
        inputs=("ServiceEntry", "MeshConfig"),
        run=_addresses,
    ),
)

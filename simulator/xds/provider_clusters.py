"""Extension providers of the mesh, and the clusters by which proxies reach their services.

istiod: pilot/pkg/model/telemetry_logging.go (LookupCluster), telemetry.go (fetchProvider).
"""

from typing import NamedTuple

from simulator.model import names
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot


class ProviderCluster(NamedTuple):
    """The registry host of a provider's service and the cluster that reaches it."""

    host: str
    cluster: str


def provider(snapshot: Snapshot, name: str) -> Json | None:
    """Return the extension provider of that name; case does not matter."""
    for candidate in snapshot.mesh.get("extensionProviders") or ():
        if str(candidate.get("name", "")).lower() == name.lower():
            return dict(candidate)
    return None


def default_providers(snapshot: Snapshot, kind: str) -> tuple[str, ...]:
    """Return the mesh's default providers of `metrics`, `accessLogging` or `tracing`."""
    defaults = snapshot.mesh.get("defaultProviders") or {}
    return tuple(defaults.get(kind) or ())


def provider_cluster(snapshot: Snapshot, service: str, port: int) -> ProviderCluster | None:
    """Find the cluster of a provider's `service` (`host` or `namespace/host`).

    None when no service, or several of one host without a namespace to choose by, would answer.
    """
    if not service:
        return None
    parts = service.split("/")
    namespace, host = (parts[0], parts[1]) if len(parts) == 2 else ("", service)
    found = {s.namespace: s.host for s in snapshot.services if s.host == host and namespace in ("", s.namespace)}
    if len(found) != 1:
        return None
    return ProviderCluster(host, names.outbound(port=port, host=host))

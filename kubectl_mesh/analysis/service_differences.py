"""Differences between the definitions of a service in several clusters.

istiod: pkg/config/analysis/analyzers/multicluster/service.go.
"""

from collections.abc import Iterator, Mapping, Sequence

from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.references import Name
from simulator.model.resources import Resource
from simulator.model.wire import Json


def differing_services(clusters: Mapping[str, Sequence[Resource]]) -> Iterator[Finding]:
    """Yield a finding per service that is not the same in all clusters that have it; `clusters` by cluster id."""
    services: dict[Name, dict[str, Resource]] = {}
    for cluster_id, resources in sorted(clusters.items()):
        for resource in resources:
            if resource.kind == "Service" and not resource.group:
                services.setdefault((resource.namespace, resource.name), {})[cluster_id] = resource
    for (namespace, name), found in sorted(services.items()):
        names, reasons = _differences(found)
        if names:
            first = next(iter(found.values()))
            arguments = (name, namespace, names, "; ".join(reasons))
            yield Finding(code="IST0170", resource=first, arguments=arguments, related=tuple(found.values())[1:])


def _differences(found: Mapping[str, Resource]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    first_id, first = next(iter(found.items()))
    names: set[str] = set()
    reasons: set[str] = set()
    for cluster_id, service in found.items():
        if (service.spec.get("clusterIP") == "None") != (first.spec.get("clusterIP") == "None"):
            names |= set(found)
            reasons.add("service has mixed mode like headless and clusterIP")
        if (service.spec.get("type") or "ClusterIP") != (first.spec.get("type") or "ClusterIP"):
            names |= {cluster_id, first_id}
            reasons.add("service type is inconsistent")
        if _ports(service) != _ports(first):
            names |= {cluster_id, first_id}
            reasons.add("service ports are inconsistent")
    return tuple(sorted(names)), tuple(sorted(reasons))


def _ports(service: Resource) -> list[Json]:
    return sorted(service.spec.get("ports") or (), key=lambda port: str(port.get("name") or ""))

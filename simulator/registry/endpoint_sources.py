"""All endpoints of a mesh: of Kubernetes Services, of ServiceEntries, and of WorkloadEntries that Services select.

istiod: pilot/pkg/model/endpointshards.go, pilot/pkg/serviceregistry/kube/controller/controller.go
(collectWorkloadInstanceEndpoints).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from simulator.model.labels import selects
from simulator.model.services import Endpoint, Registry, Resolution, Service
from simulator.registry.endpoint_index import EndpointIndex
from simulator.registry.endpoint_slices import EndpointBuilder
from simulator.registry.flags import enabled
from simulator.registry.mesh_config import MeshSettings
from simulator.registry.resource_index import ResourceIndex
from simulator.registry.service_entries import entry_endpoints
from simulator.registry.service_targets import ServiceTargets, Shard
from simulator.registry.workload_entries import WorkloadInstances, for_service_port
from simulator.registry.workloads import Workloads


def collect_endpoints(
    services: Sequence[Service], index: ResourceIndex, *, workloads: Workloads, settings: MeshSettings
) -> EndpointIndex:
    """Return the endpoints of all services."""
    builder = EndpointBuilder(index, workloads=workloads, settings=settings)
    instances = WorkloadInstances(index, workloads=workloads, settings=settings, builder=builder)
    documents = {(one.namespace, one.name): one.spec for one in index.of_kind("Service")}
    select_entries = enabled(settings.flags, "PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES", default=True)
    of_slices: dict[Service, Sequence[Endpoint]] = {}
    shards: defaultdict[Shard, list[Endpoint]] = defaultdict(list)
    for service in services:
        if service.registry is not Registry.KUBERNETES:
            continue
        of_slices[service] = builder.endpoints(service)
        shard = (service.host, service.namespace)
        shards[shard] += of_slices[service]
        if select_entries:
            ports = documents[service.namespace, service.name].get("ports") or ()
            shards[shard] += _selected_entries(service, ports, instances)
    entries = entry_endpoints(services, index, instances)
    for shard, found in entries.items():
        shards[shard] += found
    targets = ServiceTargets(services, documents, endpoints=of_slices, instances=instances, entries=entries)
    return EndpointIndex(
        shards,
        services=services,
        targets=targets,
        workloads=workloads,
        trust_domains=settings.mesh["trustDomainAliases"],
    )


def _selected_entries(
    service: Service, ports: Sequence[dict[str, object]], instances: WorkloadInstances
) -> Iterator[Endpoint]:
    if service.resolution is not Resolution.CLIENT_SIDE_LB or service.mesh_external or not service.selector:
        return
    for port in ports:
        for entry in instances.entries:
            if entry.dns_only or entry.namespace != service.namespace or not entry.endpoint.labels:
                continue
            if selects(service.selector, entry.endpoint.labels) and (found := for_service_port(entry, port)):
                yield found

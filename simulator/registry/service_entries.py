"""ServiceEntries → services and their endpoints.

istiod: pilot/pkg/serviceregistry/serviceentry/conversion.go.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from simulator.model.labels import Labels, selects
from simulator.model.ports import Port, parse_protocol
from simulator.model.resources import Resource
from simulator.model.services import UNSPECIFIED, Endpoint, Registry, Resolution, Service
from simulator.registry.flags import enabled
from simulator.registry.kubernetes import traffic_distribution
from simulator.registry.resource_index import ResourceIndex
from simulator.registry.service_targets import Shard
from simulator.registry.workload_entries import WorkloadInstance, WorkloadInstances, for_entry_port

_RESOLUTIONS = {
    "NONE": Resolution.PASSTHROUGH,
    "STATIC": Resolution.CLIENT_SIDE_LB,
    "DNS": Resolution.DNS_LB,
    "DNS_ROUND_ROBIN": Resolution.DNS_ROUND_ROBIN_LB,
    "DYNAMIC_DNS": Resolution.DYNAMIC_DNS,
}
CANONICAL_FLAG = "LABEL_CANONICAL_SERVICES_FOR_MESH_EXTERNAL_SERVICE_ENTRIES"
CANONICAL_NAME = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
CANONICAL_REVISION = ("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version")
_DNS = frozenset({Resolution.DNS_LB, Resolution.DNS_ROUND_ROBIN_LB})


def entry_services(index: ResourceIndex, flags: Mapping[str, str]) -> Sequence[Service]:
    """Return the services of all ServiceEntries: one for each host and address."""
    allocate = enabled(flags, "PILOT_ENABLE_IP_AUTOALLOCATE", default=True)
    canonical = enabled(flags, CANONICAL_FLAG, default=False)
    found: list[Service] = []
    for resource in index.of_kind("ServiceEntry"):
        namespace = index.get("Namespace", "", resource.namespace)
        annotations = namespace.annotations if namespace else {}
        for service in convert_entry(resource, namespace_annotations=annotations, allocate=allocate):
            named = canonical and service.mesh_external
            found.append(replace(service, labels=_canonical_labels(resource)) if named else service)
    return found


def _canonical_labels(resource: Resource) -> Labels:
    """Return the labels of a ServiceEntry, with the canonical name and revision that its workloads have outside."""
    labels = resource.labels
    name = next((labels[key] for key in CANONICAL_NAME if key in labels), resource.name)
    revision = next((labels[key] for key in CANONICAL_REVISION if key in labels), "latest")
    return {**labels, CANONICAL_NAME[0]: name, CANONICAL_REVISION[0]: revision}


def convert_entry(
    resource: Resource, *, namespace_annotations: Mapping[str, str], allocate: bool = True
) -> Iterator[Service]:
    """Yield the services of one ServiceEntry. The name of each is its host, as in istiod."""
    spec = resource.spec
    resolution = _RESOLUTIONS.get(spec.get("resolution") or "NONE", Resolution.PASSTHROUGH)
    ports = tuple(
        Port(
            name=port.get("name") or "",
            number=int(port["number"]),
            protocol=parse_protocol(port.get("protocol") or ""),
            target=int(port.get("targetPort") or 0) or "",
        )
        for port in spec.get("ports") or ()
    )
    allocated = _allocated(resource) if allocate and _may_allocate(resource) else {}
    for host in spec.get("hosts") or ():
        for address in _addresses(resource):
            yield Service(
                host=host,
                name=host,
                namespace=resource.namespace,
                registry=Registry.EXTERNAL,
                source=resource.ref,
                ports=ports,
                resolution=resolution,
                addresses=(address,),
                auto_addresses=allocated.get(host, ()),
                mesh_external=(spec.get("location") or "MESH_EXTERNAL") == "MESH_EXTERNAL",
                type="",
                labels=resource.labels,
                selector=(spec.get("workloadSelector") or {}).get("labels") or {},
                annotations=resource.annotations,
                export_to=frozenset(spec.get("exportTo") or ()),
                service_accounts=tuple(spec.get("subjectAltNames") or ()),
                created=resource.created,
                traffic_distribution=traffic_distribution(None, resource.annotations, namespace_annotations),
            )


def entry_endpoints(
    services: Iterable[Service], index: ResourceIndex, instances: WorkloadInstances
) -> dict[Shard, list[Endpoint]]:
    """Return the endpoints of ServiceEntry services by host and namespace, oldest service first.

    A host with two addresses has two services, and with them every endpoint twice, as istiod sends it. A port of a
    round-robin DNS service has the endpoints of one entry only.
    """
    found: defaultdict[Shard, list[Endpoint]] = defaultdict(list)
    filled: defaultdict[Shard, set[int]] = defaultdict(set)
    for service in services:
        if service.registry is not Registry.EXTERNAL:
            continue
        resource = index.get("ServiceEntry", service.namespace, service.source.name)
        if resource is None:
            continue
        shard = (service.host, service.namespace)
        for endpoint in _endpoints(service, resource, instances):
            if service.resolution is Resolution.DNS_ROUND_ROBIN_LB and endpoint.service_port in filled[shard]:
                continue
            filled[shard].add(endpoint.service_port)
            found[shard].append(endpoint)
    return found


def _endpoints(service: Service, resource: Resource, instances: WorkloadInstances) -> Iterator[Endpoint]:
    spec = resource.spec
    ports = spec.get("ports") or ()
    if spec.get("workloadSelector") is not None:
        for instance in _selected(service, instances):
            yield from (for_entry_port(instance, port) for port in ports)
        return
    inline = spec.get("endpoints") or ()
    if not inline and service.resolution in _DNS:
        for port in ports:
            yield Endpoint(
                address=service.host,
                port=int(port.get("targetPort") or port["number"]),
                port_name=port["name"],
                service_port=int(port["number"]),
                cluster_id=instances.cluster_id,
                workload_name=resource.name,
                namespace=resource.namespace,
            )
        return
    for position, entry in enumerate(inline):
        instance = instances.inline(entry, name=f"{resource.name}-{position}", namespace=resource.namespace)
        yield from (for_entry_port(instance, port) for port in ports)


def _selected(service: Service, instances: WorkloadInstances) -> Iterator[WorkloadInstance]:
    for instance in (*instances.pods, *instances.entries):
        if instance.dns_only and service.resolution not in _DNS:
            continue
        if instance.namespace == service.namespace and selects(service.selector, instance.endpoint.labels):
            yield instance


def _addresses(resource: Resource) -> Iterator[str]:
    """Yield the addresses of an entry; a range of one address is that address, what is neither is left out."""
    declared = resource.spec.get("addresses") or ()
    if not declared:
        yield UNSPECIFIED
    for address in declared:
        try:
            network = ipaddress.ip_network(address, strict=False)
        except ValueError:
            continue
        single = "/" in address and network.prefixlen == network.max_prefixlen
        yield str(network.network_address) if single else address


def _may_allocate(resource: Resource) -> bool:
    opted_out = (resource.labels.get("networking.istio.io/enable-autoallocate-ip") or "").lower() == "false"
    resolved = (resource.spec.get("resolution") or "NONE") != "NONE"
    return resolved and not opted_out and not resource.spec.get("addresses")


def _allocated(resource: Resource) -> dict[str, tuple[str, ...]]:
    """Return the addresses that istiod's controller wrote into the status, IPv4 first; the last of a family counts."""
    families: defaultdict[str, dict[int, str]] = defaultdict(dict)
    written = resource.get("status", "addresses")
    for entry in written if isinstance(written, list) else ():
        if not isinstance(entry, dict):
            continue
        try:
            address = ipaddress.ip_address(str(entry.get("value")))
        except ValueError:
            continue
        families[str(entry.get("host") or "")][address.version] = str(address)
    return {host: tuple(found[version] for version in sorted(found)) for host, found in families.items()}

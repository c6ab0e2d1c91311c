"""Kubernetes Services → services.

istiod: pilot/pkg/serviceregistry/kube/conversion.go (ConvertService), pilot/pkg/model/push_context.go
(resolveServiceAliases).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from simulator.model.names import service_host
from simulator.model.ports import Port, kubernetes_protocol
from simulator.model.resources import Resource
from simulator.model.services import UNSPECIFIED, Registry, Resolution, Service
from simulator.model.wire import Json
from simulator.registry.resource_index import ResourceIndex
from simulator.registry.visibility import annotated_export

_TRAFFIC_DISTRIBUTION = {
    "preferclose": "PreferSameZone",
    "prefersamezone": "PreferSameZone",
    "prefersamenode": "PreferSameNode",
}
_NODE_SELECTOR = "traffic.istio.io/nodeSelector"


def kubernetes_services(index: ResourceIndex, *, domain: str, trust_domain: str) -> Sequence[Service]:
    """Return the services that Kubernetes Services stand for."""
    found = []
    for resource in index.of_kind("Service"):
        namespace = index.get("Namespace", "", resource.namespace)
        annotations = namespace.annotations if namespace else {}
        found.append(
            convert_service(resource, namespace_annotations=annotations, domain=domain, trust_domain=trust_domain)
        )
    return found


def convert_service(
    resource: Resource, *, namespace_annotations: Mapping[str, str], domain: str, trust_domain: str
) -> Service:
    """Return the service that one Kubernetes Service stands for."""
    spec = resource.spec
    external_name = spec.get("externalName") or "" if spec.get("type") == "ExternalName" else ""
    resolution, addresses = Resolution.CLIENT_SIDE_LB, (UNSPECIFIED,)
    if external_name:
        resolution = Resolution.ALIAS
    cluster_ip = spec.get("clusterIP") or ""
    if cluster_ip == "None":
        resolution = Resolution.PASSTHROUGH
    elif cluster_ip:
        several = tuple(spec.get("clusterIPs") or ())
        addresses = several if len(several) > 1 else (cluster_ip,)
    return Service(
        host=service_host(name=resource.name, namespace=resource.namespace, domain=domain),
        name=resource.name,
        namespace=resource.namespace,
        registry=Registry.KUBERNETES,
        source=resource.ref,
        ports=tuple(convert_port(port) for port in spec.get("ports") or ()),
        resolution=resolution,
        addresses=addresses,
        external_addresses=_external_addresses(resource),
        mesh_external=bool(external_name),
        type=spec.get("type") or "ClusterIP",
        external_name=external_name,
        labels=resource.labels,
        selector=spec.get("selector") or {},
        annotations=resource.annotations,
        export_to=annotated_export(resource.annotations),
        service_accounts=_service_accounts(resource, trust_domain=trust_domain),
        created=resource.created,
        node_local=spec.get("internalTrafficPolicy") == "Local",
        traffic_distribution=traffic_distribution(
            spec.get("trafficDistribution"), resource.annotations, namespace_annotations
        ),
        publish_not_ready=bool(spec.get("publishNotReadyAddresses")),
        node_ports=_node_ports(resource),
    )


def convert_port(port: Json) -> Port:
    """Return one port of a Kubernetes Service; protocol from `appProtocol`, name or number."""
    number = int(port["port"])
    name = port.get("name") or ""
    return Port(
        name=name,
        number=number,
        protocol=kubernetes_protocol(
            number=number,
            name=name,
            transport=port.get("protocol") or "TCP",
            app_protocol=port.get("appProtocol") or "",
        ),
        target=port.get("targetPort") or number,
    )


def traffic_distribution(
    field: str | None, annotations: Mapping[str, str], namespace_annotations: Mapping[str, str]
) -> str:
    """Return `PreferSameZone`, `PreferSameNode` or nothing: from the field, else the Service, else its namespace."""
    if found := _TRAFFIC_DISTRIBUTION.get((field or "").lower()):
        return found
    key = "networking.istio.io/traffic-distribution"
    for source in (annotations, namespace_annotations):
        if text := (source.get(key) or "").lower():
            return _TRAFFIC_DISTRIBUTION.get(text, "")
    return ""


def resolve_aliases(services: Sequence[Service]) -> Sequence[Service]:
    """Give each service the hosts of the ExternalName services that end at it.

    Chains are followed to their end; a loop leads nowhere.
    """
    targets = {one.host: one.external_name for one in services if one.resolution is Resolution.ALIAS}
    if not targets:
        return services
    aliases: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for service in services:
        if service.resolution is Resolution.ALIAS and (end := _end_of_chain(service.host, targets)):
            aliases[end].append((service.namespace, service.host))
    return [
        replace(one, aliases=tuple(host for _, host in sorted(aliases[one.host]))) if one.host in aliases else one
        for one in services
    ]


def _end_of_chain(host: str, targets: Mapping[str, str]) -> str:
    seen = {host}
    while host in targets:
        host = targets[host]
        if host in seen:
            return ""
        seen.add(host)
    return host


def _external_addresses(resource: Resource) -> tuple[str, ...]:
    found: list[str] = []
    if resource.spec.get("type") == "LoadBalancer":
        entries = resource.get("status", "loadBalancer", "ingress", default=[])
        found += [entry.get("ip") or entry.get("hostname") for entry in entries]
    return tuple(address for address in [*found, *(resource.spec.get("externalIPs") or ())] if address)


def _service_accounts(resource: Resource, *, trust_domain: str) -> tuple[str, ...]:
    annotations = resource.annotations
    canonical = annotations.get("alpha.istio.io/canonical-serviceaccounts") or ""
    names = annotations.get("alpha.istio.io/kubernetes-serviceaccounts") or ""
    accounts = canonical.split(",") if canonical else []
    if names:
        accounts += [
            spiffe(trust_domain=trust_domain, namespace=resource.namespace, account=name) for name in names.split(",")
        ]
    return tuple(accounts)


def spiffe(*, trust_domain: str, namespace: str, account: str) -> str:
    """Return the SPIFFE identity of a service account."""
    return f"spiffe://{trust_domain}/ns/{namespace}/sa/{account}"


def _node_ports(resource: Resource) -> Mapping[int, int]:
    if resource.spec.get("type") != "NodePort" or _NODE_SELECTOR not in resource.annotations:
        return {}
    return {int(port["port"]): int(port.get("nodePort") or 0) for port in resource.spec.get("ports") or ()}

"""Resources → Snapshot: the only place that knows how the parts of the registry fit together."""

from collections.abc import Sequence

from simulator.model.resources import Resource
from simulator.registry.destination_rules import DestinationRuleIndex
from simulator.registry.endpoint_sources import collect_endpoints
from simulator.registry.gateway_api.convert import convert_gateway_api
from simulator.registry.ingress import convert_ingresses
from simulator.registry.kubernetes import kubernetes_services, resolve_aliases
from simulator.registry.mesh_config import load_settings
from simulator.registry.policy_sets import PolicySets
from simulator.registry.proxies import find_proxies
from simulator.registry.resource_index import ResourceIndex, order
from simulator.registry.service_entries import entry_services
from simulator.registry.service_index import ServiceIndex, service_order
from simulator.registry.sidecar_scopes import SidecarScopes
from simulator.registry.snapshot import Snapshot
from simulator.registry.virtual_services import VirtualServiceIndex
from simulator.registry.visibility import default_export
from simulator.registry.workloads import Workloads


def build_snapshot(resources: Sequence[Resource]) -> Snapshot:
    """Return istiod's view of a mesh of explicit resources: Services, EndpointSlices, Pods and configuration."""
    index = ResourceIndex(resources)
    settings = load_settings(index)
    mesh = settings.mesh
    workloads = Workloads(index, settings)
    found = [
        *kubernetes_services(index, domain=settings.domain, trust_domain=mesh["trustDomain"]),
        *entry_services(index, settings.flags),
    ]
    services = ServiceIndex(
        resolve_aliases(sorted(found, key=service_order)), default_export=default_export(mesh, "defaultServiceExportTo")
    )
    endpoints = collect_endpoints(services.all, index, workloads=workloads, settings=settings)
    ingress = convert_ingresses(index, mesh=mesh, domain=settings.domain)
    gateway_api = convert_gateway_api(index, flags=settings.flags, domain=settings.domain)
    virtual_services = VirtualServiceIndex(
        [*index.of_kind("VirtualService"), *ingress.virtual_services, *gateway_api.virtual_services],
        domain=settings.domain,
        default_export=default_export(mesh, "defaultVirtualServiceExportTo"),
    )
    destination_rules = DestinationRuleIndex(
        [*index.of_kind("DestinationRule"), *gateway_api.destination_rules],
        domain=settings.domain,
        root_namespace=mesh["rootNamespace"],
        default_export=default_export(mesh, "defaultDestinationRuleExportTo"),
    )
    scopes = SidecarScopes(
        index.of_kind("Sidecar"),
        services=services,
        virtual_services=virtual_services,
        destination_rules=destination_rules,
        root_namespace=mesh["rootNamespace"],
        mesh_policy=mesh["outboundTrafficPolicy"],
    )
    return Snapshot(
        index=index,
        settings=settings,
        services=services,
        endpoints=endpoints,
        proxies=find_proxies(workloads, settings=settings),
        virtual_services=virtual_services,
        scopes=scopes,
        policies=PolicySets(index, settings),
        workloads=workloads,
        gateways=tuple(sorted([*index.of_kind("Gateway"), *ingress.gateways, *gateway_api.gateways], key=order)),
        caveats=(*index.caveats, *settings.caveats, *virtual_services.caveats, *ingress.caveats, *gateway_api.caveats),
    )

"""Resources → Snapshot: the only place that knows how the parts of the registry fit together."""

from collections.abc import Sequence

from simulator.manifests.garbage_collection import collector_paused
from simulator.model.resources import Resource
from simulator.registry.ambient.view import AmbientView
from simulator.registry.ambiguities import ambiguities
from simulator.registry.destination_rules import DestinationRuleIndex
from simulator.registry.discovery import watched
from simulator.registry.endpoint_sources import collect_endpoints
from simulator.registry.field_names import with_json_names
from simulator.registry.flags import enabled
from simulator.registry.ingress import Converted, convert_ingresses
from simulator.registry.kubernetes import kubernetes_services, resolve_aliases
from simulator.registry.mesh_config import MeshSettings, load_settings
from simulator.registry.policy_sets import PolicySets
from simulator.registry.proxies import find_proxies
from simulator.registry.refused import without_refused
from simulator.registry.resource_index import ResourceIndex, order
from simulator.registry.service_entries import entry_services
from simulator.registry.service_index import ServiceIndex, service_order
from simulator.registry.sidecar_scopes import SidecarScopes
from simulator.registry.snapshot import Snapshot
from simulator.registry.unsupported import unsupported
from simulator.registry.virtual_services import VirtualServiceIndex
from simulator.registry.visibility import default_export
from simulator.registry.workloads import Workloads

_GATEWAY_API = "gateway.networking."  # x-k8s.io is the group of experimental kinds


@collector_paused()
def build_snapshot(resources: Sequence[Resource]) -> Snapshot:
    """Return istiod's view of a mesh of explicit resources: Services, EndpointSlices, Pods and configuration."""
    everything = ResourceIndex(with_json_names(resource) for resource in resources)
    settings = load_settings(everything)
    index, refusals = without_refused(watched(everything, settings))
    workloads = Workloads(index, settings)
    services = _services(index, settings)
    converted = _converted(index, settings)
    virtual_services = _virtual_services(index, settings, converted)
    return Snapshot(
        index=index,
        settings=settings,
        services=services,
        endpoints=collect_endpoints(services.all, index, workloads=workloads, settings=settings),
        proxies=find_proxies(everything, workloads=workloads, settings=settings),
        virtual_services=virtual_services,
        scopes=_scopes(index, settings, services, virtual_services, converted=converted),
        policies=PolicySets(index, settings),
        workloads=workloads,
        ambient=AmbientView(
            index,
            workloads,
            domain=settings.domain,
            active=enabled(settings.flags, "PILOT_ENABLE_AMBIENT", default=False),
        ),
        gateways=tuple(sorted([*index.of_kind("Gateway"), *converted.gateways], key=order)),
        caveats=(
            *everything.caveats,
            *settings.caveats,
            *refusals,
            *virtual_services.caveats,
            *converted.caveats,
            *ambiguities(
                index,
                virtual_services.all,
                domain=settings.domain,
                service_export=default_export(settings.mesh, "defaultServiceExportTo"),
            ),
            *unsupported(index, settings),
        ),
    )


def _services(index: ResourceIndex, settings: MeshSettings) -> ServiceIndex:
    found = [
        *kubernetes_services(index, domain=settings.domain, trust_domain=settings.mesh["trustDomain"]),
        *entry_services(index, settings.flags),
    ]
    resolved = resolve_aliases(sorted(found, key=service_order))
    return ServiceIndex(resolved, default_export=default_export(settings.mesh, "defaultServiceExportTo"))


def _converted(index: ResourceIndex, settings: MeshSettings) -> Converted:
    """Convert the resources of other APIs to Istio's."""
    ingress = convert_ingresses(index, mesh=settings.mesh, domain=settings.domain)
    gateway_api = _gateway_api(index, settings)
    return Converted(
        gateways=ingress.gateways + gateway_api.gateways,
        virtual_services=ingress.virtual_services + gateway_api.virtual_services,
        destination_rules=gateway_api.destination_rules,
        caveats=ingress.caveats + gateway_api.caveats,
    )


def _gateway_api(index: ResourceIndex, settings: MeshSettings) -> Converted:
    """Convert the Gateway API's resources; its many rules are imported only where there are any."""
    if not any(_GATEWAY_API in one.group for one in index.all):
        return Converted()
    from simulator.registry.gateway_api.convert import convert_gateway_api

    return convert_gateway_api(index, flags=settings.flags, domain=settings.domain)


def _virtual_services(index: ResourceIndex, settings: MeshSettings, converted: Converted) -> VirtualServiceIndex:
    return VirtualServiceIndex(
        [*index.of_kind("VirtualService"), *converted.virtual_services],
        domain=settings.domain,
        default_export=default_export(settings.mesh, "defaultVirtualServiceExportTo"),
    )


def _scopes(
    index: ResourceIndex,
    settings: MeshSettings,
    services: ServiceIndex,
    virtual_services: VirtualServiceIndex,
    *,
    converted: Converted,
) -> SidecarScopes:
    root_namespace = settings.mesh["rootNamespace"]
    destination_rules = DestinationRuleIndex(
        [*index.of_kind("DestinationRule"), *converted.destination_rules],
        domain=settings.domain,
        root_namespace=root_namespace,
        default_export=default_export(settings.mesh, "defaultDestinationRuleExportTo"),
        by_export=enabled(settings.flags, "ENABLE_ENHANCED_DESTINATIONRULE_MERGE", default=True),
    )
    return SidecarScopes(
        index.of_kind("Sidecar"),
        services=services,
        virtual_services=virtual_services,
        destination_rules=destination_rules,
        root_namespace=root_namespace,
        mesh_policy=settings.mesh["outboundTrafficPolicy"],
        picks_best=enabled(settings.flags, "PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE", default=True),
    )

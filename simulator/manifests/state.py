"""Manifests → the objects that a cluster holds once its controllers have done their work.

Everything made up depends on the identity of what it is made for, and nothing on the order of the manifests; what the
manifests give explicitly (live Pods, EndpointSlices, Nodes, addresses, a control plane) is kept as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.manifests import control_plane as istio
from simulator.manifests.endpoint_slices import synthetic_slices
from simulator.manifests.garbage_collection import collector_paused
from simulator.manifests.gateway_deployments import managed_gateways
from simulator.manifests.gateway_statuses import reported
from simulator.manifests.injector import Injectors, find_injectors
from simulator.manifests.kinds import find_kind
from simulator.manifests.mesh_namespaces import silent_namespaces, with_injection
from simulator.manifests.placement import Placement, synthetic_nodes
from simulator.manifests.pods import Kubelet, bare_pod, brought_to_life, is_live
from simulator.manifests.served_kinds import caveats_of_kinds
from simulator.manifests.service_entries import allocate_addresses
from simulator.manifests.services import allocate, cluster_families
from simulator.manifests.webhook_objects import missing_webhooks
from simulator.manifests.workloads import expand
from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.resources import Resource

_REPLACED = frozenset({"Node", "Pod", "Service", "ServiceEntry"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterState:
    """All objects of a cluster, sorted by kind, namespace and name, and what is not simulated of them."""

    resources: tuple[Resource, ...]
    injectors: Injectors
    """Who injects which pods: `injectors.decide(pod, namespace=…)` gives the reason too."""
    caveats: tuple[Caveat, ...] = ()


def cluster_state(
    resources: Sequence[Resource], *, control_plane: bool = True, inject: Sequence[str] = ()
) -> ClusterState:
    """Complete manifests to the state of a cluster; without `control_plane` no istiod or gateway is added.

    `inject` names namespaces to take for labelled `istio-injection: enabled`, `*` all that say nothing about it.
    """
    with collector_paused():
        return _completed(resources, control_plane=control_plane, inject=inject)


def _completed(resources: Sequence[Resource], *, control_plane: bool, inject: Sequence[str]) -> ClusterState:
    known = [one for one in resources if find_kind(one.api_version, one.kind)]
    foreign = [one for one in resources if not find_kind(one.api_version, one.kind)]
    given = [*known, *(istio.missing(known) if control_plane else ())]
    made = managed_gateways(given, injector=find_injectors(given, nodes=()).first)
    given = [*reported(given, made), *made]
    given += istio.namespaces([*given, *foreign])
    stated = {resource.name for resource in known if resource.kind == "Namespace"}
    given = sorted(with_injection(given, inject), key=_order)
    nodes = _of_kind(given, "Node") or synthetic_nodes()
    placement = Placement(nodes)
    injectors = find_injectors(given, nodes=nodes)
    services = allocate(_of_kind(given, "Service"), families=cluster_families(given))
    expansion = expand(given, node_names=_daemon_nodes(given, placement))
    live = [pod for pod in _of_kind(given, "Pod") if is_live(pod)]
    bare = [bare_pod(pod) for pod in _of_kind(given, "Pod") if not is_live(pod)]
    kubelet = Kubelet(
        injectors=injectors,
        placement=placement,
        families=cluster_families(given),
        live=live,
        ambient=istio.is_ambient(given),
    )
    pods = [*live, *brought_to_life([*expansion.pods, *bare], kubelet)]
    slices = synthetic_slices(services, pods, given=_endpoint_objects(given), nodes=nodes)
    entries = allocate_addresses(_of_kind(given, "ServiceEntry"), flags=istio.istiod_environment(given))
    kept = [resource for resource in given if resource.kind not in _REPLACED]
    webhooks = missing_webhooks(given, injectors) if control_plane and not live else ()
    everything = [*foreign, *kept, *nodes, *services, *entries, *pods, *expansion.resources, *slices, *webhooks]
    return ClusterState(
        resources=tuple(sorted(everything, key=_order)),
        injectors=injectors,
        caveats=(
            *(Caveat(kind=CaveatKind.UNSUPPORTED, ref=ref, message=text) for ref, text in expansion.warnings),
            *kubelet.caveats,
            *caveats_of_kinds(resources),
            *silent_namespaces([one for one in _of_kind(given, "Namespace") if one.name not in stated], pods),
        ),
    )


def _order(resource: Resource) -> tuple[str, str, str, str]:
    return resource.kind, resource.group, resource.namespace, resource.name


def _of_kind(resources: Sequence[Resource], kind: str) -> tuple[Resource, ...]:
    return tuple(resource for resource in resources if resource.kind == kind)


def _endpoint_objects(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    return tuple(resource for resource in resources if resource.kind in ("Endpoints", "EndpointSlice"))


def _daemon_nodes(resources: Sequence[Resource], placement: Placement) -> dict[str, list[str]]:
    return {
        f"{resource.namespace}/{resource.name}": [
            node.name
            for node in placement.eligible(resource.get("spec", "template", "spec", "nodeSelector", default={}))
        ]
        for resource in _of_kind(resources, "DaemonSet")
    }

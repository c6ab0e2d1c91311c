"""Which services and rules each proxy may see, worked out once per namespace and Sidecar resource.

istiod: pilot/pkg/model/sidecar.go (convertToSidecarScope, appendSidecarServices), push_context.go (initSidecarScopes,
doGetSidecarScope).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from simulator.model.labels import Labels, selects
from simulator.model.ports import Protocol, parse_protocol
from simulator.model.resources import Resource
from simulator.model.services import Registry, Service
from simulator.model.wire import Json
from simulator.registry.destination_rules import DestinationRuleIndex
from simulator.registry.host_lookup import HostMap
from simulator.registry.imports import Imports, cut_to_port, cut_to_ports
from simulator.registry.scopes import EgressListener, SidecarScope, VirtualService
from simulator.registry.service_index import ServiceIndex
from simulator.registry.virtual_services import VirtualServiceIndex


class SidecarScopes:
    """Sidecar scopes of one mesh, built when first asked for."""

    def __init__(
        self,
        sidecars: Sequence[Resource],
        *,
        services: ServiceIndex,
        virtual_services: VirtualServiceIndex,
        destination_rules: DestinationRuleIndex,
        root_namespace: str,
        mesh_policy: Json,
        picks_best: bool = True,
    ) -> None:
        """`picks_best`: of services of one host that a VirtualService sends to, not the first namespace's is taken."""
        self._picks_best = picks_best
        self._services = services
        self._virtual_services = virtual_services
        self._destination_rules = destination_rules
        self._mesh_policy = {"mode": mesh_policy.get("mode") or "REGISTRY_ONLY"}
        self._by_namespace: defaultdict[str, list[Resource]] = defaultdict(list)
        for sidecar in sorted(sidecars, key=lambda one: one.spec.get("workloadSelector") is None):
            self._by_namespace[sidecar.namespace].append(sidecar)
        roots = self._by_namespace.get(root_namespace, ())
        self._root = next((one for one in roots if one.spec.get("workloadSelector") is None), None)
        self._built: dict[tuple[str, Resource | None, bool], SidecarScope] = {}

    def of_sidecar(self, namespace: str, labels: Labels) -> SidecarScope:
        """Return the scope of a sidecar: selecting Sidecar, the namespace's, the root namespace's, the implied one."""
        for sidecar in self._by_namespace.get(namespace, ()):
            selector = sidecar.spec.get("workloadSelector")
            if selector is None or selects(selector.get("labels") or {}, labels):
                return self._scope(namespace, sidecar, gateway=False)
        return self._scope(namespace, self._root, gateway=False)

    def of_gateway(self, namespace: str) -> SidecarScope:
        """Return the scope of gateways and waypoints: whatever is visible in their namespace."""
        return self._scope(namespace, None, gateway=True)

    def _scope(self, namespace: str, sidecar: Resource | None, *, gateway: bool) -> SidecarScope:
        key = (namespace, sidecar, gateway)
        if key not in self._built:
            self._built[key] = self._for_gateway(namespace) if gateway else self._for_sidecar(namespace, sidecar)
        return self._built[key]

    def _for_gateway(self, namespace: str) -> SidecarScope:
        merged = _MergedServices()
        for service in self._services.exported_to(namespace):
            merged.add(service)
        virtual_services = tuple(self._virtual_services.of_gateway("mesh", namespace))
        egress = EgressListener(listener=None, services=(), virtual_services=virtual_services)
        return self._finish(namespace, None, merged, egress=(egress,), policy=self._mesh_policy)

    def _for_sidecar(self, namespace: str, sidecar: Resource | None) -> SidecarScope:
        spec = sidecar.spec if sidecar else {}
        entries: Sequence[Json | None] = spec.get("egress") or [None]
        egress = tuple(self._egress(namespace, entry) for entry in entries)
        merged = _MergedServices()
        for one in egress:
            for service in one.services:
                merged.add(service)
            for virtual_service in one.virtual_services:
                self._add_destinations(merged, namespace, one, virtual_service)
        policy = spec.get("outboundTrafficPolicy")
        policy = self._mesh_policy if policy is None else policy
        return self._finish(namespace, sidecar, merged, egress=egress, policy=policy)

    def _finish(
        self,
        namespace: str,
        sidecar: Resource | None,
        merged: "_MergedServices",
        *,
        egress: tuple[EgressListener, ...],
        policy: Json,
    ) -> SidecarScope:
        rules = {
            host: tuple(self._destination_rules.for_service(namespace, one)) for host, one in merged.by_host.items()
        }
        return SidecarScope(
            namespace=namespace,
            resource=sidecar,
            services=tuple(merged.by_host.values()),
            services_by_host=merged.by_host,
            egress=egress,
            destination_rules={host: found for host, found in rules.items() if found},
            outbound_policy=policy,
        )

    def _egress(self, namespace: str, entry: Json | None) -> EgressListener:
        imports = Imports((entry or {}).get("hosts") or (["*/*"] if entry is None else []), namespace=namespace)
        services = imports.services(self._services.exported_to(namespace), port=_required_port(entry))
        virtual_services = self._virtual_services.select(namespace, imports.has_virtual_service)
        return EgressListener(
            listener=entry,
            services=services,
            virtual_services=virtual_services,
            most_specific=_most_specific(virtual_services, services),
        )

    def _add_destinations(
        self, merged: "_MergedServices", namespace: str, egress: EgressListener, virtual_service: VirtualService
    ) -> None:
        """Add the services that an imported VirtualService sends to; those imported by name come first."""
        port = _required_port(egress.listener)
        for host, ports in self._virtual_services.destinations(virtual_service, namespace).items():
            service = self._destination(host, namespace)
            if service is None or service is merged.by_host.get(host):
                continue
            kept = cut_to_port(service, port) if port else cut_to_ports(service, ports)
            if kept is not None:
                merged.add(kept)

    def _destination(self, host: str, namespace: str) -> Service | None:
        known = self._services.of_host(host)
        if namespace in known:
            return known[namespace]
        if not known:
            return None
        visible = [one for _, one in sorted(known.items()) if self._services.is_visible(one, namespace)]
        if not self._picks_best:
            return visible[0] if visible else None
        return min(visible, key=lambda one: (one.registry is not Registry.KUBERNETES, one.created), default=None)


def _required_port(entry: Json | None) -> int:
    """Return the port that services must have to be imported; an HTTP proxy port takes any."""
    port = (entry or {}).get("port") or {}
    if parse_protocol(port.get("protocol") or "") is Protocol.HTTP_PROXY:
        return 0
    return int(port.get("number") or 0)


def _most_specific(
    virtual_services: Sequence[VirtualService], services: Sequence[Service]
) -> dict[str, VirtualService]:
    hosts: HostMap[VirtualService] = HostMap()
    for one in virtual_services:
        for host in one.hosts:
            hosts.setdefault(host, one)
    found = {service.host: hosts.most_specific(service.host) for service in services}
    return {host: one for host, one in found.items() if one is not None}


class _MergedServices:
    """Services of all egress listeners, one per host in the order in which they were first seen."""

    def __init__(self) -> None:
        self.by_host: dict[str, Service] = {}

    def add(self, service: Service) -> None:
        """Add a service; one of a known host adds its ports, or displaces it, or is left out."""
        known = self.by_host.get(service.host)
        if known is None:
            self.by_host[service.host] = service
        elif service is known or (known.registry, service.registry) == (Registry.KUBERNETES, Registry.EXTERNAL):
            return
        elif known.registry is not Registry.KUBERNETES and service.registry is Registry.KUBERNETES:
            self.by_host[service.host] = service
        elif known.ports != service.ports and _mergeable(known, service):
            numbers = {port.number for port in known.ports}
            added = tuple(port for port in service.ports if port.number not in numbers)
            if added:  # else keep the object that many scopes share
                self.by_host[service.host] = replace(known, ports=known.ports + added)


def _mergeable(one: Service, other: Service) -> bool:
    fields = ("namespace", "resolution", "registry", "labels", "selector", "export_to")
    return all(getattr(one, field) == getattr(other, field) for field in fields)

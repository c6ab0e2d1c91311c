"""Which service ports a proxy's own workload serves: what becomes its inbound configuration.

istiod: pilot/pkg/serviceregistry/kube/controller/controller.go (GetProxyServiceTargets), pilot/pkg/model/context.go
(SetServiceTargets).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from simulator.model.labels import selects
from simulator.model.ports import Port, Protocol
from simulator.model.proxies import Proxy, ServiceTarget
from simulator.model.resources import Resource
from simulator.model.services import Endpoint, Registry, Resolution, Service
from simulator.model.wire import Json
from simulator.registry.workload_entries import WorkloadInstance, WorkloadInstances, for_service_port

Shard = tuple[str, str]
"""Endpoints are kept by host and namespace, in which several services may share them."""


def find_port(pod: Resource, *, target: int | str, transport: str) -> int | None:
    """Resolve a targetPort: a number is itself, a name is looked up in the container ports of the pod."""
    if isinstance(target, int) or str(target).isdigit():
        return int(target)
    natives = [one for one in pod.spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for container in [*(pod.spec.get("containers") or ()), *natives]:
        for port in container.get("ports") or ():
            if port.get("name") == target and (port.get("protocol") or "TCP") == transport:
                return int(port["containerPort"])
    return None


def creation_order(target: ServiceTarget) -> tuple[str, str]:
    """Sort key of service targets: oldest service first, then by host."""
    return (target.service.created, target.service.host)


class ServiceTargets:
    """Looks up the service targets of workloads."""

    def __init__(
        self,
        services: Iterable[Service],
        documents: Mapping[tuple[str, str], Json],
        *,
        endpoints: Mapping[Service, Sequence[Endpoint]],
        instances: WorkloadInstances,
        entries: Mapping[Shard, Sequence[Endpoint]],
    ) -> None:
        self._documents = documents
        self._endpoints = endpoints
        self._instances = instances
        self._by_namespace: defaultdict[str, list[Service]] = defaultdict(list)
        self._external: defaultdict[tuple[str, str], list[ServiceTarget]] = defaultdict(list)
        seen: set[Shard] = set()
        for service in services:
            shard = (service.host, service.namespace)
            if service.registry is Registry.KUBERNETES:
                self._by_namespace[service.namespace].append(service)
            elif shard not in seen:
                seen.add(shard)
                self._add_external(service, entries.get(shard, ()))

    def of_proxy(self, proxy: Proxy, pod: Resource | None) -> Sequence[ServiceTarget]:
        """Return the targets that Kubernetes Services give a proxy, then those that ServiceEntries do."""
        external = [one for address in proxy.addresses for one in self._external.get((proxy.namespace, address), ())]
        return [*self._kubernetes(proxy, pod), *external]

    def _kubernetes(self, proxy: Proxy, pod: Resource | None) -> Sequence[ServiceTarget]:
        entry = self._instances.entry_at(proxy.addresses[0], name=proxy.id.name, namespace=proxy.namespace)
        if entry is not None:
            return self._of_entry(entry)
        if pod is None:
            return ()
        chosen = self._selecting(pod.namespace, pod.labels)
        return (
            [target for service in chosen for target in self._ports(service, pod)] if chosen else self._listing(proxy)
        )

    def _selecting(self, namespace: str, labels: Mapping[str, str]) -> Sequence[Service]:
        return [one for one in self._by_namespace[namespace] if one.selector and selects(one.selector, labels)]

    def _of_entry(self, entry: WorkloadInstance) -> Sequence[ServiceTarget]:
        found = []
        for service in self._selecting(entry.namespace, entry.endpoint.labels):
            if service.resolution is not Resolution.CLIENT_SIDE_LB:
                continue
            for document in self._documents[service.namespace, service.name].get("ports") or ():
                port = _named(service.ports, document.get("name") or "")
                endpoint = for_service_port(entry, document)
                if port is not None and port.protocol is not Protocol.UDP and endpoint is not None:
                    found.append(ServiceTarget(service=service, port=port, target_port=endpoint.port))
        return found

    def _add_external(self, service: Service, endpoints: Sequence[Endpoint]) -> None:
        for endpoint in endpoints:
            if (port := service.port(endpoint.service_port)) is not None:
                target = ServiceTarget(service=service, port=port, target_port=endpoint.port)
                self._external[service.namespace, endpoint.address].append(target)

    def _ports(self, service: Service, pod: Resource) -> Sequence[ServiceTarget]:
        found: dict[tuple[int, Protocol], ServiceTarget] = {}
        for document in self._documents[service.namespace, service.name].get("ports") or ():
            port = _named(service.ports, document.get("name") or "")
            number = find_port(
                pod,
                target=document.get("targetPort") or document["port"],
                transport=document.get("protocol") or "TCP",
            )
            if port is not None and number is not None:
                target = ServiceTarget(service=service, port=port, target_port=number)
                found.setdefault((number, port.protocol), target)
        return list(found.values())

    def _listing(self, proxy: Proxy) -> Sequence[ServiceTarget]:
        found = []
        for service in self._by_namespace[proxy.namespace]:
            for endpoint in self._endpoints.get(service, ()):
                if endpoint.address != proxy.addresses[0]:
                    continue
                if (port := _named(service.ports, endpoint.port_name)) is not None:
                    found.append(ServiceTarget(service=service, port=port, target_port=endpoint.port))
        return found


def _named(ports: Sequence[Port], name: str) -> Port | None:
    return next((port for port in ports if port.name == name), None)

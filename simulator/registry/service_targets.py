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
from simulator.model.services import Endpoint, Registry, Service
from simulator.model.wire import Json


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
    """Looks up the service targets of workloads in the Kubernetes registry."""

    def __init__(
        self,
        services: Iterable[Service],
        documents: Mapping[tuple[str, str], Json],
        endpoints: Mapping[Service, Sequence[Endpoint]],
    ) -> None:
        self._documents = documents
        self._endpoints = endpoints
        self._by_namespace: defaultdict[str, list[Service]] = defaultdict(list)
        for service in services:
            if service.registry is Registry.KUBERNETES:
                self._by_namespace[service.namespace].append(service)

    def selecting(self, namespace: str, labels: Mapping[str, str]) -> Sequence[Service]:
        """Return the Kubernetes services of a namespace whose selector, if any, selects `labels`."""
        return [one for one in self._by_namespace[namespace] if one.selector and selects(one.selector, labels)]

    def of_pod(self, proxy: Proxy, pod: Resource) -> Sequence[ServiceTarget]:
        """Return the targets of a pod: services that select it, else those whose slices list its address."""
        chosen = self.selecting(pod.namespace, pod.labels)
        if chosen:
            return [target for service in chosen for target in self._ports(service, pod)]
        return self._listing(proxy)

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

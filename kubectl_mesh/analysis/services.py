"""Kubernetes services by what they select."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kubectl_mesh.analysis.world import World
from simulator.model.labels import selects
from simulator.model.ports import Protocol, kubernetes_protocol
from simulator.model.resources import Resource
from simulator.model.wire import Json


@dataclass(slots=True)
class Services:
    """Services with a selector, indexed by one of its labels, so that a pod is compared with few of them."""

    _by_label: dict[tuple[str, str, str], list[Resource]] = field(default_factory=dict)

    def add(self, service: Resource) -> None:
        """Add a service, unless it has no selector."""
        selector = service.spec.get("selector") or {}
        if selector:
            key = max(selector, key=lambda each: len(str(selector[each])))
            self._by_label.setdefault((service.namespace, key, str(selector[key])), []).append(service)

    def selecting(self, namespace: str, labels: Mapping[str, str]) -> list[Resource]:
        """Return the services of `namespace` that select a pod with these labels."""
        found = []
        for key, value in labels.items():
            for service in self._by_label.get((namespace, key, str(value)), ()):
                if selects(service.spec["selector"], labels):
                    found.append(service)
        return sorted(found, key=lambda each: each.name)

    @staticmethod
    def ports(service: Resource) -> list[Json]:
        """Return the ports of a service."""
        return service.spec.get("ports") or []


def services(world: World) -> Services:
    """Index the services of a world."""
    found = Services()
    for service in world.of_kind("Service"):
        found.add(service)
    return found


def port_protocol(port: Json) -> Protocol:
    """Return the protocol that istiod reads from a port of a Kubernetes service."""
    return kubernetes_protocol(
        number=port.get("port") or 0,
        name=port.get("name") or "",
        transport=port.get("protocol") or "TCP",
        app_protocol=port.get("appProtocol") or "",
    )

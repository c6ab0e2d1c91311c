"""All services of the mesh, in istiod's order, by host, and by who may see them.

istiod: pilot/pkg/model/push_context.go (initServiceRegistry, servicesExportedToNamespace, IsServiceVisible).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from simulator.model.services import Registry, Service
from simulator.registry.visibility import PUBLIC, namespaces


def service_order(service: Service) -> tuple[str, str, str, str]:
    """Sort key: creation, name, namespace, resource (the name of a ServiceEntry's service is its host)."""
    return (service.created, service.name, service.namespace, service.source.name)


class ServiceIndex:
    """The services of a mesh and their visibility."""

    def __init__(self, services: Iterable[Service], *, default_export: frozenset[str]) -> None:
        self.all: tuple[Service, ...] = tuple(sorted(services, key=service_order))
        self._seen_by = {
            service: namespaces(service.export_to, namespace=service.namespace, default=default_export)
            for service in self.all
        }
        by_host: defaultdict[str, dict[str, Service]] = defaultdict(dict)
        public: list[Service] = []
        exported: defaultdict[str, list[Service]] = defaultdict(list)
        for service in self.all:
            known = by_host[service.host].get(service.namespace)
            if known is None or (known.registry, service.registry) == (Registry.EXTERNAL, Registry.KUBERNETES):
                by_host[service.host][service.namespace] = service
            seen_by = self._seen_by[service]
            if PUBLIC in seen_by:
                public.append(service)
            for namespace in seen_by - {PUBLIC}:
                exported[namespace].append(service)
        self._by_host: Mapping[str, Mapping[str, Service]] = dict(by_host)
        self._public = tuple(public)
        self._exported = {namespace: tuple(found) for namespace, found in exported.items()}

    def of_host(self, host: str) -> Mapping[str, Service]:
        """Return the services of a host by namespace; the oldest of a namespace, Kubernetes before ServiceEntry."""
        return self._by_host.get(host, {})

    def exported_to(self, namespace: str) -> Sequence[Service]:
        """Return what a namespace may see: services exported to it, then public ones, each oldest first."""
        return self._exported.get(namespace, ()) + self._public

    def is_visible(self, service: Service, namespace: str) -> bool:
        """Tell whether a namespace may see a service."""
        seen_by = self._seen_by.get(service, frozenset())
        return PUBLIC in seen_by or namespace in seen_by

"""Which hosts an egress listener of a Sidecar imports: `namespace/host`.

istiod: pilot/pkg/model/sidecar.go (hostClassification, convertIstioListenerToWrapper, selectServices).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from simulator.model.names import host_matches, host_subset_of
from simulator.model.services import Registry, Service
from simulator.registry.scopes import VirtualService

_ANY = "*"


class _Hosts:
    """Hosts imported from one namespace."""

    def __init__(self) -> None:
        self._exact: set[str] = set()
        self._all: list[str] = []

    def add(self, host: str) -> None:
        if not host.startswith("*"):
            self._exact.add(host)
        self._all.append(host)

    def has_service(self, host: str) -> bool:
        return host in self._exact or any(host_subset_of(host, imported) for imported in self._fuzzy(host))

    def has_virtual_service(self, host: str, *, gateway_semantics: bool) -> bool:
        if host in self._exact:
            return True
        matches = host_subset_of if gateway_semantics else host_matches
        return any(matches(host, imported) for imported in self._fuzzy(host))

    def _fuzzy(self, host: str) -> Iterable[str]:
        wildcard = host.startswith("*")
        return (imported for imported in self._all if wildcard or imported.startswith("*"))


class Imports:
    """The `hosts` of an egress listener."""

    def __init__(self, hosts: Iterable[str], *, namespace: str) -> None:
        self._namespace = namespace
        self._by_namespace: defaultdict[str, _Hosts] = defaultdict(_Hosts)
        for entry in hosts:
            owner, slash, host = entry.partition("/")
            if slash and "/" not in host:
                self._by_namespace[namespace if owner == "." else owner].add(host)

    def _from(self, namespace: str) -> Iterable[_Hosts]:
        return (self._by_namespace[owner] for owner in (namespace, _ANY) if owner in self._by_namespace)

    def has_virtual_service(self, one: VirtualService) -> bool:
        """Tell whether a VirtualService is imported: any of its hosts overlaps with an imported one."""
        return any(
            hosts.has_virtual_service(host, gateway_semantics=one.gateway_semantics)
            for hosts in self._from(one.resource.namespace)
            for host in one.hosts
        )

    def services(self, candidates: Iterable[Service], *, port: int) -> tuple[Service, ...]:
        """Return the imported services, of one port where `port` is given, each host from one namespace."""
        imported = []
        for service in candidates:
            for hosts in self._from(service.namespace):
                if hosts.has_service(service.host) and (kept := cut_to_port(service, port)) is not None:
                    imported.append(_cut_aliases(kept, hosts))
                    break
        return self._one_namespace(imported)

    def _one_namespace(self, imported: Sequence[Service]) -> tuple[Service, ...]:
        chosen: dict[str, Service] = {}
        for service in imported:
            known = chosen.get(service.host)
            if known is None or service.namespace == self._namespace or self._displaces(service, known):
                chosen[service.host] = service
        return tuple(one for one in imported if chosen[one.host].namespace == one.namespace)

    def _displaces(self, service: Service, known: Service) -> bool:
        kubernetes = (known.registry, service.registry) == (Registry.EXTERNAL, Registry.KUBERNETES)
        return kubernetes and known.namespace != self._namespace


def cut_to_port(service: Service, port: int) -> Service | None:
    """Return a service with that port only, the first of that number; as it is for 0; None when it has no such port."""
    if not port:
        return service
    found = next((one for one in service.ports if one.number == port), None)
    if found is None:
        return None
    return service if len(service.ports) == 1 else replace(service, ports=(found,))


def cut_to_ports(service: Service, ports: frozenset[int]) -> Service | None:
    """Return a service with the ports that VirtualServices send to; port 0 among them stands for all."""
    if not ports or 0 in ports:
        return service
    found = tuple(port for port in service.ports if port.number in ports)
    if len(found) == len(service.ports):
        return service
    return replace(service, ports=found) if found else None


def _cut_aliases(service: Service, hosts: _Hosts) -> Service:
    kept = tuple(alias for alias in service.aliases if hosts.has_service(alias))
    return service if len(kept) == len(service.aliases) else replace(service, aliases=kept)

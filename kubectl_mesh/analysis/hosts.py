"""Hosts that configuration may name: those of Services and ServiceEntries, with the namespaces that see them.

istiod: pkg/config/analysis/analyzers/util/{hosts,service_lookup}.go.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubectl_mesh.analysis.references import Name
from kubectl_mesh.analysis.world import World
from simulator.model.names import DOMAIN, host_subset_of
from simulator.model.resources import Resource

EVERYWHERE = "*"
HOST_KINDS = ("ServiceEntry", "Service")
_QUALIFIED = re.compile(r"^(.+)\.(.+)\.svc\.cluster\.local$")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Destination:
    """The service behind a host."""

    resource: Resource
    ports: tuple[tuple[int, str], ...]
    """Numbers and names."""
    selector: Mapping[str, str]
    """Labels that a ServiceEntry's workloads have; empty for a Service."""


def qualified(namespace: str, host: str) -> str:
    """Expand a short name to the host of a service in `namespace`."""
    return host if "." in host or host.startswith("*") else f"{host}.{namespace}.svc.{DOMAIN}"


def service_name(namespace: str, host: str) -> Name:
    """Return namespace and name of the service that a host may mean; any other host is returned as it is."""
    found = _QUALIFIED.match(host)
    return (found[2], found[1]) if found else (namespace, host)


@dataclass(slots=True)
class Hosts:
    """Destinations by scope and host; the scope is a namespace or `*`."""

    exact: dict[tuple[str, str], Destination] = field(default_factory=dict)
    wildcards: list[tuple[str, str, Destination]] = field(default_factory=list)

    def add(self, scope: str, host: str, destination: Destination) -> None:
        """Add a destination to a scope."""
        if host.startswith("*") and (scope, host) not in self.exact:
            self.wildcards.append((scope, host, destination))
        self.exact[scope, host] = destination

    def find(self, namespace: str, export_to: Sequence[str], host: str) -> Destination | None:
        """Return the destination that `host` means in a resource of `namespace` that is exported to `export_to`."""
        name = qualified(namespace, host)
        scopes = [EVERYWHERE, *(namespace if each == "." else each for each in export_to or (".",))]
        for scope in scopes:
            if found := self.exact.get((scope, name)):
                return found
        bare = host.removeprefix("*")
        for scope, pattern, destination in self.wildcards:
            if scope in (EVERYWHERE, namespace) and bare.endswith(pattern[1:]):
                return destination
        return None

    def any_within(self, pattern: str) -> bool:
        """Tell whether a wildcard covers some known host."""
        return pattern.startswith("*") and any(host_subset_of(host, pattern) for _, host in self.exact)


def hosts(world: World) -> Hosts:
    """Index the hosts of a world."""
    found = Hosts()
    for entry in world.of_kind("ServiceEntry"):
        _add_entry(found, entry)
    for service in world.of_kind("Service"):
        _add_service(found, service)
    return found


def is_elsewhere(world: World, namespace: str, host: str) -> bool:
    """Tell whether a host may be a service that files leave out, in a namespace of which they hold no service.

    Only the resource's own namespace and the installation's count as such: any other may be a typing error.
    """
    found = _QUALIFIED.match(qualified(namespace, host))
    if not world.partial or found is None:
        return False
    if found[2].startswith("istio-"):
        return True
    return found[2] == namespace and namespace not in world.once(_service_namespaces)


def _service_namespaces(world: World) -> frozenset[str]:
    return frozenset(service.namespace for service in world.of_kind("Service"))


def _add_entry(found: Hosts, entry: Resource) -> None:
    spec = entry.spec
    ports = tuple((port.get("number") or 0, str(port.get("name") or "")) for port in spec.get("ports") or ())
    labels = (spec.get("workloadSelector") or {}).get("labels") or {}
    destination = Destination(resource=entry, ports=ports, selector=labels)
    export_to = spec.get("exportTo") or (EVERYWHERE,)
    scopes = (EVERYWHERE,) if EVERYWHERE in export_to else tuple(entry.namespace if n == "." else n for n in export_to)
    for host in spec.get("hosts") or ():
        for scope in scopes:
            found.add(scope, qualified(entry.namespace, host), destination)


def _add_service(found: Hosts, service: Resource) -> None:
    ports = tuple((port.get("port") or 0, str(port.get("name") or "")) for port in service.spec.get("ports") or ())
    destination = Destination(resource=service, ports=ports, selector={})
    host = qualified(service.namespace, service.name)
    for scope in service_scopes(service):
        found.add(scope, host, destination)


def service_scopes(service: Resource) -> list[str]:
    """Return the namespaces that see a service, by its annotation."""
    text = service.annotations.get("networking.istio.io/exportTo")
    if not text:
        return [EVERYWHERE]
    return [service.namespace if part == "." else part for part in map(str.strip, text.split(","))]

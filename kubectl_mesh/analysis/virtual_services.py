"""Access to VirtualServices for analyzers: destinations, gateways, and where their routes apply."""

from collections.abc import Iterator
from dataclasses import dataclass

from kubectl_mesh.analysis.references import at
from simulator.model.resources import Resource
from simulator.model.wire import Json

MESH = "mesh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A destination, and the field that holds its host."""

    destination: Json
    path: tuple[str | int, ...]
    mirror: bool = False

    @property
    def host(self) -> str:
        """Host as written."""
        return str(self.destination.get("host") or "")

    @property
    def subset(self) -> str:
        """Subset, empty for none."""
        return str(self.destination.get("subset") or "")

    @property
    def port(self) -> int | None:
        """Port number; None when the destination has no port."""
        port = self.destination.get("port")
        return None if port is None else int(port.get("number") or 0)


def gateways(service: Resource) -> list[str]:
    """Return the gateways that a VirtualService binds to; none written means the mesh."""
    return service.spec.get("gateways") or [MESH]


def route_targets(service: Resource) -> Iterator[Target]:
    """Yield the destinations of TCP, TLS and HTTP routes."""
    for protocol in ("tcp", "tls", "http"):
        for i, rule in enumerate(service.spec.get(protocol) or ()):
            for j, route in enumerate((rule or {}).get("route") or ()):
                path = at(service, "spec", protocol, i, "route", j, "destination", "host")
                yield Target(destination=(route or {}).get("destination") or {}, path=path)


def mirror_targets(service: Resource) -> Iterator[Target]:
    """Yield the destinations of mirrored requests."""
    for i, rule in enumerate(service.spec.get("http") or ()):
        mirror = (rule or {}).get("mirror")
        if mirror is not None:
            path = at(service, "spec", "http", i, "mirror", "host")
            yield Target(destination=mirror, path=path, mirror=True)
        for j, each in enumerate((rule or {}).get("mirrors") or ()):
            destination = each.get("destination") or {}
            path = at(service, "spec", "http", i, "mirrors", j, "destination", "host")
            yield Target(destination=destination, path=path, mirror=True)

"""VirtualServices with every host and gateway spelt in full, each route knowing where it was written.

istiod: pilot/pkg/model/virtualservice.go (ResolveVirtualServiceShortnames), pilot/pkg/model/gateway.go
(resolveGatewayName).
"""

from collections.abc import Sequence

from simulator.model.resources import Provenance, Resource
from simulator.model.wire import Json, Sourced
from simulator.registry.host_lookup import qualified_host

MESH = "mesh"


def qualified_gateway(name: str, *, namespace: str) -> str:
    """Spell a reference to a Gateway as `namespace/name`; `mesh` stays."""
    if name == MESH:
        return name
    if "/" in name:
        owner, _, rest = name.partition("/")
        return f"{namespace}/{rest}" if owner == "." else name
    if "." not in name:
        return f"{namespace}/{name}"
    short, owner = name.split(".")[:2]  # name.namespace[.svc.domain], the form of old releases
    return f"{owner}/{short}"


def qualified_spec(resource: Resource, *, domain: str) -> Json:
    """Return a VirtualService's spec with names in full; routes become `Sourced`."""
    names = _Names(resource, domain=domain)
    spec = dict(resource.spec)
    spec["hosts"] = [names.host(host) for host in spec.get("hosts") or ()]
    if spec.get("gateways"):
        spec["gateways"] = names.gateways(spec["gateways"])
    for protocol in ("http", "tls", "tcp"):
        if spec.get(protocol):
            spec[protocol] = [names.route(route, protocol, at) for at, route in enumerate(spec[protocol])]
    return spec


def sourced_spec(resource: Resource) -> Json:
    """Return a spec whose names are in full already, routes as `Sourced`."""
    spec = dict(resource.spec)
    for protocol in ("http", "tls", "tcp"):
        if spec.get(protocol):
            spec[protocol] = [
                route if isinstance(route, Sourced) else Sourced(route, provenance(resource, protocol, at))
                for at, route in enumerate(spec[protocol])
            ]
    return spec


def provenance(resource: Resource, protocol: str, position: int) -> Provenance:
    """Point at one route of a VirtualService."""
    return Provenance(ref=resource.ref, path=("spec", protocol, position))


class _Names:
    def __init__(self, resource: Resource, *, domain: str) -> None:
        self._resource = resource
        self._domain = domain

    def host(self, host: str) -> str:
        return qualified_host(host, namespace=self._resource.namespace, domain=self._domain)

    def gateways(self, names: Sequence[str]) -> list[str]:
        return [qualified_gateway(name, namespace=self._resource.namespace) for name in names]

    def route(self, route: Json, protocol: str, position: int) -> Sourced:
        resolved = dict(route)
        if route.get("match"):
            resolved["match"] = [self._match(match) for match in route["match"]]
        for field in ("route", "mirrors"):
            if route.get(field):
                resolved[field] = [self._weighted(entry) for entry in route[field]]
        if route.get("mirror"):
            resolved["mirror"] = self._destination(route["mirror"])
        source = route.source if isinstance(route, Sourced) else provenance(self._resource, protocol, position)
        return Sourced(resolved, source)

    def _match(self, match: Json) -> Json:
        return {**match, "gateways": self.gateways(match["gateways"])} if match.get("gateways") else match

    def _weighted(self, entry: Json) -> Json:
        return {**entry, "destination": self._destination(entry["destination"])} if entry.get("destination") else entry

    def _destination(self, destination: Json) -> Json:
        return {**destination, "host": self.host(destination.get("host") or "")}

"""HTTPRoutes, GRPCRoutes, TLSRoutes and TCPRoutes → VirtualServices.

istiod: pilot/pkg/config/kube/gateway/route_collections.go.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.names import host_matches, host_subset_of
from simulator.model.resources import Provenance, Resource
from simulator.model.wire import Json, Sourced
from simulator.registry.gateway_api.destinations import Backends, InvalidRouteError, total_weight
from simulator.registry.gateway_api.http_rules import http_routes, precedence, with_port
from simulator.registry.gateway_api.listeners import MARK, PARENTS_ANNOTATION
from simulator.registry.gateway_api.parents import Parent, Parents
from simulator.registry.ingress import synthetic

_SEMANTICS = {"internal.istio.io/route-semantics": "gateway"}
_REJECT: Json = {
    "destination": {"host": "internal.cluster.local", "subset": "zero-weight", "port": {"number": 65535}},
    "weight": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """What one route contributes to one host of one parent."""

    source: Resource
    key: str
    host: str
    gateway: str
    routes: Sequence[Sourced]


class RouteConverter:
    """Makes VirtualServices of routes."""

    def __init__(self, parents: Parents, backends: Backends) -> None:
        self._parents = parents
        self._backends = backends
        self.caveats: list[Caveat] = []

    def http(self, routes: Iterable[Resource]) -> Iterator[Resource]:
        """Yield one VirtualService for each host of each parent, with the rules of all routes for it."""
        pieces: defaultdict[str, list[_Piece]] = defaultdict(list)
        for route in routes:
            for piece in self._http_pieces(route):
                pieces[piece.key].append(piece)
        for key, found in pieces.items():
            ordered = sorted(found, key=lambda one: (one.source.created, one.source.namespace, one.source.name))
            first = ordered[0]
            spec = {
                "hosts": [first.host],
                "gateways": [first.gateway],
                "http": sorted((route for piece in ordered for route in piece.routes), key=precedence),
            }
            parents = ",".join(_parent_name(piece.source) for piece in ordered)
            yield _virtual_service(first.source, key.replace("/", "~"), spec, parents=parents)

    def tcp(self, routes: Iterable[Resource]) -> Iterator[Resource]:
        """Yield the VirtualServices of TCPRoutes."""
        for route in routes:
            count = 0
            for parent, converted in self._connection_routes(route):
                entries = converted
                if parent.is_mesh and (port := parent.reference.get("port")):
                    entries = [Sourced({**one, "match": [{"port": int(port)}]}, one.source) for one in converted]
                for host in parent.hosts if parent.is_mesh else ("*",):
                    spec = {"hosts": [host], "gateways": [parent.name], "tcp": entries}
                    yield _virtual_service(route, f"{route.name}~tcp~{count}~{MARK}", spec)
                    count += 1

    def tls(self, routes: Iterable[Resource]) -> Iterator[Resource]:
        """Yield the VirtualServices of TLSRoutes."""
        for route in routes:
            count = 0
            for parent, converted in self._connection_routes(route):
                for host, entries in _tls_hosts(route, parent, converted):
                    spec = {"hosts": [host], "gateways": [parent.name], "tls": entries}
                    yield _virtual_service(route, f"{route.name}~tls~{count}~{MARK}", spec)
                    count += 1

    def _http_pieces(self, route: Resource) -> Iterator[_Piece]:
        parents = self._accepted(route)
        converted = {mesh: self._http_rules(route, mesh=mesh) for mesh in {parent.is_mesh for parent in parents}}
        for parent in parents:
            rules, key = converted[parent.is_mesh], parent.name
            hosts: Sequence[str] = route.spec.get("hostnames") or ["*"]
            if parent.is_mesh:
                hosts, key = parent.hosts, route.namespace
                if port := parent.reference.get("port"):
                    rules, key = with_port(rules, int(port)), f"{key}/{port}"
            if rules:
                for host in hosts:
                    if parent.admits(host):
                        gateway = parent.name
                        yield _Piece(source=route, key=f"{key}/{host}", host=host, gateway=gateway, routes=rules)

    def _http_rules(self, route: Resource, *, mesh: bool) -> list[Sourced]:
        try:
            return http_routes(route, self._backends, mesh=mesh)
        except InvalidRouteError as error:
            self._warn(route, f"istiod ignores its rules: {error}", "spec", "rules")
            return []

    def _connection_routes(self, route: Resource) -> Iterator[tuple[Parent, list[Sourced]]]:
        for parent in self._accepted(route):
            try:
                rules = enumerate(route.spec.get("rules") or ())
                yield parent, [self._connection_route(route, rule, at, mesh=parent.is_mesh) for at, rule in rules]
            except InvalidRouteError as error:
                self._warn(route, f"istiod ignores its rules: {error}", "spec", "rules")
                yield parent, []

    def _connection_route(self, route: Resource, rule: Json, position: int, *, mesh: bool) -> Sourced:
        references = rule.get("backendRefs") or ()
        source = Provenance(ref=route.ref, path=("spec", "rules", position))
        if total_weight(references) == 0:
            return Sourced({"route": [dict(_REJECT)]}, source)
        entries = [entry for _, entry in self._backends.weighted(route, references, enforce_grants=not mesh)]
        result: Json = {"route": entries}
        if route.kind == "TLSRoute":
            result["match"] = [{"sniHosts": list(route.spec.get("hostnames") or ["*"])}]
        return Sourced(result, source)

    def _accepted(self, route: Resource) -> Sequence[Parent]:
        for position in self._parents.rejected(route):
            self._warn(route, "no listener or service accepts it", "spec", "parentRefs", position)
        return self._parents.of(route)

    def _warn(self, route: Resource, message: str, *path: str | int) -> None:
        caveat = Caveat(kind=CaveatKind.INVALID, ref=route.ref, message=message, path=path)
        if caveat not in self.caveats:
            self.caveats.append(caveat)


def _tls_hosts(
    route: Resource, parent: Parent, converted: Sequence[Sourced]
) -> Iterator[tuple[str, Sequence[Sourced]]]:
    hosts: Sequence[str] = route.spec.get("hostnames") or ["*"]
    if parent.is_mesh:
        for host in parent.hosts:
            yield host, [_for_mesh(one, parent, host) for one in converted]
        return
    hostname = parent.listener.hostname if parent.listener else ""
    if hostname:
        hosts = _narrowed(hosts, hostname)
        converted = [one for one in (_for_listener(one, hostname) for one in converted) if one is not None]
    for host in hosts:
        yield host, converted


def _for_mesh(one: Sourced, parent: Parent, host: str) -> Sourced:
    """Return a TLS route of a service: the service's hosts stand for any name, other names must fit the host."""
    if not one.get("match"):
        return one
    match = dict(one["match"][0])
    if match.get("sniHosts") == ["*"]:
        match["sniHosts"] = list(parent.hosts)
    if port := parent.reference.get("port"):
        match["port"] = int(port)
    if len(match["sniHosts"]) > 1:
        match["sniHosts"] = [name for name in match["sniHosts"] if host_matches(host, name)]
    return Sourced({**one, "match": [match]}, one.source)


def _for_listener(one: Sourced, hostname: str) -> Sourced | None:
    if not one.get("match"):
        return one
    names = _narrowed(one["match"][0]["sniHosts"], hostname)
    return Sourced({**one, "match": [{**one["match"][0], "sniHosts": names}]}, one.source) if names else None


def _narrowed(hosts: Sequence[str], hostname: str) -> list[str]:
    """Intersect hosts with a listener's; of each pair the narrower one remains."""
    found: list[str] = []
    for host in hosts:
        narrower = host if host_subset_of(host, hostname) else hostname if host_subset_of(hostname, host) else None
        if narrower is not None and narrower not in found:
            found.append(narrower)
    return found


def _parent_name(route: Resource) -> str:
    return f"{route.kind}/{route.name}.{route.namespace}"


def _virtual_service(route: Resource, name: str, spec: Json, *, parents: str = "") -> Resource:
    annotations = {**_SEMANTICS, PARENTS_ANNOTATION: parents or _parent_name(route)}
    return synthetic(
        "VirtualService",
        route,
        name=name,
        namespace=route.namespace,
        spec=spec,
        annotations=annotations,
        created=route.created,
    )

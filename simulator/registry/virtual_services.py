"""VirtualServices: names in full, delegates merged, and who may use them.

istiod: pilot/pkg/model/virtualservice_controller.go, virtualservice.go (SelectVirtualServices), push_context.go
(initVirtualServices, VirtualServicesForGateway).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.delegates import merge_route
from simulator.registry.resource_index import order
from simulator.registry.scopes import VirtualService
from simulator.registry.virtual_service_names import MESH, qualified_spec, sourced_spec
from simulator.registry.visibility import PUBLIC, namespaces

Destinations = Mapping[str, frozenset[int]]


class VirtualServiceIndex:
    """VirtualServices by gateway and by the namespaces that may use them."""

    def __init__(self, resources: Iterable[Resource], *, domain: str, default_export: frozenset[str]) -> None:
        self._default = default_export
        self.caveats: list[Caveat] = []
        ordered = sorted(resources, key=order)
        self._delegates = {
            (one.namespace, one.name): (one, qualified_spec(one, domain=domain)) for one in ordered if _is_delegate(one)
        }
        self.all = tuple(self._resolve(one, domain=domain) for one in ordered if not _is_delegate(one))
        private: defaultdict[tuple[str, str], list[VirtualService]] = defaultdict(list)
        exported: defaultdict[tuple[str, str], list[VirtualService]] = defaultdict(list)
        public: defaultdict[str, list[VirtualService]] = defaultdict(list)
        for one in self.all:
            seen_by = self._seen_by(one.resource)
            for gateway in one.gateways:
                if PUBLIC in seen_by:
                    public[gateway].append(one)
                for namespace in seen_by - {PUBLIC}:
                    kept = private if namespace == one.resource.namespace else exported
                    kept[namespace, gateway].append(one)
        self._private, self._exported, self._public = private, exported, public
        self._selective: dict[VirtualService, bool] = {}
        self._destinations: dict[tuple[VirtualService, str], Destinations] = {}

    def of_gateway(self, gateway: str, namespace: str) -> Sequence[VirtualService]:
        """Return what is bound to a gateway and visible in `namespace`: private, exported to it, public."""
        public = self._public.get(gateway, ())
        own, others = _own_routes_first(public, namespace)
        return [
            *self._private.get((namespace, gateway), ()),
            *self._exported.get((namespace, gateway), ()),
            *own,
            *others,
        ]

    def importable(self, namespace: str) -> Iterator[VirtualService]:
        """Yield the VirtualServices of the mesh gateway visible in `namespace`, in the order of their import."""
        for group in (
            self._private.get((namespace, MESH), ()),
            self._exported.get((namespace, MESH), ()),
            self._public.get(MESH, ()),
        ):
            own, others = _own_routes_first(group, namespace)
            yield from own
            yield from others

    def select(self, namespace: str, imports: Callable[[VirtualService], bool]) -> tuple[VirtualService, ...]:
        """Return the VirtualServices that a sidecar's egress listener imports."""
        chosen: dict[tuple[str, str], VirtualService] = {}
        for one in self.importable(namespace):
            key = (one.resource.namespace, one.resource.name)
            if key not in chosen and imports(one):
                chosen[key] = one
        return tuple(chosen.values())

    def destinations(self, one: VirtualService, namespace: str) -> Destinations:
        """Return the hosts and ports that a VirtualService sends clients of `namespace` to."""
        if one not in self._selective:
            matches = (match for route in one.spec.get("http") or () for match in route.get("match") or ())
            self._selective[one] = any(match.get("sourceNamespace") for match in matches)
        source = namespace if self._selective[one] else ""
        if (one, source) not in self._destinations:
            self._destinations[one, source] = destinations(one, source_namespace=source)
        return self._destinations[one, source]

    def _seen_by(self, resource: Resource) -> frozenset[str]:
        export_to = resource.spec.get("exportTo") or ()
        return namespaces(export_to, namespace=resource.namespace, default=self._default)

    def _resolve(self, resource: Resource, *, domain: str) -> VirtualService:
        semantics = resource.annotations.get("internal.istio.io/route-semantics")
        spec = sourced_spec(resource) if semantics == "gateway" else qualified_spec(resource, domain=domain)
        routes = spec.get("http") or ()
        if semantics is None and any(route.get("delegate") is not None for route in routes):
            spec = {
                **spec,
                "http": [each for at in range(len(routes)) for each in self._delegated(resource, routes, at)],
            }
        return VirtualService(
            resource=resource,
            spec=spec,
            hosts=tuple(spec.get("hosts") or ()),
            gateways=tuple(spec.get("gateways") or ()) or (MESH,),
        )

    def _delegated(self, root: Resource, routes: Sequence[Json], at: int) -> Sequence[Json]:
        route = routes[at]
        delegate = route.get("delegate")
        if delegate is None:
            return [route]
        namespace, name = delegate.get("namespace") or root.namespace, delegate.get("name") or ""
        found = self._delegates.get((namespace, name))
        if found is None:
            self._warn(root, at, f"istiod holds no delegate {namespace}/{name}, so the route vanishes")
            return []
        seen_by = self._delegate_seen_by(found[0])
        if PUBLIC not in seen_by and root.namespace not in seen_by:
            self._warn(root, at, f"{namespace}/{name} is not exported to {root.namespace}, so the route vanishes")
            return []
        return list(self._merged(root, at, {key: value for key, value in route.items() if key != "delegate"}, found))

    def _merged(self, root: Resource, at: int, route: Json, delegate: tuple[Resource, Json]) -> Iterator[Json]:
        resource, spec = delegate
        for number, leaf in enumerate(spec.get("http") or ()):
            if (merged := merge_route(route, leaf)) is not None:
                yield merged
                continue
            message = (
                f"istiod leaves this route out of {root.ref}, since it matches what http[{at}] there does not, "
                "or one of both matches the same thing by a regex"
            )
            path = ("spec", "http", number)
            self.caveats.append(Caveat(kind=CaveatKind.INVALID, ref=resource.ref, message=message, path=path))

    def _delegate_seen_by(self, resource: Resource) -> frozenset[str]:
        """Resolve a delegate's `exportTo`; unlike elsewhere, `~` beside a namespace does not hide it."""
        export_to = frozenset(resource.spec.get("exportTo") or ()) or self._default
        return frozenset(resource.namespace if item == "." else item for item in export_to)

    def _warn(self, resource: Resource, at: int, message: str) -> None:
        path = ("spec", "http", at, "delegate")
        self.caveats.append(Caveat(kind=CaveatKind.INCOMPLETE, ref=resource.ref, message=message, path=path))


def destinations(virtual_service: VirtualService, *, source_namespace: str = "") -> Destinations:
    """Return the hosts that a VirtualService sends to, with their ports; port 0 stands for every port.

    HTTP routes that match other source namespaces only are left out when `source_namespace` is given.
    """
    found: defaultdict[str, set[int]] = defaultdict(set)
    spec = virtual_service.spec
    for route in spec.get("http") or ():
        if source_namespace and not _reachable_from(route, source_namespace):
            continue
        mirrors = [entry.get("destination") for entry in route.get("mirrors") or ()]
        for one in [*_routed(route), route.get("mirror"), *mirrors]:
            _add(found, one)
    for protocol in ("tcp", "tls"):
        for route in spec.get(protocol) or ():
            for one in _routed(route):
                _add(found, one)
    return {host: frozenset(ports) for host, ports in found.items()}


def _routed(route: Json) -> list[Json | None]:
    return [entry.get("destination") for entry in route.get("route") or ()]


def _add(found: defaultdict[str, set[int]], destination: Json | None) -> None:
    if destination is not None:
        found[destination.get("host") or ""].add(int((destination.get("port") or {}).get("number") or 0))


def _reachable_from(route: Json, namespace: str) -> bool:
    named = [match["sourceNamespace"] for match in route.get("match") or () if match.get("sourceNamespace")]
    return not named or namespace in named


def _is_delegate(resource: Resource) -> bool:
    return not resource.spec.get("hosts")


def _own_routes_first(
    group: Iterable[VirtualService], namespace: str
) -> tuple[list[VirtualService], list[VirtualService]]:
    """Divide the client's own Gateway API routes, which override those of the producer, from the rest."""
    own: list[VirtualService] = []
    others: list[VirtualService] = []
    for one in group:
        consumer = one.gateway_semantics and one.resource.namespace == namespace
        (own if consumer else others).append(one)
    return own, others

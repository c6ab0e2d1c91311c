"""Which listeners, and which services of the mesh, a route attaches to.

istiod: pilot/pkg/config/kube/gateway/conversion.go (extractParentReferenceInfo, referenceAllowed,
hostnameAllowedByIsolation).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulator.model.names import host_matches, host_subset_of, service_host
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.gateway_api.listeners import Listener, Listeners
from simulator.registry.gateway_api.references import GROUP, Kind, referenced_kind
from simulator.registry.resource_index import ResourceIndex

_SERVICE: Kind = ("", "Service")
_SERVICE_ENTRY: Kind = ("networking.istio.io", "ServiceEntry")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parent:
    """Something that a route is attached to."""

    name: str
    """`mesh`, or the Istio Gateway's `namespace/name`."""
    reference: Json
    listener: Listener | None = None
    hosts: tuple[str, ...] = ()
    """Hosts of the service that a mesh route is for."""
    rivals: frozenset[str] = frozenset()
    """Hostnames of the other listeners on the same port, which take what they fit better."""

    @property
    def is_mesh(self) -> bool:
        """The route is for the clients of a service."""
        return self.listener is None

    def admits(self, host: str) -> bool:
        """Tell whether a route's host belongs to this listener rather than to a more specific one."""
        own = self.listener.hostname if self.listener else ""
        if own and not own.startswith("*"):
            return True
        if own and not host_matches(host, own):
            return False
        return not any(len(own) <= len(rival) and host_subset_of(host, rival) for rival in self.rivals)


class Parents:
    """Looks up what routes attach to."""

    def __init__(self, index: ResourceIndex, listeners: Listeners, *, domain: str) -> None:
        self._index = index
        self._listeners = listeners
        self._domain = domain

    def of(self, route: Resource) -> Sequence[Parent]:
        """Return the parents that accept a route, in the order of their names."""
        references = sorted(route.spec.get("parentRefs") or (), key=lambda one: _reference_key(one, route.namespace))
        found = [parent for reference in references for parent in self._resolve(route, reference)]
        return sorted(found, key=lambda parent: parent.name)

    def rejected(self, route: Resource) -> Iterator[int]:
        """Yield the positions of parentRefs for istiod to which nothing accepts the route."""
        for position, reference in enumerate(route.spec.get("parentRefs") or ()):
            kind = referenced_kind(reference, (GROUP, "Gateway"))
            namespace, name = reference.get("namespace") or route.namespace, reference.get("name") or ""
            known = kind in (_SERVICE, _SERVICE_ENTRY) or self._listeners.of(kind, namespace, name)
            if known and not any(True for _ in self._resolve(route, reference)):
                yield position

    def _resolve(self, route: Resource, reference: Json) -> Iterator[Parent]:
        kind = referenced_kind(reference, (GROUP, "Gateway"))
        namespace, name = reference.get("namespace") or route.namespace, reference.get("name") or ""
        if kind == _SERVICE:
            if self._index.get("Service", namespace, name) is not None:
                hosts = (service_host(name=name, namespace=namespace, domain=self._domain),)
                yield Parent(name="mesh", reference=reference, hosts=hosts)
            return
        if kind == _SERVICE_ENTRY:
            entry = self._index.get("ServiceEntry", namespace, name)
            if entry is not None:
                yield Parent(name="mesh", reference=reference, hosts=tuple(entry.spec.get("hosts") or ()))
            return
        siblings = self._listeners.of(kind, namespace, name)
        for listener in siblings:
            if not _accepts(listener, route, reference):
                continue
            rivals = {
                other.hostname
                for other in siblings
                if other is not listener and (other.port, other.protocol) == (listener.port, listener.protocol)
            }
            yield Parent(
                name=listener.name,
                reference=reference,
                listener=listener,
                rivals=frozenset(rivals - {listener.hostname}),
            )


def _accepts(listener: Listener, route: Resource, reference: Json) -> bool:
    if reference.get("port") and reference["port"] != listener.port:
        return False
    if reference.get("sectionName") and reference["sectionName"] != listener.section:
        return False
    if (route.group, route.kind) not in listener.kinds:
        return False
    for entry in listener.hosts:
        namespace, _, hostname = entry.rpartition("/")
        if namespace in ("", "*", route.namespace):
            wanted = route.spec.get("hostnames") or ["*"]
            if any(host_matches(hostname, host) for host in wanted):
                return True
    return False


def _reference_key(reference: Json, namespace: str) -> str:
    group, kind = referenced_kind(reference, (GROUP, "Gateway"))
    section, port = reference.get("sectionName") or "", reference.get("port") or 0
    return f"{group}/{kind}/{reference.get('name')}/{section}/{port}.{reference.get('namespace') or namespace}"

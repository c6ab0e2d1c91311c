"""The resources that analyzers read, by kind, and a record of the kinds that they asked for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from simulator.manifests.served_kinds import MESH_GROUPS, refusal
from simulator.model.caveats import Caveat
from simulator.model.resources import Resource
from simulator.model.wire import Json

Derived = TypeVar("Derived")
_NETWORKING = "networking.istio.io"
_GROUPS = {
    "Service": "",
    "Pod": "",
    "Namespace": "",
    "Gateway": _NETWORKING,
    "VirtualService": _NETWORKING,
    "DestinationRule": _NETWORKING,
    "ServiceEntry": _NETWORKING,
    "Sidecar": _NETWORKING,
    "AuthorizationPolicy": "security.istio.io",
    "Telemetry": "telemetry.istio.io",
}
"""The group that is meant by a kind whose name other projects use as well, such as Service (Knative)."""


@dataclass(slots=True)
class World:
    """All resources under analysis, in a stable order.

    `mesh` is MeshConfig with istiod's defaults, `mesh_networks` the `meshNetworks` document. `absent` are kinds that
    the source could not show, with the reason; a kind that merely has no resources is present and empty.
    """

    resources: Sequence[Resource]
    mesh: Json = field(default_factory=dict)
    mesh_networks: Json = field(default_factory=dict)
    mesh_refusals: Sequence[Caveat] = ()
    """Why istiod ignores the given MeshConfig or MeshNetworks and uses its defaults."""
    replaced: Sequence[tuple[Resource, Resource]] = ()
    """Resources of files that a later one of the same name replaces, each with that one."""
    now: datetime | None = None
    """The time for which certificates are checked; None skips their expiry."""
    absent: Mapping[str, str] = field(default_factory=dict)
    unlisted: Mapping[str, str] = field(default_factory=dict)
    """The absent kinds that the user may not list, or whose listing failed."""
    elsewhere: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    """Services of the mesh's other clusters, by cluster id."""
    cluster_id: str = ""
    """The id of the cluster that all other resources are from."""
    partial: bool = False
    """Whether the world is made of files, which may leave out resources that exist elsewhere."""
    asked: set[str] = field(init=False, default_factory=set)
    """Kinds that were read, by which tests check what an analyzer declares."""
    _derived: dict[Callable[["World"], Any], tuple[Any, frozenset[str]]] = field(init=False, default_factory=dict)
    _answers: dict[str, tuple[Resource, ...]] = field(init=False, default_factory=dict)
    _by_kind: dict[str, tuple[Resource, ...]] = field(init=False, default_factory=dict)
    _by_name: dict[tuple[str, str, str], Resource] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        kinds: dict[str, list[Resource]] = {}
        for resource in self.resources:
            if resource.group in MESH_GROUPS and refusal(resource.api_version, resource.kind):
                continue
            kinds.setdefault(resource.kind, []).append(resource)
            if resource.group == _GROUPS.get(resource.kind, resource.group):
                self._by_name[resource.kind, resource.namespace, resource.name] = resource
        self._by_kind = {kind: tuple(found) for kind, found in kinds.items()}

    def of_kind(self, kind: str) -> tuple[Resource, ...]:
        """Return the resources of a kind; Istio's of two groups that share it, unless it is written `group/Kind`."""
        self.asked.add(kind)
        if kind not in self._answers:
            group, slash, name = kind.rpartition("/")
            found = self._by_kind.get(name, ())
            expected = group if slash else _GROUPS.get(name)
            known = found if expected is None else tuple(each for each in found if each.group == expected)
            self._answers[kind] = known
        return self._answers[kind]

    def find(self, kind: str, namespace: str, name: str) -> Resource | None:
        """Return one resource; `namespace` is empty for cluster-scoped kinds."""
        self.asked.add(kind)
        return self._by_name.get((kind, namespace, name))

    def leaves_out(self, kind: str) -> bool:
        """Tell whether files have no resource of a kind, so that references to it are assumed to be valid."""
        return self.partial and not self.of_kind(kind)

    def once(self, make: Callable[["World"], Derived]) -> Derived:
        """Return `make(self)`, computed once; each caller is recorded as a reader of the kinds that it reads."""
        if make not in self._derived:
            before, self.asked = self.asked, set()
            self._derived[make] = (make(self), frozenset(self.asked))
            self.asked |= before
        value, kinds = self._derived[make]
        self.asked |= kinds
        return value  # type: ignore[no-any-return]


def world_of(resources: Iterable[Resource], *, mesh: Json | None = None, mesh_networks: Json | None = None) -> World:
    """Index resources, sorted by kind, namespace and name."""
    ordered = sorted(resources, key=lambda each: (each.kind, each.namespace, each.name))
    return World(resources=ordered, mesh=mesh or {}, mesh_networks=mesh_networks or {})

"""Compare the resources of two meshes' proxies, each distinct pair of resources once.

Proxies of one mesh share equal resources by reference (as a `ResourceSource` does), so the pairs to compare are few
however many proxies there are: the verdict on a pair of objects is kept by their identities.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, starmap
from operator import is_not, or_

from kubectl_mesh.plan.fields import field_changes
from kubectl_mesh.reports.changes import Action, ResourceChange
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

Resources = Callable[[ProxyId], Mapping[str, Sequence[Json]]]
"""Returns the Envoy resources of a proxy by kind; equal resources of two proxies are one object."""
SINGULAR = {
    "listeners": "listener",
    "routes": "route",
    "clusters": "cluster",
    "endpoints": "endpoint",
    "extensions": "extension",
    "names": "names",
    "services": "service",
    "workloads": "workload",
    "policies": "policy",
}
"""Name of a list of resources of an Envoy, or of a ztunnel → name of one of them, in the order they are reported."""


def resource_name(resource: Json) -> str:
    """Return what a proxy keys a resource by; the DNS table has no name of its own."""
    if "uid" in resource:
        return str(resource["uid"])
    name = str(resource.get("hostname") or resource.get("name") or resource.get("cluster_name") or "table")
    return f"{resource['namespace']}/{name}" if "namespace" in resource else name


@dataclass(slots=True)
class Comparison:
    """Differences found so far, by kind, name and pair of resources."""

    _equal: dict[tuple[int, int], bool] = field(default_factory=dict)
    _found: dict[tuple[str, str, int, int], tuple[Json | None, Json | None, list[ProxyId]]] = field(
        default_factory=dict
    )
    _last: dict[str, tuple[Sequence[Json], Sequence[Json]]] = field(default_factory=dict)
    """By kind, the lists that were found alike last."""
    _alive: list[object] = field(default_factory=list)
    """Keeps compared objects alive, since a freed object's identity may be another's."""

    def add(self, proxy: ProxyId, before: Mapping[str, Sequence[Json]], after: Mapping[str, Sequence[Json]]) -> bool:
        """Compare one proxy's resources; tell whether anything differs."""
        return any([self._add_kind(proxy, kind, before.get(kind, ()), after.get(kind, ())) for kind in SINGULAR])

    def _add_kind(self, proxy: ProxyId, kind: str, before: Sequence[Json], after: Sequence[Json]) -> bool:
        if before is after or self._alike(kind, before, after):
            return False
        self._alive.extend((before, after))
        old, new = ({resource_name(resource): resource for resource in side} for side in (before, after))
        changed = False
        for name in sorted(old.keys() | new.keys()):
            pair = (old.get(name), new.get(name))
            if pair[0] is None or pair[1] is None or not self._same(*pair):
                changed = True
                key = (kind, name, id(pair[0]), id(pair[1]))
                self._found.setdefault(key, (*pair, []))[2].append(proxy)
        return changed

    def _alike(self, kind: str, before: Sequence[Json], after: Sequence[Json]) -> bool:
        """Tell whether two lists hold equal resources in one order.

        Most proxies hold nearly what the proxy before them holds, and only the rest is looked at.
        """
        if len(before) != len(after):
            return False
        pairs: Iterable[tuple[Json, Json]] = zip(before, after, strict=True)
        old, new = self._last.get(kind, ((), ()))
        if len(old) == len(before):
            pairs = compress(pairs, map(or_, map(is_not, before, old), map(is_not, after, new)))
        if not all(starmap(self._same, pairs)):
            return False
        self._last[kind] = before, after
        return True

    def _same(self, before: object, after: object) -> bool:
        if before is after:
            return True
        key = (id(before), id(after))
        verdict = self._equal.get(key)
        if verdict is None:
            verdict = self._equal[key] = before == after
            self._alive.extend((before, after))
        return verdict

    def changes(self) -> tuple[ResourceChange, ...]:
        """Return each distinct change once, with the proxies it happens on; kinds in Envoy's order, then by name."""
        grouped: dict[tuple[str, str, Action, tuple[object, ...]], tuple[ResourceChange, set[str]]] = {}
        for (kind, name, _, _), (old, new, proxies) in self._found.items():
            action = Action.ADDED if old is None else Action.REMOVED if new is None else Action.CHANGED
            fields = field_changes(old, new) if old is not None and new is not None else ()
            key = (kind, name, action, tuple(map(repr, fields)))
            change = ResourceChange(kind=SINGULAR[kind], name=name, action=action, fields=fields)
            grouped.setdefault(key, (change, set()))[1].update(map(str, proxies))
        order = list(SINGULAR.values())
        found = [_on(change, proxies) for change, proxies in grouped.values()]
        return tuple(sorted(found, key=lambda change: (order.index(change.kind), change.name, change.proxies)))


def _on(change: ResourceChange, proxies: Iterable[str]) -> ResourceChange:
    return ResourceChange(
        kind=change.kind, name=change.name, action=change.action, fields=change.fields, proxies=tuple(sorted(proxies))
    )


def compare_configurations(
    before: Resources, after: Resources, proxies: Iterable[ProxyId]
) -> tuple[tuple[ResourceChange, ...], tuple[ProxyId, ...]]:
    """Compare the resources of the proxies that both meshes have; return the changes and the proxies that differ."""
    comparison = Comparison()
    changed = tuple(proxy for proxy in proxies if comparison.add(proxy, before(proxy), after(proxy)))
    return comparison.changes(), changed

"""DestinationRules: merged per host, looked up from the client's, the service's and the root namespace.

istiod: pilot/pkg/model/destination_rule.go (mergeDestinationRule), push_context.go (setDestinationRules,
destinationRule).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from simulator.model.resources import Resource
from simulator.model.services import Service
from simulator.model.wire import Json
from simulator.registry.host_lookup import HostMap, qualified_host
from simulator.registry.resource_index import order
from simulator.registry.scopes import DestinationRule
from simulator.registry.visibility import PRIVATE, PUBLIC

_Rules = list[DestinationRule]


@dataclass(frozen=True, slots=True)
class _Namespace:
    """Rules of one namespace: all that its own proxies use, those that others may use, those that they may not."""

    local: HostMap[_Rules] = field(default_factory=HostMap)
    exported: HostMap[_Rules] = field(default_factory=HostMap)
    private: HostMap[_Rules] = field(default_factory=HostMap)


class DestinationRuleIndex:
    """DestinationRules by namespace and host."""

    def __init__(
        self,
        resources: Iterable[Resource],
        *,
        domain: str,
        root_namespace: str,
        default_export: frozenset[str],
        by_export: bool = True,
    ) -> None:
        """`by_export`: rules for one host merge only where those who see one see the other."""
        self._by_export = by_export
        self._root = root_namespace
        self._by_namespace: defaultdict[str, _Namespace] = defaultdict(_Namespace)
        for resource in sorted(resources, key=lambda one: (not _has_selector(one), order(one))):
            self._add(_convert(resource, domain=domain), default_export=default_export)

    def for_service(self, client_namespace: str, service: Service) -> Sequence[DestinationRule]:
        """Return the rules for a service seen from a namespace; the first level that knows the host decides."""
        own = self._by_namespace.get(client_namespace)
        if own is not None:
            known = own.private if client_namespace == self._root else own.local
            if (found := known.most_specific(service.host)) is not None:
                return found
        for namespace in (service.namespace, self._root):
            if namespace and (visible := self._exported(namespace, service.host, client_namespace)):
                return visible
        return ()

    def _exported(self, owner: str, host: str, client: str) -> _Rules:
        rules = self._by_namespace.get(owner)
        found = rules.exported.most_specific(host) if rules is not None else None
        return [
            rule for rule in found or () if not rule.export_to or PUBLIC in rule.export_to or client in rule.export_to
        ]

    def _add(self, rule: DestinationRule, *, default_export: frozenset[str]) -> None:
        rules = self._by_namespace[rule.namespace]
        export_to = rule.export_to
        if not export_to or export_to & {PUBLIC, PRIVATE, rule.namespace}:
            _merge(rules.local, rule, by_export=self._by_export)
        private = (
            PRIVATE in default_export
            if not export_to
            else len(export_to) == 1 and export_to <= {PRIVATE, rule.namespace}
        )
        if not private:
            _merge(rules.exported, rule, by_export=self._by_export)
        elif rule.namespace == self._root:
            _merge(rules.private, rule, by_export=self._by_export)


def _has_selector(resource: Resource) -> bool:
    return resource.spec.get("workloadSelector") is not None


def _convert(resource: Resource, *, domain: str) -> DestinationRule:
    spec = resource.spec
    selector = spec.get("workloadSelector")
    host = qualified_host(spec.get("host") or "", namespace=resource.namespace, domain=domain)
    return DestinationRule(
        host=host,
        namespace=resource.namespace,
        name=resource.name,
        spec={**spec, "host": host},
        sources=(resource.ref,),
        export_to=frozenset(spec.get("exportTo") or ()) if selector is None else frozenset({PRIVATE}),
        selector=(selector or {}).get("matchLabels") or {},
        selective=selector is not None,
    )


def _merge(known: HostMap[_Rules], rule: DestinationRule, *, by_export: bool) -> None:
    """Merge a younger rule into those of its host: subsets are added, the first traffic policy stays.

    Rules merge only when they have the same `exportTo` (or the younger one's covers the older one's) and the same
    workload selector; otherwise they stand side by side.
    """
    rules = known.setdefault(rule.host, [])
    separate = True
    for position, older in enumerate(rules):
        if by_export:
            separate = rule.export_to != older.export_to
            if separate and not (older.export_to and rule.export_to >= older.export_to):
                continue
        if older.selective and rule.selective and older.selector != rule.selector:
            separate = True
            continue
        if older.selective == rule.selective:
            separate = False
        rules[position] = _merged(older, rule)
    if separate:
        rules.append(rule)


def _merged(older: DestinationRule, younger: DestinationRule) -> DestinationRule:
    spec: Json = dict(older.spec)
    subsets = list(spec.get("subsets") or ())
    names = {subset.get("name") for subset in subsets}
    subsets += [subset for subset in younger.spec.get("subsets") or () if subset.get("name") not in names]
    if subsets:
        spec["subsets"] = subsets
    if spec.get("trafficPolicy") is None and younger.spec.get("trafficPolicy") is not None:
        spec["trafficPolicy"] = younger.spec["trafficPolicy"]
    return replace(older, spec=spec, sources=older.sources + younger.sources)

"""Outcomes that depend on which of several resources is older, where the manifests do not say.

istiod orders by creation and falls back on names when the times are equal. Manifests without `creationTimestamp` are
all of one age here, while in a cluster they would not be: where that order decides something, an answer has to say so.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import product

from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.resources import Resource
from simulator.registry.host_lookup import qualified_host
from simulator.registry.policy_selection import selector_of, target_refs
from simulator.registry.resource_index import ResourceIndex
from simulator.registry.scopes import VirtualService
from simulator.registry.visibility import PUBLIC, namespaces

_ONE_PER_NAMESPACE = {
    "PeerAuthentication": "the mTLS mode",
    "Telemetry": "the telemetry settings",
    "Sidecar": "the sidecar scope",
}


def ambiguities(
    index: ResourceIndex,
    virtual_services: Iterable[VirtualService],
    *,
    domain: str,
    service_export: frozenset[str] = frozenset({PUBLIC}),
) -> Iterator[Caveat]:
    """Yield a caveat for each group of resources of one age of which only the oldest counts."""
    yield from _virtual_services(virtual_services)
    yield from _service_entries(index.of_kind("ServiceEntry"), service_export)
    for kind, what in _ONE_PER_NAMESPACE.items():
        wide = [one for one in index.of_kind(kind) if not selector_of(one) and not target_refs(one)]
        for group in _groups(wide, lambda one: one.namespace):
            yield _caveat(group, f"{what} of namespace {group[0].namespace}")
    rules = [one for one in index.of_kind("DestinationRule") if selector_of(one) is None]

    def host(one: Resource) -> Hashable:
        name = qualified_host(one.spec.get("host") or "", namespace=one.namespace, domain=domain)
        return (one.namespace, name, frozenset(one.spec.get("exportTo") or ()))

    for group in _groups(rules, host):
        if _rules_compete(group):
            yield _caveat(group, f"the traffic policy of {group[0].spec.get('host')}")


def _virtual_services(virtual_services: Iterable[VirtualService]) -> Iterator[Caveat]:
    claims: defaultdict[tuple[str, str, str], list[Resource]] = defaultdict(list)
    for one in virtual_services:
        if not one.gateway_semantics and not one.ingress_semantics:
            for gateway, host, protocol in product(one.gateways, one.hosts, _protocols(one)):
                claims[gateway, host, protocol].append(one.resource)
    for (gateway, host, _), claimants in claims.items():
        for group in _groups(claimants, lambda _: None):
            where = "sidecars use the oldest alone" if gateway == "mesh" else f"{gateway} tries the oldest one's first"
            yield _caveat(group, f"the routes of {host}", because=where)


def _protocols(one: VirtualService) -> list[str]:
    return [protocol for protocol in ("http", "tls", "tcp") if one.spec.get(protocol)]


def _service_entries(entries: Iterable[Resource], default_export: frozenset[str]) -> Iterator[Caveat]:
    claims: defaultdict[str, list[Resource]] = defaultdict(list)
    for one in entries:
        for host in one.spec.get("hosts") or ():
            claims[host].append(one)
    for host, claimants in claims.items():
        for group in _groups(claimants, lambda _: None):
            rivals = [one for one in group if any(_entries_compete(one, other, default_export) for other in group)]
            if rivals:
                yield _caveat(rivals, f"the service {host}", key=lambda one: (one.namespace, one.name))


def _entries_compete(one: Resource, other: Resource, default_export: frozenset[str]) -> bool:
    """Tell whether clients that see two entries of one host get something else when the other one is older.

    Those of one namespace unite where they differ in ports alone. Of two namespaces, the client's own comes first,
    then what is exported to it by name, then what all may see.
    """
    if one.namespace == other.namespace:
        numbers = [{port.get("number") for port in each.spec.get("ports") or ()} for each in (one, other)]
        same_port = bool(numbers[0] & numbers[1]) and one.spec.get("ports") != other.spec.get("ports")
        return one.labels != other.labels or same_port or _differ(one, other, but="ports")
    seen_by = [
        namespaces(each.spec.get("exportTo") or (), namespace=each.namespace, default=default_export)
        for each in (one, other)
    ]
    shared = (seen_by[0] & seen_by[1]) - {one.namespace, other.namespace}
    if PUBLIC in seen_by[0] | seen_by[1]:
        shared &= {PUBLIC}
    return bool(shared) and _differ(one, other, but="exportTo")


def _differ(one: Resource, other: Resource, *, but: str) -> bool:
    fields = (one.spec.keys() | other.spec.keys()) - {but, "hosts", "endpoints"}
    return any(one.spec.get(field) != other.spec.get(field) for field in fields)


def _groups(resources: Iterable[Resource], key: Callable[[Resource], Hashable]) -> Iterator[Sequence[Resource]]:
    """Yield groups of several resources of equal key of which the oldest ones are of one age."""
    found: defaultdict[Hashable, list[Resource]] = defaultdict(list)
    for resource in resources:
        found[key(resource)].append(resource)
    for group in found.values():
        oldest = min(one.created for one in group)
        same_age = [one for one in group if one.created == oldest]
        if len(same_age) > 1:
            yield same_age


def _rules_compete(group: Sequence[Resource]) -> bool:
    """Tell whether merging DestinationRules drops something: a second traffic policy, or a subset of a known name."""
    names = [subset.get("name") for one in group for subset in one.spec.get("subsets") or ()]
    policies = [one for one in group if one.spec.get("trafficPolicy") is not None]
    return len(policies) > 1 or len(set(names)) < len(names)


def _by_name(one: Resource) -> tuple[str, str]:
    return (one.name, one.namespace)


def _caveat(
    group: Sequence[Resource],
    what: str,
    *,
    because: str = "the oldest counts",
    key: Callable[[Resource], tuple[str, str]] = _by_name,
) -> Caveat:
    first, *others = sorted(group, key=key)
    named = " or ".join(str(one.ref) for one in others)
    message = (
        f"{what}: {because}, and the manifests do not say which one that is; "
        f"here it is {first.ref} by its name, in a cluster {named} if it was created earlier"
    )
    rivals = tuple(one.ref for one in (first, *others))
    return Caveat(kind=CaveatKind.ORDER_DEPENDENT, ref=first.ref, message=message, rivals=rivals)

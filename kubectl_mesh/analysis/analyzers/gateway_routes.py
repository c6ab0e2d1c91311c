"""VirtualServices that give routes to one host of one gateway.

On a gateway istiod joins their rules, oldest VirtualService first, then by name and namespace (pkg/config/model:
SortConfigByCreationTime), so that rules for different requests get along. Those for the same requests do not: one
never counts, and which one depends on when the resources were made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.analyzers.virtual_service_gateways import serves
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.hosts import qualified
from kubectl_mesh.analysis.matches import Bound, Covers, contains, example, takes_all
from kubectl_mesh.analysis.references import Name, full_name, name_text, named
from kubectl_mesh.analysis.virtual_services import MESH, gateways
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource

_MOST = 40
"""VirtualServices of one host that are compared with each other: beyond that the first ones stand for the rest."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Rule:
    service: Resource
    number: int
    bound: Bound


def _conflicts(world: World) -> Iterator[Finding]:
    for (gateway, host), services in _claims(world).items():
        for second, later in enumerate(services[:_MOST]):
            for first in services[:second]:
                yield from _compare(first, later, gateway=gateway, host=host)


def _claims(world: World) -> dict[tuple[Name, str], list[Resource]]:
    claims: dict[tuple[Name, str], list[Resource]] = {}
    known = {(each.namespace, each.name): each for each in world.of_kind("Gateway")}
    for service in sorted(world.of_kind("VirtualService"), key=lambda each: (each.created, each.name, each.namespace)):
        if not service.spec.get("http"):
            continue
        for reference in dict.fromkeys(gateways(service)):
            gateway = named(service.namespace, reference)
            if reference == MESH or not _sees(gateway, service):
                continue
            for host in dict.fromkeys(service.spec.get("hosts") or ()):
                if gateway not in known or serves(known[gateway], [host], service.namespace):
                    claims.setdefault((gateway, qualified(service.namespace, host)), []).append(service)
    return {key: services for key, services in claims.items() if len(services) > 1}


def _sees(gateway: Name, service: Resource) -> bool:
    """Tell whether a gateway sees a VirtualService; its proxies are taken to be in its own namespace."""
    export_to = service.spec.get("exportTo") or ("*",)
    return "*" in export_to or gateway[0] in [service.namespace if each == "." else each for each in export_to]


def _rules(service: Resource, gateway: Name) -> Iterator[_Rule]:
    place = name_text(gateway)
    for number, rule in enumerate(service.spec["http"]):
        if not rule or rule.get("delegate"):
            continue
        for match in rule.get("match") or [{}]:
            match = dict(match or {})
            written = match.pop("gateways", None)
            if not written or place in {name_text(named(service.namespace, each)) for each in written}:
                yield _Rule(service=service, number=number, bound=Bound(match=match, gateways=(place,)))


def _compare(first: Resource, later: Resource, *, gateway: Name, host: str) -> Iterator[Finding]:
    """Yield at most one finding: a rule that never counts, else one that counts only while the order is this one."""
    ordered = bool(first.created and later.created)
    ones, others = list(_rules(first, gateway)), list(_rules(later, gateway))
    covered = list(_covered(ones, others))
    for one, other in covered:
        if contains(other.bound, one.bound):
            yield _finding("KM0001", (one, other), gateway=gateway, host=host, ordered=ordered)
            return
    for one, other in covered:
        if not takes_all(one.bound):
            yield _finding("KM0001" if ordered else "KM0002", (one, other), gateway=gateway, host=host, ordered=ordered)
            return
    for other, one in _covered(others, ones) if not ordered else ():
        if not takes_all(other.bound):
            yield _finding("KM0002", (other, one), gateway=gateway, host=host, ordered=ordered)
            return


def _covered(wide: Sequence[_Rule], narrow: Sequence[_Rule]) -> Iterator[tuple[_Rule, _Rule]]:
    covers = Covers()
    for number, rule in enumerate(wide):
        covers.add(number, rule.bound)
    for rule in narrow:
        for number, _ in covers.of(rule.bound):
            yield wide[number], rule


def _finding(code: str, rules: tuple[_Rule, _Rule], *, gateway: Name, host: str, ordered: bool) -> Finding:
    wide, narrow = rules
    request = example(narrow.bound, host)
    effect = f"{request} is answered by {full_name(wide.service)}"
    if not ordered:
        effect += f" if that is older than {full_name(narrow.service)}, else by the latter"
    return Finding(
        code=code,
        resource=narrow.service,
        arguments=(
            f"#{narrow.number}",
            host,
            name_text(gateway),
            f"#{wide.number}",
            full_name(wide.service),
        ),
        path=("spec", "http", narrow.number),
        witness=effect,
        related=(wide.service,),
    )


ANALYZERS = (
    Check(
        name="mesh.GatewayRouteConflicts",
        description="Finds VirtualServices that route the same requests of one host of one gateway",
        inputs=("VirtualService", "Gateway"),
        run=_conflicts,
    ),
)

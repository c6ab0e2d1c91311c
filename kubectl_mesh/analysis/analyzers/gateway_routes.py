"""VirtualServices with routes for the same host of the same gateway.

On a gateway istiod joins their rules, oldest VirtualService first, then by name and namespace (pkg/config/model:
SortConfigByCreationTime), so that rules for different requests coexist. Of rules for the same requests only the first
applies, and which one that is depends on when the resources were created.
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


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Rule:
    service: Resource
    number: int
    bound: Bound


def _conflicts(world: World) -> Iterator[Finding]:
    for (gateway, host), services in _claims(world).items():
        ruled = [(service, list(_rules(service, gateway))) for service in services]
        reported = set()
        for pair in _taken(ruled):
            reported.add(pair[1].service)
            yield _finding(*pair, gateway=gateway, host=host)
        for wide, narrow in _taken(ruled[::-1]):
            if not _is_settled(wide, narrow) and narrow.service not in reported and wide.service not in reported:
                yield _finding(wide, narrow, gateway=gateway, host=host)


def _taken(ruled: Sequence[tuple[Resource, Sequence[_Rule]]]) -> Iterator[tuple[_Rule, _Rule]]:
    """Yield, at most once per VirtualService, a rule whose requests match a rule of an earlier one."""
    covers, known, texts = Covers(), list[_Rule](), set[str]()
    for _, rules in ruled:
        pairs = ((known[number], rule) for rule in rules for number, _ in covers.of(rule.bound))
        for wide, narrow in pairs:
            if not takes_all(wide.bound) or _is_equal(wide, narrow):
                yield wide, narrow
                break
        for rule in rules:
            text = repr(rule.bound.match)
            if text not in texts:  # an equal match of an earlier rule covers all that this one could
                texts.add(text)
                covers.add(len(known), rule.bound)
                known.append(rule)


def _is_equal(wide: _Rule, narrow: _Rule) -> bool:
    return contains(narrow.bound, wide.bound)


def _is_settled(one: _Rule, other: _Rule) -> bool:
    """Tell whether the ages of both resources are known, and so which comes first."""
    return bool(one.service.created and other.service.created)


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
    """Tell whether a gateway sees a VirtualService; its proxies are assumed to be in its own namespace."""
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


def _finding(wide: _Rule, narrow: _Rule, *, gateway: Name, host: str) -> Finding:
    settled = _is_settled(wide, narrow)
    request = example(narrow.bound, host)
    effect = f"{request} is answered by {full_name(wide.service)}"
    if not settled:
        effect += f" if that is older than {full_name(narrow.service)}, else by the latter"
    return Finding(
        code="KM0001" if settled or _is_equal(wide, narrow) else "KM0002",
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

"""Rules of a VirtualService that no request reaches, because earlier rules match all of them.

istioctl compares matches as text and prefixes with prefixes; here matches are compared by the requests that they
accept, so that exact paths, regular expressions and headers count. What istioctl reports itself is not repeated.
"""

import json
from collections.abc import Iterator, Sequence

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.matches import Bound, Covers, example, takes_all
from kubectl_mesh.analysis.virtual_services import MESH, gateways
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource
from simulator.model.wire import Json


def _dead_rules(world: World) -> Iterator[Finding]:
    for service in world.of_kind("VirtualService"):
        rules = [rule or {} for rule in service.spec.get("http") or ()]
        if len(rules) > 1:
            yield from _in_service(service, rules)


def _in_service(service: Resource, rules: Sequence[Json]) -> Iterator[Finding]:
    bound_to = gateways(service)
    earlier, texts = Covers(), set[str]()
    for number, rule in enumerate(rules):
        matches = [Bound(match=match or {}, gateways=bound_to) for match in rule.get("match") or ()]
        if not matches:
            break
        covering = [_first_covering(match, earlier) for match in matches]
        if all(each is not None for each in covering) and not texts.issuperset(map(_text, matches)):
            host = (service.spec.get("hosts") or ["any.example"])[0]
            taken_by = sorted({each for each in covering if each is not None})
            yield Finding(
                code="KM0003",
                resource=service,
                arguments=(rule_name(rule, number), ", ".join(rule_name(rules[each], each) for each in taken_by)),
                path=("spec", "http", number),
                witness=f"{example(matches[0], host)} is answered by rule {rule_name(rules[taken_by[0]], taken_by[0])}",
            )
        if not rule.get("delegate"):
            for match in matches:
                earlier.add(number, match)
                texts.add(_text(match))


def rule_name(rule: Json, number: int) -> str:
    """Name a rule as istioctl does: its name, else its number."""
    return f'"{rule["name"]}"' if rule.get("name") else f"#{number}"


def _first_covering(match: Bound, earlier: Covers) -> int | None:
    """Return the first rule that covers a match; on a gateway a rule that accepts everything comes last."""
    numbers = (number for number, wide in earlier.of(match) if not (takes_all(wide) and match.places - {MESH}))
    return min(numbers, default=None)


def _text(bound: Bound) -> str:
    return json.dumps({key: value for key, value in bound.match.items() if key != "name"}, sort_keys=True)


ANALYZERS = (
    Check(
        name="mesh.DeadRules",
        description="Finds HTTP rules of a VirtualService whose requests all match earlier rules",
        inputs=("VirtualService",),
        run=_dead_rules,
    ),
)

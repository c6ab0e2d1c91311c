"""Which rules of a DestinationRule and a VirtualService reach the pods of a service?

istioctl: pkg/describe/describe.go (printDestinationRule, printVirtualService).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.lookup import Lookup, name_of, namespace_of, spec
from kubectl_mesh.diagnosis.prototext import text_form
from kubectl_mesh.reports.describe import DestinationRuleReport, PortLevel, VirtualServiceReport
from simulator.model.labels import Labels, selects
from simulator.model.names import resolve_short_name
from simulator.model.wire import Json

_SUFFIX = ".svc.cluster.local"
_POLICIES = (
    ("loadBalancer", "load balancer"),
    ("connectionPool", "connection pool"),
    ("outlierDetection", "outlier detection"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subsets:
    """Subsets of a DestinationRule that select one of the pods, and those that select none."""

    matching: tuple[str, ...] = ()
    non_matching: tuple[str, ...] = ()
    rule: str = ""
    """The name of the DestinationRule as printed; empty without one."""


def subsets_of(lookup: Lookup, rule: Json | None, pods: Sequence[Labels]) -> Subsets:
    """Sort the subsets of a rule by whether they select a pod."""
    if rule is None:
        return Subsets()
    found = [
        (str(each.get("name", "")), any(selects(each.get("labels") or {}, pod) for pod in pods))
        for each in listed(spec(rule).get("subsets"))
    ]
    return Subsets(
        matching=tuple(name for name, matches in found if matches),
        non_matching=tuple(name for name, matches in found if not matches),
        rule=lookup.called(rule),
    )


def destination_rule(lookup: Lookup, rule: Json, subsets: Subsets) -> DestinationRuleReport:
    """Describe a DestinationRule."""
    policy = spec(rule).get("trafficPolicy")
    return DestinationRuleReport(
        name=lookup.called(rule),
        host=str(spec(rule).get("host", "")),
        matching=subsets.matching,
        non_matching=subsets.non_matching,
        has_traffic_policy=policy is not None,
        tls_mode=_tls_mode(policy or {}),
        policies=_policies(policy or {}),
        port_levels=tuple(
            PortLevel(
                port=int((each.get("port") or {}).get("number") or 0),
                tls_mode=_tls_mode(each),
                policies=_policies(each),
            )
            for each in listed((policy or {}).get("portLevelSettings"))
        ),
    )


def _tls_mode(policy: Json) -> str:
    return str(policy["tls"].get("mode") or "DISABLE") if policy.get("tls") is not None else ""


def _policies(policy: Json) -> tuple[str, ...]:
    return tuple(word for name, word in _POLICIES if policy.get(name) is not None)


def virtual_service(lookup: Lookup, document: Json, service: Json, subsets: Subsets) -> VirtualServiceReport:
    """Describe which routes of a VirtualService reach the pods of a service."""
    http, tcp, tls = (listed(spec(document).get(kind)) for kind in ("http", "tcp", "tls"))
    facts: list[str] = []
    notes: list[str] = []
    matches = 0
    for route in http:
        reached, said = _http_route(document, route, service, subsets)
        matches += reached
        (facts if reached else notes).extend(said)
    for route in (*tcp, *tls):
        reached = _leads_to(document, route, service)
        matches += reached
        facts += [text_form(match) for match in listed(route.get("match"))] if reached else []
    name = lookup.called(document)
    if not matches:
        checked = ((http, "HTTP"), (tcp, "TCP"), (tls, "TLS"))
        warnings = [
            f"WARNING: No destinations match pod subsets (checked {len(routes)} {word} routes)"
            for routes, word in checked
            if routes
        ]
        return VirtualServiceReport(name=name, warnings=tuple(warnings), notes=tuple(notes))
    missed = len(http) + len(tcp) + len(tls) - matches
    if missed:
        warning = f"{missed} additional destination(s) that will not reach this pod"
        rest = () if facts else tuple(notes)
        return VirtualServiceReport(name=name, facts=tuple(facts), warnings=(warning,), notes=rest)
    if not facts:
        facts = [
            f"{len(routes)} {word} route(s)" for routes, word in ((http, "HTTP"), (tcp, "TCP"), (tls, "TLS")) if routes
        ]
    return VirtualServiceReport(name=name, facts=tuple(facts))


def _http_route(document: Json, route: Json, service: Json, subsets: Subsets) -> tuple[bool, list[str]]:
    """Return whether a route reaches the pods, and the lines about it."""
    facts: list[str] = []
    misses: list[str] = []
    reached = False
    for target in listed(route.get("route")):
        destination, weight = target.get("destination") or {}, int(target.get("weight") or 0)
        host, subset = str(destination.get("host", "")), str(destination.get("subset") or "")
        if not _is_host(host, document, service):
            known = f'Route to host "{host}" with weight {weight}%'
            facts.append(f"Route to {host} with invalid config" if subset else known)
            continue
        if subset and (miss := _miss(subset, subsets, route)):
            misses.append(miss)
            continue
        reached = True
        if weight > 0:
            words = f' subset "{subset}"' if subset else ""
            facts.append(f'Route to host "{host}"{words} with weight {weight}%')
    if reached:
        conditions = [*_fault(route), *(describe_match(match) for match in listed(route.get("match")))]
        facts += [", ".join(conditions)] if conditions else []
    elif misses:
        facts += misses
    return reached, facts


def _miss(subset: str, subsets: Subsets, route: Json) -> str:
    if subset in subsets.matching:
        return ""
    if subset in subsets.non_matching:
        matches = [describe_match(match) for match in listed(route.get("match"))]
        return f"Route to non-matching subset {subset} for ({', '.join(matches) or 'everything'})"
    if not subsets.rule:
        return f"Warning: Route to subset {subset} but NO DESTINATION RULE defining subsets!"
    return f"Warning: Route to UNKNOWN subset {subset}; check DestinationRule {subsets.rule}"


def _leads_to(document: Json, route: Json, service: Json) -> bool:
    targets = ((target.get("destination") or {}).get("host", "") for target in listed(route.get("route")))
    return any(_is_host(str(host), document, service) for host in targets)


def _is_host(host: str, document: Json, service: Json) -> bool:
    full = resolve_short_name(host, namespace=namespace_of(document))
    return _extended(full) == _extended(f"{name_of(service)}.{namespace_of(service)}")


def _extended(host: str) -> str:
    return host if host.startswith("*") or host.endswith(_SUFFIX) else host + _SUFFIX


def _fault(route: Json) -> Iterator[str]:
    fault = route.get("fault")
    if fault:
        yield f"Fault injection {text_form(fault)}"


def describe_match(match: Json) -> str:
    """Return what a route matches, in words: the path, and further conditions."""
    text = "Match: "
    if match.get("uri") is not None:
        text += string_match(match["uri"]) + (" uncased" if match.get("ignoreUriCase") else "")
    conditions = [f"{name}={string_match(value or {})}" for name, value in (match.get("headers") or {}).items()]
    if conditions:
        text += f" when headers are {'; '.join(conditions)}"
    query = [f"{name}={string_match(value or {})}" for name, value in (match.get("queryParams") or {}).items()]
    if query:
        text += f" when query parameters are {'; '.join(query)}"
    return text.strip()


def string_match(matcher: Json) -> str:
    """Return a string matcher in words: the text, the prefix with a star, or the expression."""
    if "exact" in matcher:
        return str(matcher["exact"])
    if "prefix" in matcher:
        return f"{matcher['prefix']}*"
    return text_form(matcher)

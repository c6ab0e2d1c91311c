"""Which routes of the Gateway API lead to a service, or are attached to it?

A route is attached to Gateways or, for traffic inside the mesh, to Services (gateway-api.sigs.k8s.io, GAMMA).
"""

from collections.abc import Iterator, Sequence

from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.lookup import Lookup, name_of, namespace_of, spec
from kubectl_mesh.reports.describe import VirtualServiceReport
from simulator.model.wire import Json

_KINDS = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")
_REFUSED = "False"


def gateway_routes(lookup: Lookup, services: Sequence[Json]) -> tuple[VirtualServiceReport, ...]:
    """Describe the routes that concern services, by kind and age."""
    wanted = {(namespace_of(each), name_of(each)) for each in services}
    found = []
    for kind in _KINDS:
        for route in sorted(lookup.all(kind), key=lambda each: (namespace_of(each), name_of(each))):
            facts = tuple(_facts(route, wanted))
            if facts:
                found.append(_report(lookup, kind, route, facts))
    return tuple(found)


def _report(lookup: Lookup, kind: str, route: Json, facts: tuple[str, ...]) -> VirtualServiceReport:
    parents = [_parent(route, each) for each in listed(spec(route).get("parentRefs"))]
    hosts = [str(host) for host in listed(spec(route).get("hostnames"))]
    first = [f"Parents: {', '.join(parents) or '<none>'}", *([f"Hostnames: {', '.join(hosts)}"] if hosts else [])]
    return VirtualServiceReport(
        name=lookup.called(route), kind=kind, facts=(*first, *facts), warnings=tuple(_refusals(route))
    )


def _parent(route: Json, parent: Json) -> str:
    namespace = str(parent.get("namespace") or namespace_of(route))
    section = f" listener {parent['sectionName']}" if parent.get("sectionName") else ""
    port = f" port {parent['port']}" if parent.get("port") else ""
    return f"{parent.get('kind') or 'Gateway'} {parent.get('name', '')}.{namespace}{section}{port}"


def _facts(route: Json, wanted: set[tuple[str, str]]) -> Iterator[str]:
    home = namespace_of(route)
    hangs = any(
        each.get("kind") == "Service" and (str(each.get("namespace") or home), str(each.get("name", ""))) in wanted
        for each in listed(spec(route).get("parentRefs"))
    )
    for rule in listed(spec(route).get("rules")):
        backends = [each for each in listed(rule.get("backendRefs")) if isinstance(each, dict)]
        reached = [
            each for each in backends if (str(each.get("namespace") or home), str(each.get("name", ""))) in wanted
        ]
        if not reached and not hangs:
            continue
        matches = [text for each in listed(rule.get("matches")) if (text := _match(each))]
        filters = [str(each.get("type", "")) for each in listed(rule.get("filters"))]
        total = sum(_weight(each) for each in backends)
        targets = [f"{each.get('name', '')}:{each.get('port', '')} {_share(each, total)}" for each in backends]
        words = f"{' or '.join(matches) or 'everything'} to {', '.join(targets) or 'no backend'}"
        yield words + (f" with {', '.join(filters)}" if filters else "")


def _weight(backend: Json) -> int:
    weight = backend.get("weight")
    return weight if isinstance(weight, int) else 1


def _share(backend: Json, total: int) -> str:
    return f"{100 * _weight(backend) // total}%" if total else "0%"


def _match(match: Json) -> str:
    """Write what a rule matches: method, path, headers, query parameters."""
    words = []
    method = match.get("method")
    if isinstance(method, dict):  # of gRPC
        words.append("/".join(str(method[key]) for key in ("service", "method") if method.get(key)))
    elif method:
        words.append(str(method))
    path = match.get("path")
    if isinstance(path, dict):
        star = {"PathPrefix": "*", "RegularExpression": " (regex)"}.get(str(path.get("type") or "PathPrefix"), "")
        words.append(f"{path.get('value') or '/'}{star}")
    for field, name in (("headers", "header"), ("queryParams", "query parameter")):
        for each in listed(match.get(field)):
            sign = "~" if each.get("type") == "RegularExpression" else "="
            words.append(f"{name} {each.get('name')}{sign}{each.get('value')}")
    return " ".join(words)


def _refusals(route: Json) -> Iterator[str]:
    """Yield the conditions by which a controller refused a route."""
    for parent in listed((route.get("status") or {}).get("parents")):
        for condition in listed(parent.get("conditions")):
            if condition.get("status") == _REFUSED:
                where = _parent(route, parent.get("parentRef") or {})
                text = str(condition.get("message") or condition.get("reason") or "")
                yield f"WARNING: {where}: {condition.get('type')} is False: {text}"

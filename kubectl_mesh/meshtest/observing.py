"""A trace in the terms of test files, with parts that can be compared one by one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kubectl_mesh.diagnosis.predictor import Predictor, deciding_hop
from kubectl_mesh.reports.trace import SourceReport
from simulator.model.directory import ServiceRecord, Workload
from simulator.model.names import ClusterName
from simulator.model.proxies import Direction
from simulator.model.requests import Request, Tls
from simulator.model.traces import Forwarded, Hop, Share, Step, StepKind, Trace

IMPLICIT = "<implicit>"
"""The policy of a denial for lack of a matching ALLOW policy, which no policy by name gives."""
RULE_FIELDS = frozenset({"http", "tls", "tcp", "rules"})
_NAMED_RULES = {"VirtualService": "http", "HTTPRoute": "rules", "GRPCRoute": "rules"}
_TLS = {Tls.NONE: "none", Tls.SIMPLE: "simple", Tls.MUTUAL: "mtls"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The predicted answer to a request."""

    trace: Trace = field(repr=False)
    disposition: str
    status: int | None
    cluster: ClusterName | None = None
    shares: tuple[tuple[ClusterName, float], ...] = ()
    workload: Workload | None = None
    """The workload that gets the request."""
    rule: str = ""
    """`KIND/namespace/name` of the resource that routes."""
    rule_index: int | None = None
    rule_name: str = ""
    rule_position: str = ""
    """`file:line` of the rule."""
    virtual_host: str = ""
    location: str = ""
    sent: Request | None = None
    """The request as the destination gets it."""
    path: str = ""
    authority: str = ""
    timeout: str = "none"
    retries: Mapping[str, object] = field(default_factory=dict)
    request_headers: tuple[str, ...] = ()
    """Changes of headers in the form of traces: `set x-env: prod`."""
    response_headers: tuple[str, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    """Faults that may hit the request: `delay`, `abort`, and the `… percent` of each."""
    upstream_tls: str = "none"
    authz_verdict: str = "allow"
    authz_by: str = ""
    authz_position: str = ""
    touched: frozenset[str] = frozenset()
    """Rules that were used, on any hop: `KIND/namespace/name http[1]`."""

    @property
    def treatment(self) -> tuple[object, ...]:
        """Equal for requests that are treated alike. Rules without numbers are distinguished by name."""
        rule = (self.rule, self.rule_index, "" if self.rule_index is not None else self.rule_name)
        ending = (self.disposition, self.status, self.location)
        way = (self.cluster, self.shares, self.upstream_tls)
        return (*rule, *ending, *way, self.authz_verdict, self.authz_by)


def observe(predictor: Predictor, trace: Trace) -> Observed:
    """Return the predicted answer in a trace."""
    hop = deciding_hop(trace)
    forwarded = hop.forwarded if hop is not None else None
    route = hop.step(StepKind.ROUTE) if hop is not None else None
    host = hop.step(StepKind.VIRTUAL_HOST) if hop is not None else None
    origin = predictor.origin(route) if route is not None else None
    details = route.details if route is not None else {}
    verdict, by, where = _authorization(predictor, trace)
    sent = forwarded.request if forwarded is not None else None
    return Observed(
        trace=trace,
        disposition=trace.disposition.value,
        status=trace.verdict.status,
        cluster=_cluster(predictor, trace, hop),
        shares=_shares(forwarded),
        workload=_receiver(predictor, trace),
        rule=origin.resource if origin is not None else "",
        rule_index=_rule_number(predictor, origin, route.chosen if route is not None else ""),
        rule_name=route.chosen if route is not None else "",
        rule_position=origin.position if origin is not None else "",
        virtual_host=host.chosen if host is not None else "",
        location=trace.verdict.location,
        sent=sent,
        path=sent.target.partition("?")[0] if sent is not None else "",
        authority=sent.host_header if sent is not None else "",
        timeout=str(details.get("timeout", "none")),
        retries=details.get("retries") or {},
        request_headers=tuple(details.get("request_headers") or ()),
        response_headers=tuple(details.get("response_headers") or ()),
        faults=_faults(hop) if hop is not None else {},
        upstream_tls=_TLS[forwarded.tls] if forwarded is not None else "none",
        authz_verdict=verdict,
        authz_by=by,
        authz_position=where,
        touched=_touched(predictor, trace),
    )


def _cluster(predictor: Predictor, trace: Trace, hop: Hop | None) -> ClusterName | None:
    """Return the cluster that the client's side chose; for a client without a proxy, that of the service it dials."""
    if hop is not None and hop.direction is Direction.OUTBOUND:
        return ClusterName.parse(hop.forwarded.cluster) if hop.forwarded is not None else None
    record, port = _dialled(predictor, trace), trace.request.port
    return ClusterName("outbound", port, "", record.host) if record is not None and port in record.backends else None


def _dialled(predictor: Predictor, trace: Trace) -> ServiceRecord | None:
    directory = predictor.directory
    named = next((step for step in reversed(trace.steps) if step.kind is StepKind.NAME_RESOLUTION), None)
    if named is None:
        return directory.service_at(trace.request.host)
    headless = (each for each in directory.services.values() if named.document and each.source == named.document)
    return directory.service_at(named.chosen) or next(headless, None)


def _faults(hop: Hop) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for step in hop.steps:
        if step.kind is StepKind.HTTP_FILTER and str(step.details.get("filter", "")).endswith(".fault"):
            kind = "delay" if "delay" in step.details else "abort"
            share = step.details.get("percent")
            found[kind] = step.chosen.rpartition(" with " if kind == "abort" else " ")[2]
            found |= {f"{kind} percent": f"{share:g}"} if share is not None else {}
    return found


def _shares(forwarded: Forwarded | None) -> tuple[tuple[ClusterName, float], ...]:
    shares: tuple[Share, ...] = forwarded.shares if forwarded is not None else ()
    named = ((ClusterName.parse(share.cluster), share.percent) for share in shares)
    return tuple((name, percent) for name, percent in named if name is not None)


def _receiver(predictor: Predictor, trace: Trace) -> Workload | None:
    if not trace.disposition.is_delivered:
        return None
    name, _, namespace = trace.destination.rpartition(".")
    return predictor.directory.workload(name, namespace)


def _rule_number(predictor: Predictor, origin: SourceReport | None, name: str) -> int | None:
    """Return the number of the rule. Config dumps name only the resource; the rule is then found by its name."""
    if origin is None or (number := _rule_index(origin.field)) is not None:
        return number if origin is not None else None
    kind, _, place = origin.resource.partition("/")
    if kind not in _NAMED_RULES:
        return None
    for document in predictor.source.resources(kind, place.partition("/")[0]):
        if (document.get("metadata") or {}).get("name") == place.partition("/")[2]:
            rules = (document.get("spec") or {}).get(_NAMED_RULES[kind]) or ()
            named = [index for index, rule in enumerate(rules) if _is_named(name, str(rule.get("name") or ""))]
            return named[0] if len(named) == 1 else None
    return None


def _is_named(route: str, rule: str) -> bool:
    """Tell whether istiod's name of a route is that of a rule, optionally followed by that of a match."""
    return bool(rule) and (route == rule or route.startswith(f"{rule}."))


def _rule_index(path: str) -> int | None:
    """Return the number of the rule in `spec.http[2].match[0]` or `spec.rules[1]`."""
    for part in path.split("."):
        name, bracket, rest = part.partition("[")
        if bracket and name in RULE_FIELDS:
            return int(rest.partition("]")[0])
    return None


def _touched(predictor: Predictor, trace: Trace) -> frozenset[str]:
    steps = [step for hop in trace.hops for step in hop.steps if step.kind in (StepKind.ROUTE, StepKind.RBAC)]
    return frozenset(name for step in steps if (name := _touched_by(predictor, step)))


def _touched_by(predictor: Predictor, step: Step) -> str:
    origin = predictor.origin(step)
    if origin is None:
        return ""
    number = None if origin.field else _rule_number(predictor, origin, step.chosen)
    field_path = f"{_NAMED_RULES[origin.resource.partition('/')[0]]}[{number}]" if number is not None else origin.field
    return rule_name(origin.resource, field_path)


def rule_name(resource: str, field_path: str) -> str:
    """Return the name of the rule that a field belongs to, the same for all matches of one rule."""
    rule = next((part for part in field_path.split(".") if part.partition("[")[0] in RULE_FIELDS), "")
    return f"{resource} {rule}".rstrip()


def _authorization(predictor: Predictor, trace: Trace) -> tuple[str, str, str]:
    """Return the verdict, the policy that gave it, and its file:line; the denying filter wins over allowing ones."""
    found = ("allow", "", "")
    for hop in trace.hops:
        for step in _rbac_steps(hop):
            origin = predictor.origin(step)
            name = origin.resource.partition("/")[2] if origin is not None else ""
            position = origin.position if origin is not None else ""
            if not step.details.get("allowed", True):
                return "deny", name or IMPLICIT, position
            if name:
                found = ("allow", name, position)
    return found


def _rbac_steps(hop: Hop) -> list[Step]:
    return [step for step in hop.steps if step.kind is StepKind.RBAC]

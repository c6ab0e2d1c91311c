"""Generates a test file from a mesh: a case for each distinct treatment of requests.

All cases pass until a change of the mesh affects a request.
"""

from collections.abc import Iterator, Sequence

from kubectl_mesh.diagnosis.doors import Door
from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.diagnosis.representatives import Representatives, one_each, requests_of
from kubectl_mesh.diagnosis.senders import sender_name
from kubectl_mesh.errors import MeshError
from kubectl_mesh.meshtest.gateway_requests import entering
from kubectl_mesh.meshtest.judging import is_host
from kubectl_mesh.meshtest.model import API_VERSION, KIND
from kubectl_mesh.meshtest.observing import Observed, observe
from kubectl_mesh.meshtest.running import UNDECIDABLE
from simulator.model.directory import Workload
from simulator.model.names import ClusterName
from simulator.model.proxies import ProxyId, Role
from simulator.model.requests import Request
from simulator.model.wire import Json

_KINDS = {"VirtualService": "virtualService", "HTTPRoute": "httpRoute", "GRPCRoute": "grpcRoute"}
_SYSTEM = frozenset({"istio-system", "kube-system"})
_KUBERNETES = "kubernetes.default.svc"
"""The API server's service, which no manifest defines."""


def generate(predictor: Predictor, *, name: str, given: Json, senders: Sequence[str] = ()) -> Json:
    """Return the document of a test file; `senders` limits the senders. Raises NothingFound."""
    proxies = frozenset(predictor.source.proxies())
    stand_ins = Representatives(source=predictor, directory=predictor.directory, proxies=proxies)
    chosen = [predictor.sender(text) for text in senders]
    workloads = [each for each in chosen if each is not None] or one_each(predictor.directory.workloads)
    cases: dict[tuple[object, ...], Json] = {}
    names: dict[str, int] = {}
    for sender, text in _named(predictor, workloads):
        for request in _requests(predictor, stand_ins, sender):
            seen = observe(predictor, predictor.trace(request, sender))
            key = seen.treatment
            if seen.trace.disposition in UNDECIDABLE or key in cases or not _says_something(seen):
                continue
            title = _title(seen, request)
            names[title] = names.get(title, 0) + 1
            label = title if names[title] == 1 else f"{title} ({names[title]})"
            cases[key] = {"name": label, "from": text, "request": _written(request), "expect": _expected(seen)}
    spec = ({"given": given} if given else {}) | {"cases": list(cases.values())}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}


def _named(predictor: Predictor, workloads: Sequence[Workload]) -> Iterator[tuple[Workload, str]]:
    """Yield senders, each with a name that identifies it."""
    for each in workloads:
        text = sender_name(each)
        try:
            found = predictor.sender(text)
        except MeshError:
            continue
        if found is not None and (each.role is Role.GATEWAY or _is_application(each)):
            yield found, text


def _is_application(workload: Workload) -> bool:
    return workload.role not in (Role.WAYPOINT, Role.ZTUNNEL) and workload.namespace not in _SYSTEM


def _requests(predictor: Predictor, stand_ins: Representatives, sender: Workload) -> Iterator[Request]:
    if sender.role is Role.GATEWAY:
        yield from entering(stand_ins, sender)
        return
    proxy = ProxyId(sender.name, sender.namespace)
    for host, record in sorted(predictor.directory.services.items()):
        if record.namespace not in _SYSTEM and "*" not in host and not host.startswith(_KUBERNETES):
            for port in sorted(record.backends):
                yield from requests_of(stand_ins.witnesses(proxy, host, port), host, Door.usual(port))


def _says_something(seen: Observed) -> bool:
    return seen.disposition not in ("name-not-found", "passed-through", "no-listener")


def _title(seen: Observed, request: Request) -> str:
    by = f" by {seen.authz_by}" if seen.authz_verdict == "deny" else _rule_text(seen)
    return f"{request.host}: {seen.disposition}{by}"


def _rule_text(seen: Observed) -> str:
    """Return the rule's name, or its number where it has none."""
    kind, _, resource = seen.rule.partition("/")
    if kind not in _KINDS:
        return ""
    named = "" if seen.rule_name in ("route", "default") else seen.rule_name.partition(" ")[0]
    return f" by {resource} rule {named or ('' if seen.rule_index is None else seen.rule_index)}".rstrip()


def _written(request: Request) -> Json:
    usual = 443 if request.scheme == "https" else 80
    port = "" if request.port == usual else f":{request.port}"
    headers: dict[str, str | list[str]] = {"host": request.authority} if request.authority is not None else {}
    for name, _ in request.headers:
        values = request.values(name)
        headers[name] = values[0] if len(values) == 1 else list(values)
    parts: Json = {"url": f"{request.scheme}://{request.host}{port}{request.target}"}
    parts |= {"method": request.method} if request.method != "GET" else {}
    return parts | ({"headers": headers} if headers else {})


def _expected(seen: Observed) -> Json:
    expect: Json = {"disposition": seen.disposition}
    if seen.status is not None and not seen.trace.disposition.is_delivered:
        expect["status"] = seen.status
    if len(seen.shares) > 1:
        expect["split"] = [destination(name) | {"weight": percent} for name, percent in seen.shares]
    elif seen.cluster is not None:
        expect["destination"] = destination(seen.cluster)
    kind, _, name = seen.rule.partition("/")
    if kind in _KINDS:
        rule: Json = {_KINDS[kind]: name}
        expect["rule"] = rule | ({"index": seen.rule_index} if seen.rule_index is not None else {})
    if seen.location:
        expect["redirect"] = seen.location
    if seen.authz_by:
        expect["authz"] = {"verdict": seen.authz_verdict, "by": seen.authz_by}
    if seen.trace.disposition.is_delivered and seen.upstream_tls != "none":
        expect["upstreamTls"] = seen.upstream_tls
    return expect


def destination(cluster: ClusterName) -> Json:
    """Return a destination in the form of test files."""
    parts = cluster.host.split(".")
    short = f"{parts[1]}/{parts[0]}" if len(parts) > 2 else ""
    service = short if short and is_host(short, cluster.host) else cluster.host
    found: Json = {"service": service}
    return found | ({"subset": cluster.subset} if cluster.subset else {}) | {"port": cluster.port}

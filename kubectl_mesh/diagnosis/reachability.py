"""Can a pod resolve istiod's name and reach its ports?

curl's exit codes tell a name that does not resolve from a port that is closed: curl.se/docs/manpage.html (EXIT CODES).
"""

from collections.abc import Iterator

from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.lookup import Lookup, labels, spec
from kubectl_mesh.errors import MeshError
from kubectl_mesh.reports.connection import CheckResult, ConnectionCheck
from kubectl_mesh.sources.base import CommandResult, PodCommands
from simulator.model.labels import selects
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

MONITORING = 15014
_DEBUG = "debug/syncz"
_UNRESOLVED, _REFUSED, _TIMEOUT = 6, 7, 28
_NO_TLS = (35, 60)
_ENDED = (52, 56, 92)
"""Exit codes of curl for a server that closed the connection or did not speak HTTP: it was reached."""
_NO_CURL = ("executable file not found", "no such file")


def checks(lookup: Lookup, proxy: ProxyId, *, address: str) -> Iterator[ConnectionCheck]:
    """Check name, xDS port and debug port, in this order."""
    host, _, port = address.rpartition(":")
    wanted = (
        (f"port {port}", f"https://{address}/", int(port) if port.isdecimal() else 0),
        (f"port {MONITORING}", f"http://{host}:{MONITORING}/{_DEBUG}", MONITORING),
    )
    tried = [(name, number, _try(lookup, proxy, url)) for name, url, number in wanted]
    yield _name(lookup, host, tried[0][2])
    for name, number, result in tried:
        yield _port(lookup, host, result, name=name, number=number)


def _try(lookup: Lookup, proxy: ProxyId, url: str) -> CommandResult | str:
    """Run curl in the pod; return the reason as text where that is impossible."""
    if not isinstance(lookup.source, PodCommands):
        return "nothing can be run in a pod here"
    command = ("curl", "-sS", "-k", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", url)
    try:
        return lookup.source.pod_command(proxy, "istio-proxy", command)
    except MeshError as error:
        words = str(error)
        return "the proxy's image has no curl" if any(part in words for part in _NO_CURL) else words


def _name(lookup: Lookup, host: str, result: CommandResult | str) -> ConnectionCheck:
    service = _service(lookup, host)
    hint = f"kubectl get service -A | grep {host.partition('.')[0]}; is the proxy of a revision that is gone?"
    if isinstance(result, CommandResult):
        if result.status == _UNRESOLVED:
            return _check("dns", CheckResult.FAILED, f"{host} does not resolve in the pod", hint)
        return _check("dns", CheckResult.OK, f"{host} resolves in the pod")
    if service is None and host.count(".") > 0:
        return _check("dns", CheckResult.FAILED, f"no Service {host}", hint)
    return _check("dns", CheckResult.OK, f"a Service {host} exists ({result})")


def _port(lookup: Lookup, host: str, result: CommandResult | str, *, name: str, number: int) -> ConnectionCheck:
    if not isinstance(result, CommandResult):
        return _by_objects(lookup, host, result, name=name, number=number)
    code = result.out.strip()[-3:]
    if result.status == 0:
        return _check(name, CheckResult.OK, _answered(code))
    if result.status in _ENDED:
        return _check(name, CheckResult.OK, "reached: istiod closed the connection, as it does for any non-proxy")
    said = {
        _UNRESOLVED: ("not reached: the name does not resolve", ""),
        _REFUSED: ("connection refused", "do istiod's pods run and are they ready?"),
        _TIMEOUT: ("no answer in time", "is there a NetworkPolicy or a firewall between the pod and istiod?"),
    }
    if result.status in _NO_TLS:
        return _check(name, CheckResult.FAILED, f"TLS failed: {result.error.strip()}", "is there a proxy in between?")
    detail, hint = said.get(result.status, (result.error.strip() or f"curl ended with {result.status}", ""))
    return _check(name, CheckResult.FAILED, detail, hint)


def _answered(code: str) -> str:
    if code == "401":
        return "reached: istiod answered 401, as it does to every client without a token"
    if code == "403":
        return "reached: istiod answered 403, debug pages are for its own namespace"
    if code == "415":
        return "reached: istiod answered 415, since it was not asked in gRPC"
    return f"reached: istiod answered {code}"


def _by_objects(lookup: Lookup, host: str, why: str, *, name: str, number: int) -> ConnectionCheck:
    service = _service(lookup, host)
    if service is None:
        return _check(name, CheckResult.UNKNOWN, why)
    if number not in {entry.get("port") for entry in listed(spec(service).get("ports"))}:
        return _check(name, CheckResult.FAILED, f"the Service {host} has no such port", "kubectl get service -o yaml")
    ready = [pod for pod in _behind(lookup, service) if _is_ready(pod)]
    if not ready:
        return _check(name, CheckResult.FAILED, f"no ready pod is behind {host}", "kubectl get pods -l app=istiod -A")
    return _check(name, CheckResult.OK, f"the Service leads to {len(ready)} ready pod{'s' * (len(ready) > 1)} ({why})")


def _service(lookup: Lookup, host: str) -> Json | None:
    name, _, rest = host.partition(".")
    return lookup.get("Service", rest.partition(".")[0] or lookup.istio_namespace, name)


def _behind(lookup: Lookup, service: Json) -> list[Json]:
    chosen = spec(service).get("selector") or {}
    namespace = (service.get("metadata") or {}).get("namespace", "")
    return [pod for pod in lookup.all("Pod", namespace) if chosen and selects(chosen, labels(pod))]


def _is_ready(pod: Json) -> bool:
    conditions = listed((pod.get("status") or {}).get("conditions"))
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _check(name: str, result: CheckResult, detail: str, hint: str = "") -> ConnectionCheck:
    return ConnectionCheck(name=name, result=result, detail=detail, hint=hint)

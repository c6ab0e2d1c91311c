"""Can a pod reach istiod: by name, on its xDS and debug ports, with a certificate, and does istiod know it?

Requests are made from inside the pod where commands can be run there; elsewhere the Service and its pods answer.
"""

import json
from collections.abc import Iterator
from datetime import datetime

from kubectl_mesh.diagnosis import reachability, secrets
from kubectl_mesh.diagnosis.config_dump import ConfigDump
from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.diagnosis.proxy_status import SYNCZ
from kubectl_mesh.errors import MeshError
from kubectl_mesh.reports.connection import CheckResult, ConnectionCheck, ConnectionReport
from kubectl_mesh.sources.base import MeshSource
from simulator.model.proxies import ProxyId

_DUMP = "config_dump?include_eds=true"
_STATS = "stats?filter=control_plane.connected_state"
_XDS_PORT = 15012


def diagnose(source: MeshSource, proxy: ProxyId, *, istio_namespace: str, now: datetime) -> ConnectionReport:
    """Run every check; the result of one that cannot run is unknown, with the reason."""
    dump, failure = _dump(source, proxy)
    address = _address(dump) or f"istiod.{istio_namespace}.svc:{_XDS_PORT}"
    lookup = Lookup(source=source, istio_namespace=istio_namespace)
    checks = (
        *reachability.checks(lookup, proxy, address=address),
        _certificate(dump, failure, now=now),
        _envoy(source, proxy),
        _connected(source, proxy),
    )
    return ConnectionReport(proxy=str(proxy), address=address, checks=checks)


def _dump(source: MeshSource, proxy: ProxyId) -> tuple[ConfigDump, str]:
    try:
        return ConfigDump.parse(source.envoy(proxy, _DUMP), subject=f"config dump of {proxy}"), ""
    except MeshError as error:
        return ConfigDump([]), str(error)


def _address(dump: ConfigDump) -> str:
    """Return the address of istiod that the proxy was started with."""
    for section in dump.sections("BootstrapConfigDump"):
        metadata = ((section.get("bootstrap") or {}).get("node") or {}).get("metadata") or {}
        settings = metadata.get("PROXY_CONFIG") or metadata.get("proxyConfig") or {}
        if isinstance(settings, dict) and settings.get("discoveryAddress"):
            return str(settings["discoveryAddress"])
    return ""


def _check(name: str, result: CheckResult, detail: str, hint: str = "") -> ConnectionCheck:
    return ConnectionCheck(name=name, result=result, detail=detail, hint=hint)


def _certificate(dump: ConfigDump, failure: str, *, now: datetime) -> ConnectionCheck:
    name = "certificate"
    if failure:
        return _check(name, CheckResult.UNKNOWN, failure)
    if not dump.sections("SecretsConfigDump"):
        return _check(name, CheckResult.UNKNOWN, "the config dump has no secrets")
    table = secrets.table(dump, now=now)
    own = [row for row in (table.rows if table is not None else ()) if row.name == "default"]
    if not own:
        hint = "is the token of the service account refused? see the log of istio-proxy"
        return _check(name, CheckResult.FAILED, "the proxy holds no certificate of its own", hint)
    if not own[0].serial:
        state = str(own[0].status).lower()
        return _check(name, CheckResult.UNKNOWN, f"the secret is {state}, its content cannot be read")
    if not own[0].valid:
        hint = "restart the pod, or see why the agent cannot renew it: the log of istio-proxy"
        return _check(name, CheckResult.FAILED, f"valid from {own[0].not_before} to {own[0].not_after} only", hint)
    return _check(name, CheckResult.OK, f"valid until {own[0].not_after}")


def _envoy(source: MeshSource, proxy: ProxyId) -> ConnectionCheck:
    """Ask Envoy whether its stream to the control plane, through the agent, is open."""
    name = "xds stream"
    try:
        text = source.envoy(proxy, _STATS).decode(errors="replace")
    except MeshError as error:
        return _check(name, CheckResult.UNKNOWN, str(error))
    value = text.rpartition(":")[2].strip()
    if value == "1":
        return _check(name, CheckResult.OK, "Envoy's stream to its agent is open")
    if value == "0":
        hint = f"kubectl logs -n {proxy.namespace} {proxy.name} -c istio-proxy"
        return _check(name, CheckResult.FAILED, "Envoy has no stream to the control plane", hint)
    return _check(name, CheckResult.UNKNOWN, "Envoy has no statistic about it")


def _connected(source: MeshSource, proxy: ProxyId) -> ConnectionCheck:
    name = "connected"
    try:
        answers = source.istiod(SYNCZ)
    except MeshError as error:
        return _check(name, CheckResult.UNKNOWN, str(error))
    if not answers:
        return _check(name, CheckResult.UNKNOWN, "no istiod was asked")
    for istiod, data in sorted(answers.items()):
        if str(proxy) in set(_proxies(data)):
            return _check(name, CheckResult.OK, f"{istiod} lists the proxy")
    hint = "is it of a revision whose istiod is gone? kubectl mesh version"
    return _check(name, CheckResult.FAILED, f"none of {len(answers)} istiod lists the proxy", hint)


def _proxies(data: bytes) -> Iterator[str]:
    """Yield the names in an answer of syncz, in either of its forms."""
    try:
        document = json.loads(data)
    except ValueError:
        return
    entries = document.get("resources") if isinstance(document, dict) else document
    for entry in entries or ():
        if isinstance(entry, dict):
            yield str(entry.get("proxy") or (entry.get("node") or {}).get("id", ""))

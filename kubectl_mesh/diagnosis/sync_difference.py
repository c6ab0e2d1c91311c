"""How does a proxy's configuration differ from what istiod sent?

istioctl: pkg/writer/compare, pkg/util/configdump. Keys are sorted on both sides, where istioctl prints them in the
order of Envoy's schema; this does not affect the comparison.
"""

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import quote

from kubectl_mesh.diagnosis.config_dump import ConfigDump, decode, listed
from kubectl_mesh.errors import NotAvailable, NothingFound
from kubectl_mesh.sources.base import MeshSource
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

_CONTEXT = 7
_STATE = frozenset({"versionInfo", "lastUpdated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One kind of configuration: whether both sides are equal, and the unified diff where they are not."""

    kind: str
    suffix: str = ""
    lines: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both sides are equal."""
        return not self.lines

    @property
    def text(self) -> str:
        """The sentence and the diff as istioctl prints them."""
        verb = "Match" if self.equal else "Don't Match"
        return f"{self.kind} {verb}{self.suffix}\n" + ("" if self.equal else "".join(self.lines) + "\n")


def sent_by_istiod(source: MeshSource, proxy: ProxyId) -> ConfigDump:
    """Return what istiod sends to a proxy, from the replica it is connected to."""
    answers = source.istiod(f"debug/config_dump?proxyID={quote(str(proxy))}&include_eds=true")
    for istiod, data in sorted(answers.items()):
        if data.lstrip()[:1] == b"{":
            document = decode(data, subject=f"config dump of istiod {istiod}")
            if isinstance(document, dict) and document.get("configs"):
                return ConfigDump(document["configs"])
    raise NotAvailable(
        "unable to find config dump in Istiod responses", hint=f"is {proxy} connected? see: kubectl mesh proxy-status"
    )


def compare(istiod: ConfigDump, envoy: ConfigDump, *, zone: tzinfo | None = None) -> tuple[Difference, ...]:
    """Compare clusters, listeners and routes as istioctl does; endpoints where both sides have them, and secrets.

    Only secrets that istiod sent are compared: a workload's own certificate comes from its agent.
    """
    kinds: list[tuple[str, Callable[[ConfigDump], Any]]] = [
        ("Clusters", _clusters),
        ("Listeners", _listeners),
        ("Routes", _routes),
    ]
    if istiod.sections("EndpointsConfigDump") and envoy.sections("EndpointsConfigDump"):
        kinds.append(("Endpoints", _endpoints))
    if sent := _secrets(istiod):
        kinds.append(("Secrets", lambda dump: {name: _secrets(dump).get(name) for name in sent}))
    suffixes = {"Routes": _loaded(envoy, zone=zone)}
    return tuple(
        Difference(
            kind=kind, suffix=suffixes.get(kind, ""), lines=_lines(kind, _text(istiod, view), _text(envoy, view))
        )
        for kind, view in kinds
    )


def _lines(kind: str, before: str, after: str) -> tuple[str, ...]:
    if before == after:
        return ()
    return tuple(
        difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            fromfile=f"Istiod {kind}",
            tofile=f"Envoy {kind}",
            n=_CONTEXT,
        )
    )


def _text(dump: ConfigDump, view: Callable[[ConfigDump], Any]) -> str:
    """Return one kind of a dump as text; the error message where the dump lacks it."""
    try:
        return json.dumps(view(dump), indent=4, sort_keys=True, ensure_ascii=False) + "\n"
    except NothingFound as error:
        return f"{error}\n"


def _clusters(dump: ConfigDump) -> Json:
    entries = [_plain(entry) for entry in listed(dump.section("ClustersConfigDump").get("dynamicActiveClusters"))]
    return {"dynamicActiveClusters": sorted(entries, key=_named("cluster"))}


def _listeners(dump: ConfigDump) -> Json:
    entries = listed(dump.section("ListenersConfigDump").get("dynamicListeners"))
    active = [{"activeState": _plain(entry["activeState"])} for entry in entries if entry.get("activeState")]
    return {"dynamicListeners": sorted(active, key=lambda entry: _named("listener")(entry["activeState"]))}


def _routes(dump: ConfigDump) -> Json:
    entries = [_plain(entry) for entry in listed(dump.section("RoutesConfigDump").get("dynamicRouteConfigs"))]
    for entry in entries:
        configuration = dict(entry.get("routeConfig") or {})
        if configuration.get("virtualHosts"):
            hosts = sorted(configuration["virtualHosts"], key=lambda host: str(host.get("name", "")))
            configuration["virtualHosts"] = hosts
        entry["routeConfig"] = configuration
    return {"dynamicRouteConfigs": sorted(entries, key=_named("routeConfig"))}


def _endpoints(dump: ConfigDump) -> Json:
    entries = [_plain(entry) for entry in listed(dump.section("EndpointsConfigDump").get("dynamicEndpointConfigs"))]
    return {"dynamicEndpointConfigs": sorted(entries, key=_named("endpointConfig", field="clusterName"))}


def _secrets(dump: ConfigDump) -> Json:
    """Return secrets by name; private keys are hidden on both sides."""
    found: Json = {}
    for section in dump.sections("SecretsConfigDump"):
        for entry in listed(section.get("dynamicActiveSecrets")):
            secret = entry.get("secret") or {}
            certificate = dict(secret.get("tlsCertificate") or {})
            certificate.pop("privateKey", None)
            shown = {**secret, **({"tlsCertificate": certificate} if "tlsCertificate" in secret else {})}
            found[str(entry.get("name") or secret.get("name", ""))] = shown
    return found


def _plain(entry: Mapping[str, Any]) -> Json:
    return {key: value for key, value in entry.items() if key not in _STATE}


def _named(holder: str, *, field: str = "name") -> Callable[[Json], str]:
    return lambda entry: str((entry.get(holder) or {}).get(field, ""))


def _loaded(envoy: ConfigDump, *, zone: tzinfo | None) -> str:
    """Return when Envoy last loaded routes, as istioctl prints it; empty when it is unknown."""
    sections = envoy.sections("RoutesConfigDump")
    entries = listed(sections[-1].get("dynamicRouteConfigs")) if sections else []
    moments = sorted(moment for entry in entries if (moment := _moment(entry.get("lastUpdated"))))
    if not moments:
        return ""
    local = moments[-1].astimezone(zone)
    return f" (RDS last loaded at {local.strftime('%a, %d %b %Y %H:%M:%S')} {local.tzname()})"


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None

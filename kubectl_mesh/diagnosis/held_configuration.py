"""Which proxies hold the configuration made from an object, and which still lack it?

istiod's dump of a proxy shows what it should hold, Envoy's what it does hold; both name the object in metadata or,
for authorization policies, in the names of rules. istiod: pilot/pkg/networking/util/util.go (AddConfigInfoMetadata).
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kubectl_mesh.diagnosis.config_dump import ConfigDump, listed
from kubectl_mesh.diagnosis.lookup import Lookup, name_of, namespace_of, spec
from kubectl_mesh.diagnosis.selected_proxies import SHAPES, WORDS, Selects, selection
from kubectl_mesh.diagnosis.sync_difference import sent_by_istiod
from kubectl_mesh.errors import AmbiguousName, MeshError, NothingFound, UsageError
from kubectl_mesh.reports.proxy_status import HeldConfiguration, HeldState
from kubectl_mesh.sources.base import MeshSource
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

_BY_PATH = ("VirtualService", "DestinationRule", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")
_LISTS = {
    "ClustersConfigDump": (("dynamicActiveClusters", "cluster"), ("staticClusters", "cluster")),
    "RoutesConfigDump": (("dynamicRouteConfigs", "routeConfig"), ("staticRouteConfigs", "routeConfig")),
    "ListenersConfigDump": (("dynamicListeners", "activeState"), ("staticListeners", "listener")),
}
Mentions = Callable[[Json], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An object, and how the parts of Envoy's configuration that were made from it are recognised."""

    kind: str
    namespace: str
    name: str
    mentions: Mentions
    selects: Selects | None = None
    sections: tuple[str, ...] = ()
    """The sections that are compared as a whole, for an object whose name does not appear in them."""


def find(lookup: Lookup, *, kind: str, namespace: str, name: str) -> Wanted:
    """Return the object of a name. Raises NothingFound when there is none, or when no proxy would show it."""
    found = [each for each in lookup.all(kind, namespace or None) if name_of(each) == name]
    if not found:
        where = f" in namespace {namespace}" if namespace else ""
        raise NothingFound(f"{kind} {name}: no such resource{where}", hint=f"kubectl get {kind.lower()} -A")
    if len(found) > 1:
        spaces = ", ".join(map(namespace_of, found))
        raise AmbiguousName(f"{kind} {name}: in several namespaces", hint=f"say which with -n: {spaces}")
    home = namespace_of(found[0])
    if kind in SHAPES:
        chosen = selection(lookup, found[0], kind=kind)
        return Wanted(
            kind=kind,
            namespace=home,
            name=name,
            mentions=lambda part: True,
            selects=chosen,
            sections=SHAPES[kind],
        )
    return Wanted(kind=kind, namespace=home, name=name, mentions=_mentions(found[0], kind=kind, home=home, name=name))


def _mentions(resource: Json, *, kind: str, home: str, name: str) -> Mentions:
    if kind in _BY_PATH:
        dashed = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower()
        path = re.compile(rf'/namespaces/{re.escape(home)}/({dashed}|{kind.lower()})/{re.escape(name)}["~]')
        return lambda part: path.search(json.dumps(part)) is not None
    if kind == "AuthorizationPolicy":
        rule = f"ns[{home}]-policy[{name}]-"
        return lambda part: rule in json.dumps(part)
    hosts = [str(host) for host in listed(spec(resource).get("hosts"))]
    if kind == "Service":
        return lambda part: any((each.get("namespace"), each.get("name")) == (home, name) for each in _services(part))
    if kind == "ServiceEntry":
        return lambda part: any(each.get("namespace") == home and each.get("host") in hosts for each in _services(part))
    known = ", ".join((*_BY_PATH, "AuthorizationPolicy", "Service", "ServiceEntry", *SHAPES))
    raise UsageError(
        f"--config {kind}: proxies' configuration does not name such objects",
        hint=f"known are {known}; or compare all: proxy-status POD",
    )


def _services(part: Json) -> list[Json]:
    istio = ((part.get("metadata") or {}).get("filterMetadata") or {}).get("istio") or {}
    return [each for each in listed(istio.get("services")) if isinstance(each, dict)]


def diagnose(source: MeshSource, wanted: Wanted, *, namespace: str = "") -> tuple[HeldConfiguration, ...]:
    """Return a row for each proxy that the object concerns; proxies that did not answer have the reason in theirs."""
    found = (_of_proxy(source, proxy, wanted) for proxy in _concerned(source, wanted, namespace))
    return tuple(row for row in found if row is not None)


def _concerned(source: MeshSource, wanted: Wanted, namespace: str) -> Iterator[ProxyId]:
    for proxy in source.proxies():
        if namespace in ("", proxy.namespace) and (wanted.selects is None or wanted.selects(proxy)):
            yield proxy


def _of_proxy(source: MeshSource, proxy: ProxyId, wanted: Wanted) -> HeldConfiguration | None:
    try:
        sent = dict(_parts(sent_by_istiod(source, proxy), wanted))
        dump = ConfigDump.parse(source.envoy(proxy, "config_dump?include_eds=true"), subject=f"config dump of {proxy}")
        held = dict(_parts(dump, wanted))
    except MeshError as error:
        return HeldConfiguration(proxy=str(proxy), state=HeldState.UNKNOWN, parts=(), because=str(error))
    if not sent and not held:
        return None
    late = sorted(name for name in sent.keys() | held.keys() if sent.get(name) != held.get(name))
    if not late:
        parts = tuple(f"all {WORDS[each]}" for each in wanted.sections) or tuple(sorted(sent))
        return HeldConfiguration(proxy=str(proxy), state=HeldState.HELD, parts=parts)
    state = HeldState.OUTDATED if held.keys() & sent.keys() else HeldState.MISSING if sent else HeldState.STALE
    return HeldConfiguration(proxy=str(proxy), state=state, parts=tuple(late))


def _parts(dump: ConfigDump, wanted: Wanted) -> Iterator[tuple[str, Json]]:
    """Yield (name, document) of the clusters, virtual hosts and listeners that were made from the object."""
    for kind, lists in _LISTS.items():
        if wanted.sections and kind not in wanted.sections:
            continue
        for section in dump.sections(kind):
            for field, holder in lists[:1] if wanted.sections else lists:  # istiod sends what is dynamic
                for entry in listed(section.get(field)):
                    yield from _named(kind, entry.get(holder) or {}, wanted)


def _named(kind: str, part: Json, wanted: Wanted) -> Iterator[tuple[str, Json]]:
    if kind == "RoutesConfigDump":
        for host in listed(part.get("virtualHosts")):
            if wanted.mentions(host) or any(wanted.mentions(route) for route in listed(host.get("routes"))):
                yield f"virtual host {part.get('name', '')}/{host.get('name', '')}", host
        return
    message = part.get("listener", part) if kind == "ListenersConfigDump" else part
    if wanted.mentions(message):
        word = "listener" if kind == "ListenersConfigDump" else "cluster"
        yield f"{word} {message.get('name', '')}", message

"""Which listeners does a proxy hold, and where do their filter chains lead?

istioctl: pkg/writer/envoy/configdump/listener.go.
"""

from dataclasses import dataclass
from typing import Any

from kubectl_mesh.diagnosis.config_dump import ConfigDump, listed, untyped
from kubectl_mesh.diagnosis.routes import describe_match
from kubectl_mesh.diagnosis.unstable_sort import sort_unstable, sort_unstable_by
from kubectl_mesh.errors import NothingFound
from kubectl_mesh.reports import proxy_config as report
from kubectl_mesh.reports.tables import Table
from simulator.model.names import BLACK_HOLE
from simulator.model.wire import Json

HTTP_FILTER = "envoy.filters.network.http_connection_manager"
TCP_FILTER = "envoy.filters.network.tcp_proxy"
_KNOWN_PROTOCOLS = {
    ("http/1.0", "http/1.1", "h2c"): "App: HTTP",
    ("istio", "istio-http/1.0", "istio-http/1.1", "istio-h2"): "App: Istio HTTP Plain",
    ("http/1.0", "http/1.1", "h2c", "istio-http/1.0", "istio-http/1.1", "istio-h2"): "App: HTTP TLS",
    ("istio-peer-exchange", "istio"): "App: TCP TLS",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerFilter:
    """Address, port and type of the listeners to keep; empty keeps all."""

    address: str = ""
    port: int = 0
    type: str = ""

    def keeps(self, listener: Json) -> bool:
        """Tell whether the listener is wanted."""
        if self.address and self.address.casefold() not in (text.casefold() for text in addresses(listener)):
            return False
        if self.port and self.port != port(listener):
            return False
        return not self.type or self.type.casefold() == protocol(listener).casefold()


def table(
    dump: ConfigDump, wanted: ListenerFilter, *, verbose: bool = True, named: bool = False
) -> Table[report.ListenerRow]:
    """Return the table of listeners; `named` puts `listener/NAME` first, as `all` does."""
    rows: list[report.ListenerRow] = []
    for listener in sort_unstable_by(documents(dump, wanted), key=sort_key):
        base: dict[str, Any] = {
            "name": f"listener/{listener.get('name', '')}",
            "addresses": ",".join(addresses(listener)),
            "port": port(listener),
        }
        if not verbose:
            rows.append(report.ListenerRow(**base, type=protocol(listener)))
            continue
        chains = [
            report.ListenerRow(**base, match=describe_chain_match(chain), destination=destination(chain))
            for chain in filter_chains(listener)
        ]
        rows.extend(sort_unstable(chains, less=lambda one, other: one.destination > other.destination))
    return report.listeners(tuple(rows), named=named, verbose=verbose)


def documents(dump: ConfigDump, wanted: ListenerFilter) -> list[Json]:
    """Return the listeners that are wanted, in the order of the dump."""
    found = all_listeners(dump)
    if not found:
        raise NothingFound("no listeners found")
    return [listener for listener in found if wanted.keeps(listener)]


def all_listeners(dump: ConfigDump) -> list[Json]:
    """Return the active dynamic listeners, then the static ones."""
    section = dump.section("ListenersConfigDump", asked="listener dump")
    dynamic = [(entry.get("activeState") or {}).get("listener") for entry in listed(section.get("dynamicListeners"))]
    static = [entry.get("listener") for entry in listed(section.get("staticListeners"))]
    return [untyped(listener) for listener in dynamic + static if isinstance(listener, dict)]


def sort_key(listener: Json) -> tuple[int, str, str]:
    """Return the sort key of a listener: port, address, type."""
    return port(listener), addresses(listener)[0], protocol(listener)


def addresses(listener: Json) -> list[str]:
    """Return the main address (empty for an internal listener), then the additional ones."""
    main = listener.get("address") or {}
    first = _socket(main).get("address", "") if "socketAddress" in main else (main.get("pipe") or {}).get("path", "")
    more = [
        _socket(extra.get("address") or {}).get("address", "") for extra in listed(listener.get("additionalAddresses"))
    ]
    return [first, *more]


def port(listener: Json) -> int:
    """Return the port of the main address; 0 when it has none."""
    return int(_socket(listener.get("address") or {}).get("portValue") or 0)


def _socket(address: Json) -> Json:
    return address.get("socketAddress") or {}


def filter_chains(listener: Json) -> list[Json]:
    """Return the filter chains, the default one last."""
    default = listener.get("defaultFilterChain")
    return listed(listener.get("filterChains")) + ([default] if default is not None else [])


def protocol(listener: Json) -> str:
    """Classify a listener by its filters: HTTP, TCP, HTTP+TCP or UNKNOWN."""
    names = [
        filter_.get("name")
        for chain in filter_chains(listener)
        for filter_ in listed(chain.get("filters"))
        if filter_.get("name") == HTTP_FILTER or (filter_.get("name") == TCP_FILTER and not _drops(filter_))
    ]
    kinds = [kind for kind, name in (("HTTP", HTTP_FILTER), ("TCP", TCP_FILTER)) if name in names]
    return "+".join(kinds) or "UNKNOWN"


def _drops(tcp_filter: Json) -> bool:
    """Tell whether a TCP proxy names the black hole cluster anywhere, by which istioctl recognises it."""
    return _mentions(tcp_filter.get("typedConfig"), BLACK_HOLE)


def _mentions(value: Any, text: str) -> bool:
    if isinstance(value, str):
        return text in value
    if isinstance(value, dict):
        return any(text in key or _mentions(item, text) for key, item in value.items())
    return isinstance(value, list) and any(_mentions(item, text) for item in value)


def describe_chain_match(chain: Json) -> str:
    """Return what a filter chain matches, in words; source ranges and types are not shown."""
    match = chain.get("filterChainMatch") or {}
    parts = []
    if match.get("serverNames"):
        parts.append(f"SNI: {','.join(match['serverNames'])}")
    if match.get("transportProtocol"):
        parts.append(f"Trans: {match['transportProtocol']}")
    if protocols := tuple(listed(match.get("applicationProtocols"))):
        parts.append(_KNOWN_PROTOCOLS.get(protocols, f"App: {','.join(protocols)}"))
    port_text = f":{match['destinationPort']}" if match.get("destinationPort") is not None else ""
    if ranges := listed(match.get("prefixRanges")):
        texts = [f"{each.get('addressPrefix', '')}/{each.get('prefixLen') or 0}" for each in ranges]
        parts.append(f"Addr: {','.join(texts)}{port_text}")
    elif port_text:
        parts.append(f"Addr: *{port_text}")
    return "; ".join(parts) or "ALL"


def destination(chain: Json) -> str:
    """Return where a filter chain sends its connections, in words."""
    for filter_ in listed(chain.get("filters")):
        config = filter_.get("typedConfig") or {}
        if filter_.get("name") == HTTP_FILTER:
            return _http_destination(config)
        if filter_.get("name") == TCP_FILTER and not _drops(filter_):
            return _cluster(str(config.get("cluster") or ""))
    return "Non-HTTP/Non-TCP"


def _http_destination(manager: Json) -> str:
    if manager.get("routeConfig") is not None:
        return _inline_routes(manager["routeConfig"])
    name = (manager.get("rds") or {}).get("routeConfigName")
    return f"Route: {name}" if name else "HTTP"


def _cluster(name: str) -> str:
    return name if "Cluster" in name else f"Cluster: {name}"


def _inline_routes(configuration: Json) -> str:
    hosts = listed(configuration.get("virtualHosts"))
    if cluster := _only_cluster(hosts):
        return cluster
    texts = []
    for host in hosts:
        domains = listed(host.get("domains"))
        matches = ", ".join(describe_match(route.get("match") or {}) for route in listed(host.get("routes")))
        shown = "" if domains == ["*"] else "/".join(domains)
        texts.append(f"{shown} {matches}" if shown else matches)
    return f"Inline Route: {'; '.join(texts)}"


def _only_cluster(hosts: list[Json]) -> str:
    """Return the name of the cluster that everything goes to; empty where there are several."""
    if len(hosts) != 1 or hosts[0].get("domains") != ["*"] or len(listed(hosts[0].get("routes"))) != 1:
        return ""
    route = hosts[0]["routes"][0]
    cluster = (route.get("route") or {}).get("cluster")
    if (route.get("match") or {}).get("prefix") != "/" or cluster is None:
        return ""
    return _cluster(cluster)

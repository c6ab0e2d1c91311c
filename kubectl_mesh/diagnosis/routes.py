"""Which routes does a proxy hold?

istioctl: pkg/writer/envoy/configdump/route.go.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kubectl_mesh.diagnosis.config_dump import ConfigDump, described, listed, messages
from kubectl_mesh.diagnosis.unstable_sort import sort_unstable
from kubectl_mesh.errors import NothingFound
from kubectl_mesh.reports import proxy_config as report
from kubectl_mesh.reports.tables import Table
from simulator.model.names import PASSTHROUGH
from simulator.model.wire import Json

_LISTS = {"dynamicRouteConfigs": "routeConfig", "staticRouteConfigs": "routeConfig"}
_SHOWN_DOMAINS = 2
_INTEGER = re.compile(r"[+-]?[0-9]+")
_TOO_LARGE = 2**63
"""The smallest number that Go's strconv.Atoi rejects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFilter:
    """Name of the route configuration to keep; empty keeps all."""

    name: str = ""

    def keeps(self, configuration: Json) -> bool:
        """Tell whether the configuration is wanted."""
        return self.name in ("", configuration.get("name"))


def table(
    dump: ConfigDump, wanted: RouteFilter, *, verbose: bool = True, named: bool = False
) -> Table[report.RouteRow]:
    """Return the table of routes; `named` writes `route/NAME`, as `all` does."""
    rows: list[report.RouteRow] = []
    for configuration in documents(dump, wanted):
        name = f"route/{configuration.get('name', '')}" if named else str(configuration.get("name", ""))
        if verbose:
            rows.extend(_rows(name, configuration))
        else:
            count = len(listed(configuration.get("virtualHosts")))
            rows.append(report.RouteRow(name=name, virtual_hosts=count))
    return report.routes(tuple(rows), verbose=verbose)


def documents(dump: ConfigDump, wanted: RouteFilter) -> list[Json]:
    """Return the route configurations that are wanted, those with numeric names in numeric order."""
    found = messages(dump.section("RoutesConfigDump"), _LISTS)
    if not found:
        raise NothingFound("no routes found")
    return [configuration for configuration in sort_unstable(found, less=_less) if wanted.keeps(configuration)]


def _less(one: Json, other: Json) -> bool:
    first, second = str(one.get("name", "")), str(other.get("name", ""))
    if not _INTEGER.fullmatch(first) or not _INTEGER.fullmatch(second):
        return False
    one_number, other_number = int(first), int(second)
    return max(abs(one_number), abs(other_number)) < _TOO_LARGE and one_number < other_number


def _rows(name: str, configuration: Json) -> Iterator[report.RouteRow]:
    for host in listed(configuration.get("virtualHosts")):
        domains, host_name = summarise_domains(listed(host.get("domains"))), str(host.get("name", ""))
        routes = listed(host.get("routes"))
        if not routes:
            yield report.RouteRow(name=name, virtual_host=host_name, domains=domains, match="/*", virtual_service="404")
        for route in routes:
            if (route.get("route") or {}).get("cluster") != PASSTHROUGH:
                yield report.RouteRow(
                    name=name,
                    virtual_host=host_name,
                    domains=domains,
                    match=describe_match(route.get("match") or {}),
                    virtual_service=described(route.get("metadata")),
                )


def describe_match(match: Json) -> str:
    """Return what a route matches in the path; headers and query parameters are not shown."""
    parts = []
    if match.get("prefix"):
        parts.append(f"{match['prefix']}*")
    if match.get("pathSeparatedPrefix"):
        parts.append(f"PathPrefix:{match['pathSeparatedPrefix']}")
    if match.get("path"):
        parts.append(match["path"])
    if match.get("safeRegex") is not None:
        parts.append(f"regex {match['safeRegex'].get('regex', '')}")
    return " ".join(parts)


def summarise_domains(domains: list[str]) -> str:
    """Return the shortest forms of a virtual host's domains, two at most."""
    if len(domains) < 2:
        return "".join(domains)
    shown = _shortest([domain for domain in domains if _without_port(domain)])
    if len(shown) > _SHOWN_DOMAINS:
        return f"{', '.join(shown[:_SHOWN_DOMAINS])} + {len(shown) - _SHOWN_DOMAINS} more..."
    return ", ".join(shown)


def _without_port(domain: str) -> bool:
    colons = domain.count(":")
    return not colons or (colons > 2 and domain.endswith("]"))


def _shortest(domains: list[str]) -> list[str]:
    """Drop the expansions of a name that is listed in its short form too."""
    names = set(domains)
    longer = {
        domain
        for domain in domains
        for suffix in (".svc.cluster.local", ".svc")
        if domain.endswith(suffix) and domain.removesuffix(suffix) in names
    }
    return [domain for domain in domains if domain not in longer]

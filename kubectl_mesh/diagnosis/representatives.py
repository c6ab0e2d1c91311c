"""Requests that represent all that a workload can send to a host: some for each route and each rule.

Requests are endless, routes are few. The requests made here reach every route of the host and have every path and
method that authorization at the destination names. Each path is combined with each set of headers, since only requests
that two rules would both accept show that one takes precedence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kubectl_mesh.diagnosis.doors import Door, gateway_doors, named_door
from kubectl_mesh.sources.base import ResourceSource
from simulator.model.directory import Directory, Workload
from simulator.model.proxies import ProxyId, Role
from simulator.model.requests import Request, Tls
from simulator.model.wire import Json
from simulator.spaces.rules import filter_rules, rule_methods, rule_paths
from simulator.spaces.witnesses import Witness, crossed, domain_example, route_witnesses

INBOUND = "virtualInbound"
MOST = 60
"""Most requests for one host and port; only hosts with dozens of routes would have more."""


@dataclass(slots=True)
class Representatives:
    """Makes requests from the configuration of one mesh."""

    source: ResourceSource
    directory: Directory
    proxies: frozenset[ProxyId]
    _hosts: dict[int, Mapping[str, Json]] = field(default_factory=dict)
    _gateways: dict[ProxyId, Mapping[str, Door]] = field(default_factory=dict)

    def virtual_hosts(self, proxy: ProxyId) -> Mapping[str, Mapping[str, Json]]:
        """Return route configuration → name → virtual host, of one proxy."""
        found = {}
        for configuration in self._resources(proxy, "routes"):
            hosts = self._hosts.get(id(configuration))
            if hosts is None:
                hosts = {host["name"]: host for host in configuration.get("virtual_hosts", ())}
                self._hosts[id(configuration)] = hosts
            found[str(configuration["name"])] = hosts
        return found

    def door(self, proxy: ProxyId, configuration: str) -> Door:
        """Return how clients reach a route configuration of a proxy; the port is 0 where it is unknown."""
        if proxy not in self._gateways:
            workload = self.directory.workload(proxy.name, proxy.namespace)
            self._gateways[proxy] = (
                gateway_doors(self.directory, workload, self._resources(proxy, "listeners"))
                if workload is not None and workload.role is Role.GATEWAY
                else {}
            )
        return self._gateways[proxy].get(configuration) or named_door(configuration)

    def witnesses(self, sender: ProxyId, host: str, port: int) -> Iterator[Witness]:
        """Yield examples for the routes that a proxy has for a host, then for the rules at the destination."""
        for name, hosts in self.virtual_hosts(sender).items():
            for virtual_host in hosts.values() if self.door(sender, name).port == port else ():
                if any(domain_example(str(domain)) == host for domain in virtual_host.get("domains", ())):
                    for route in virtual_host.get("routes", ()):
                        yield from route_witnesses(route.get("match") or {}, host)
        for proxy in self._behind(host, port)[:1]:
            inbound = [one for one in self._resources(proxy, "listeners") if one["name"] == INBOUND]
            rules = [rule for listener in inbound for rule in filter_rules(listener)]
            paths = [path for rule in rules for path in rule_paths(rule)] or ["/"]
            for method in ["GET", *(method for rule in rules for method in rule_methods(rule))] if rules else []:
                yield from (Witness(authority=host, target=path, method=method) for path in paths)

    def _resources(self, proxy: ProxyId, kind: str) -> Sequence[Json]:
        return self.source.configuration(proxy).get(kind, ()) if proxy in self.proxies else ()

    def _behind(self, host: str, port: int) -> list[ProxyId]:
        """Return the proxies of the pods behind a service port."""
        record = self.directory.services.get(host)
        backends = record.backends.get(port, ()) if record is not None else ()
        workloads = (self.directory.workload_at(one.address) for one in backends)
        return [each.proxy for each in workloads if each is not None and each.proxy is not None]


def requests_of(witnesses: Iterable[Witness], host: str, door: Door) -> list[Request]:
    """Return requests for examples and for combinations of two; a plain request where there are no examples."""
    found = dict.fromkeys(crossed(witnesses)) or {Witness(authority=host): None}
    return [_request(witness, host, door) for witness in list(found)[:MOST]]


def one_each(workloads: Iterable[Workload]) -> list[Workload]:
    """Return the first pod of every owner: pods of one owner are treated alike."""
    first: dict[tuple[str, str], Workload] = {}
    for each in sorted(workloads, key=lambda each: (each.namespace, each.name)):
        first.setdefault((each.namespace, each.owner or each.name), each)
    return list(first.values())


def _request(witness: Witness, host: str, door: Door) -> Request:
    encrypted = door.tls is not Tls.NONE
    return Request(
        host=host,
        port=door.port,
        scheme="https" if encrypted else "http",
        authority=witness.authority if witness.authority != host else None,
        method=witness.method,
        target=witness.target,
        headers=witness.headers,
        tls=door.tls,
        sni=host if encrypted else "",
    )

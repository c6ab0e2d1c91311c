"""Requests that represent all that enter at a gateway: some for each of its routes, and for the rules behind these."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kubectl_mesh.diagnosis.representatives import Representatives, requests_of
from simulator.model.directory import Workload
from simulator.model.names import ClusterName
from simulator.model.proxies import ProxyId
from simulator.model.requests import Request
from simulator.model.wire import Json
from simulator.spaces.witnesses import Witness, domain_example


def entering(stand_ins: Representatives, gateway: Workload) -> Iterator[Request]:
    """Yield requests for the hosts of a gateway, by the ports and with the encryption that clients use."""
    proxy = ProxyId(gateway.name, gateway.namespace)
    for configuration, hosts in stand_ins.virtual_hosts(proxy).items():
        door = stand_ins.door(proxy, configuration)
        for virtual_host in hosts.values() if door.port else ():
            behind = list(_behind(stand_ins, proxy, virtual_host))
            for host in dict.fromkeys(domain_example(str(domain)) for domain in virtual_host.get("domains", ())):
                routed = list(stand_ins.witnesses(proxy, host, door.port))
                deeper = requests_of(_deeper(routed, behind), host, door) if behind else []
                yield from dict.fromkeys([*requests_of(routed, host, door), *deeper])


def _behind(stand_ins: Representatives, proxy: ProxyId, virtual_host: Json) -> Iterator[Witness]:
    """Yield examples for the authorization rules at the destinations of a virtual host's routes."""
    clusters: dict[str, None] = {}
    for route in virtual_host.get("routes", ()):
        action = route.get("route") or {}
        weighted = (action.get("weighted_clusters") or {}).get("clusters") or ()
        clusters |= dict.fromkeys([str(action.get("cluster", "")), *(str(each.get("name", "")) for each in weighted)])
    for cluster in map(ClusterName.parse, clusters):
        if cluster is not None:
            yield from stand_ins.witnesses(proxy, cluster.host, cluster.port)


def _deeper(routed: Iterable[Witness], behind: Iterable[Witness]) -> Iterator[Witness]:
    """Yield requests of each route with the paths and methods of the rules, below its own path where it rewrites."""
    rules = list(behind)
    for route in routed:
        for rule in rules:
            below = route.target.partition("?")[0].rstrip("/") + rule.target
            yield from (replace(route, target=target, method=rule.method) for target in (below, rule.target))

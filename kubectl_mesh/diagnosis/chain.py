"""Which command follows a table of a proxy's configuration, and what Istio's own names in it mean.

A request goes from a listener, by its route configuration, to a cluster and one of its endpoints; each table names what
leads to the next.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.reports.proxy_config import ClusterRow, EndpointRow, ListenerRow
from simulator.model.names import ClusterName
from simulator.model.own_ports import OWN_PORTS
from simulator.model.wire import Json

FEW = 12
"""Tables of up to so many rows count as a selection by the user: each row is followed."""
_STEPS = 3
CLUSTERS = {
    "BlackHoleCluster": "has no endpoint: what is sent there is dropped. Outbound, that is REGISTRY_ONLY",
    "PassthroughCluster": "forwards to the address that the client dialled: no service of the mesh was recognised",
    "InboundPassthroughCluster": "forwards to a port of the pod that no service names",
    "agent": "the istio-agent in the same container (15020)",
    "prometheus_stats": "Envoy's own admin interface (15000), which answers requests to 15090",
    "sds-grpc": "the agent, which hands Envoy its certificates",
    "xds-grpc": "the agent, which carries Envoy's connection to istiod",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A command to run next: its words before and after the proxy's name."""

    before: tuple[str, ...]
    behind: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The meanings of names in a table, and the commands to run next."""

    meanings: tuple[str, ...]
    steps: tuple[Step, ...]


def after_listeners(rows: Sequence[ListenerRow]) -> Explanation:
    """Follow listeners to their route configurations and clusters."""
    named = [row.destination.removeprefix("Cluster: ") for row in rows]
    local = [row.port for row in rows if row.port in OWN_PORTS and row.addresses in _OWN]
    return Explanation(
        meanings=tuple(_meanings(local, named)),
        steps=_few(rows, (step for row in rows if (step := _of_destination(row.destination)))),
    )


_OWN = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})


def _of_destination(text: str) -> Step | None:
    kind, _, name = text.partition(": ")
    match kind:
        case "Route":
            return Step(("proxy-config", "route"), ("--name", name))
        case "Cluster":
            return _of_cluster(name)
    return None


def _of_cluster(name: str) -> Step | None:
    found = ClusterName.parse(name)
    if found is None or not found.host:
        return None
    subset = ("--subset", found.subset) if found.subset else ()
    words = ("--fqdn", found.host, "--port", str(found.port), *subset, "--direction", found.direction)
    return Step(("proxy-config", "cluster"), words)


def after_routes(configurations: Sequence[Json]) -> Explanation:
    """Follow one route configuration to the clusters of its domains, or several to the first one."""
    names = [name for configuration in configurations for name in clusters_of(configuration)]
    if len(configurations) == 1:
        steps = _first(step for name in names if (step := _of_cluster(name)))
    else:
        routed = (str(each.get("name", "")) for each in configurations if any(map(_of_cluster, clusters_of(each))))
        steps = tuple(Step(("proxy-config", "route"), ("--name", name)) for name in list(routed)[:1])
    return Explanation(meanings=tuple(_meanings((), names)), steps=steps)


def clusters_of(configuration: Json) -> Iterator[str]:
    """Yield the names of the clusters that routes lead to."""
    for host in listed(configuration.get("virtualHosts")):
        for route in listed(host.get("routes")):
            action = route.get("route") or {}
            weighted = listed((action.get("weightedClusters") or {}).get("clusters"))
            yield from (str(each["cluster"]) for each in (action, *weighted) if each.get("cluster"))


def after_clusters(rows: Sequence[ClusterRow]) -> Explanation:
    """Follow clusters to their endpoints."""
    outbound = (row for row in rows if row.direction == "outbound" and row.type != "ORIGINAL_DST")
    names = (f"outbound|{row.port}|{'' if row.subset == '-' else row.subset}|{row.host}" for row in outbound)
    steps = (Step(("proxy-config", "endpoint"), ("--cluster", name)) for name in names)
    return Explanation(meanings=tuple(_meanings((), (row.host for row in rows))), steps=_few(rows, steps))


def after_endpoints(rows: Sequence[EndpointRow]) -> Explanation:
    """Follow endpoints to the trace of a request that ends at one of them."""
    found = [name for row in rows if (name := ClusterName.parse(row.cluster)) and name.direction == "outbound"]
    steps = (Step(("trace",), (f"http://{name.host}:{name.port}/",)) for name in found)
    ports = [port for row in rows if (port := _local_port(row.address))]
    return Explanation(meanings=tuple(_meanings(ports, (row.cluster for row in rows))), steps=_few(rows, steps))


def _local_port(address: str) -> int:
    host, _, port = address.rpartition(":")
    return int(port) if host == "127.0.0.1" and port.isdigit() and int(port) in OWN_PORTS else 0


def _meanings(ports: Iterable[int], clusters: Iterable[str]) -> Iterator[str]:
    yield from (f"{port}: {OWN_PORTS[port]}" for port in sorted(set(ports)))
    yield from (f"{name}: {CLUSTERS[name]}" for name in dict.fromkeys(clusters) if name in CLUSTERS)


def _few(rows: Sequence[object], steps: Iterator[Step]) -> tuple[Step, ...]:
    return _first(steps, most=_STEPS if len(rows) <= FEW else 1)


def _first(steps: Iterable[Step], *, most: int = _STEPS) -> tuple[Step, ...]:
    return tuple(dict.fromkeys(steps))[:most]


Follow = Callable[[], Explanation]

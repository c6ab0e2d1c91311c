"""Law: a cluster that a route or a TCP proxy names is one that the proxy has.

With the exception that istiod makes: on port 80 it keeps the rules of hosts that have no such port.
"""

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings

from tests.property.meshes import documents, mesh_of


def named(node: Any) -> Iterator[tuple[str, int]]:
    """Yield the clusters that routes and TCP proxies name, and the sum of the weights they stand among."""
    if isinstance(node, dict):
        weighted = node.get("weighted_clusters")
        if isinstance(weighted, dict):
            total = sum(one.get("weight", 0) for one in weighted["clusters"])
            yield from ((one["name"], total) for one in weighted["clusters"])
        if isinstance(node.get("cluster"), str):
            yield node["cluster"], 100
        for value in node.values():
            yield from named(value)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from named(item)


def without_port_80(found: list[dict[str, Any]]) -> set[str]:
    """Return the clusters of port 80 that rules may name although their service has no such port."""
    services = [each for each in found if each["kind"] == "Service" and each["spec"]["ports"][0]["port"] != 80]
    hosts = [f"{each['metadata']['name']}.{each['metadata']['namespace']}.svc.cluster.local" for each in services]
    return {f"outbound|80|{subset}|{host}" for host in hosts for subset in ("", "v1", "v2")}


@settings(max_examples=settings().max_examples // 5)
@given(documents())
def test_every_routed_cluster_exists(found: list[dict[str, Any]]) -> None:
    """Of a mesh whose rules name only what exists, no proxy routes to a cluster that it lacks; weights are positive."""
    mesh = mesh_of(found)
    for proxy in mesh.proxies():
        made = mesh.configuration(proxy)
        clusters = {cluster["name"] for cluster in made["clusters"]}
        for cluster, total in named([*made["routes"], *made["listeners"]]):
            assert cluster in clusters or cluster in without_port_80(found)
            assert total > 0

"""Nodes, and which pod runs on which.

Manifests rarely have Nodes; without any, three are made up in one region and zone, so that locality decides nothing
that the user did not write down.
"""

from collections.abc import Mapping, Sequence

from simulator.manifests.identity import NODE_NETWORKS, AddressPool, number, uid
from simulator.model.resources import Origin, Resource
from simulator.model.wire import Json

SYNTHETIC = Origin(source="made up by the simulator")
KUBELET_VERSION = "v1.34.0"
REGION, ZONE = "region-1", "zone-1"
_NODES = ("node-1", "node-2", "node-3")


def synthetic_nodes() -> tuple[Resource, ...]:
    """Return the nodes of a cluster whose manifests name none."""
    pools = [AddressPool(network) for network in NODE_NETWORKS]
    return tuple(_node(name, addresses=[pool.take("Node", name) for pool in pools]) for name in _NODES)


def _node(name: str, *, addresses: Sequence[str]) -> Resource:
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": REGION,
        "topology.kubernetes.io/zone": ZONE,
    }
    status: Json = {
        "addresses": [
            *({"type": "InternalIP", "address": address} for address in addresses),
            {"type": "Hostname", "address": name},
        ],
        "conditions": [{"type": "Ready", "status": "True"}],
        "nodeInfo": {"kubeletVersion": KUBELET_VERSION, "operatingSystem": "linux", "architecture": "amd64"},
    }
    metadata: Json = {"name": name, "labels": labels, "uid": uid("Node", name)}
    document: Json = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}, "status": status}
    return Resource(kind="Node", api_version="v1", namespace="", name=name, document=document, origin=SYNTHETIC)


def node_addresses(node: Resource) -> tuple[str, ...]:
    """Return the internal addresses of a node."""
    entries = node.status.get("addresses") or ()
    return tuple(entry.get("address", "") for entry in entries if entry.get("type") == "InternalIP")


class Placement:
    """Puts pods on nodes by rendezvous hashing: adding a node moves only the pods that it gets."""

    def __init__(self, nodes: Sequence[Resource]) -> None:
        self.nodes = tuple(sorted(nodes, key=lambda node: node.name))
        self._by_name = {node.name: node for node in self.nodes}

    def eligible(self, selector: Mapping[str, str]) -> tuple[Resource, ...]:
        """Return the nodes that a `nodeSelector` admits; every node where it admits none."""
        fitting = tuple(
            node for node in self.nodes if all(node.labels.get(key) == value for key, value in selector.items())
        )
        return fitting or self.nodes

    def node_for(self, *identity: object, spec: Json) -> Resource | None:
        """Return the node of a pod: the one its spec names, else one chosen by its identity."""
        if spec.get("nodeName"):
            return self._by_name.get(spec["nodeName"])
        nodes = self.eligible(spec.get("nodeSelector") or {})
        return max(nodes, key=lambda node: number("node", node.name, *identity), default=None)

"""Manifests → the state of a cluster: reading with file:line, server-side defaults, pods, addresses, injection."""

from simulator.manifests.reading import parse_manifests, read_manifests
from simulator.manifests.state import ClusterState, cluster_state

__all__ = ["ClusterState", "cluster_state", "parse_manifests", "read_manifests"]

"""Manifests → the state of a cluster: reading with file:line, server-side defaults, pods, addresses, injection.

The modules that build the state are imported on first use, so that code that only reads manifests does not load them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.manifests.reading import parse_manifests, read_manifests
    from simulator.manifests.state import ClusterState, cluster_state

__all__ = ["ClusterState", "cluster_state", "parse_manifests", "read_manifests"]
_HOMES = {"ClusterState": "state", "cluster_state": "state", "parse_manifests": "reading", "read_manifests": "reading"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

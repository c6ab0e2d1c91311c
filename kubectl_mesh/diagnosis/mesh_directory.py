"""Hosts, addresses and pods of a mesh, whatever its source: known by it, or worked out from its resources."""

from kubectl_mesh.sources.base import LocatedSource, MeshSource
from simulator.model.directory import Directory


def directory_of(source: MeshSource) -> Directory:
    """Return the directory of a mesh; kinds that the source may not see are left out, but pods and services."""
    if isinstance(source, LocatedSource):
        return source.directory()
    from kubectl_mesh.sources.expectation import Expectation

    return Expectation(source=source).directory()

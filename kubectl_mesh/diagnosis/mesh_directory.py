"""Hosts, addresses and pods of a mesh: the source's own directory, or one derived from its resources."""

from kubectl_mesh.sources.base import LocatedSource, MeshSource
from simulator.model.directory import Directory


def directory_of(source: MeshSource) -> Directory:
    """Return the directory of a mesh; kinds that may not be listed are left out, except pods and services."""
    if isinstance(source, LocatedSource):
        return source.directory()
    from kubectl_mesh.sources.expectation import Expectation

    return Expectation(source=source).directory()

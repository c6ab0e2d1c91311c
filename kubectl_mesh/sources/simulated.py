"""The mesh that manifests describe, behind the protocol. The only module that imports the generator."""

from collections.abc import Sequence

from kubectl_mesh.sources.base import MeshSource


def open_manifests(paths: Sequence[str], *, control_plane: bool = True) -> MeshSource:
    """Simulate the mesh of these manifests."""
    from kubectl_mesh.errors import NotAvailable

    raise NotAvailable("simulated meshes are not available yet")


def open_demo() -> MeshSource:
    """Simulate the bundled example mesh."""
    return open_manifests(())

"""A mesh in a cluster: its API server for objects, port-forwards through it for Envoy and istiod.

The only package that imports `kubernetes`, and only once a cluster is asked.
"""

from typing import TYPE_CHECKING

from kubectl_mesh.sources.base import Connection

if TYPE_CHECKING:
    from kubectl_mesh.sources.live.mesh import LiveMesh


def connect(connection: Connection) -> "LiveMesh":
    """Return the mesh of the cluster that kubectl would talk to. Raises SourceError, InputError or UsageError."""
    from kubectl_mesh.sources.live.api import ApiServer
    from kubectl_mesh.sources.live.credentials import configure
    from kubectl_mesh.sources.live.mesh import LiveMesh

    access = configure(connection)
    return LiveMesh(ApiServer(access), connection, namespace=access.namespace)

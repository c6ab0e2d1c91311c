"""Law: a mesh does not differ from itself, nor does an unrelated namespace change it."""

from typing import Any

from hypothesis import given, settings

from kubectl_mesh.plan.changes import compare
from kubectl_mesh.sources.simulated import SimulatedMesh
from tests.property.meshes import documents, mesh_of


def source(found: list[dict[str, Any]]) -> SimulatedMesh:
    """Return the mesh of some documents as a source."""
    return SimulatedMesh(mesh_of(found))


@settings(max_examples=settings().max_examples // 10)
@given(documents())
def test_a_mesh_equals_itself(found: list[dict[str, Any]]) -> None:
    """Two readings of the same manifests differ in no resource, no proxy and no request."""
    changes = compare(source(found), source(list(found)))
    assert changes.empty


@settings(max_examples=settings().max_examples // 10)
@given(documents())
def test_an_empty_namespace_changes_nothing(found: list[dict[str, Any]]) -> None:
    """A namespace without workloads or configuration changes no resource, no proxy and no request."""
    added = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "attic"}}
    changes = compare(source(found), source([*found, added]))
    assert changes.empty

"""Meshes for laws that hold of the whole tool: documents drawn from the generator of small meshes."""

import json
from collections.abc import Sequence
from typing import Any

import yaml
from hypothesis import strategies as st

from simulator.manifests import parse_manifests
from simulator.mesh import Mesh
from simulator.testing.generated import manifests
from simulator.testing.strategies import mesh_plans


def documents(*, services: int = 3) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw the manifests of a small mesh."""
    return mesh_plans(services=services).map(lambda plan: list(yaml.load_all(manifests(plan), yaml.CSafeLoader)))


def text_of(found: Sequence[dict[str, Any]]) -> str:
    """Return documents as a YAML stream, which JSON is."""
    return "".join(f"---\n{json.dumps(each)}\n" for each in found)


def mesh_of(found: Sequence[dict[str, Any]]) -> Mesh:
    """Simulate the mesh of some documents."""
    return Mesh.from_resources(parse_manifests(text_of(found)))

"""Analyzers that run in a second process."""

import os
from collections.abc import Iterator

import pytest

from kubectl_mesh.analysis import side_by_side
from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.registry import analyzers
from kubectl_mesh.analysis.runner import analyze
from kubectl_mesh.analysis.world import World
from tests.unit.analysis import world

MESH = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{rout: [], route: [{destination: {host: web}, weight: -1}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {action: MAYBE}
"""


@pytest.fixture
def in_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every mesh for a large one, and a fork for safe."""
    monkeypatch.setattr(side_by_side, "_MANY", 1)
    monkeypatch.setattr(side_by_side, "can_fork", lambda: hasattr(os, "fork"))


def test_two_processes_find_what_one_finds(monkeypatch: pytest.MonkeyPatch, in_two: None) -> None:
    """The findings are the same, about the very same resources."""
    mesh, known = world(MESH), tuple(analyzers().values())
    two = analyze(mesh, known)
    monkeypatch.setattr(side_by_side, "can_fork", lambda: False)
    assert two == analyze(mesh, known)
    assert {"IST0106", "KM0101", "KM0102"} & {each.code for each in two.findings}
    assert all(each.resource is None or any(each.resource is one for one in mesh.resources) for each in two.findings)


def test_a_finding_that_cannot_be_sent_is_found_again_here(in_two: None) -> None:
    """Nothing is lost when the second process fails: what it was given runs in this one."""
    mesh, other = world(MESH), world(MESH)

    def run(_: World) -> Iterator[Finding]:
        yield Finding(code="IST0106", resource=other.resources[0], arguments=("from elsewhere",))

    check = Check(name="schema.Elsewhere", description="", inputs=(), run=run)
    (found,) = analyze(mesh, (check,)).findings
    assert found.resource is other.resources[0]

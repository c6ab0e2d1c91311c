"""Which proxies hold what an object was made into."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from kubectl_mesh.diagnosis.held_configuration import diagnose, find
from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.errors import NothingFound, UsageError
from kubectl_mesh.reports.proxy_status import HeldState
from kubectl_mesh.sources.simulated import SimulatedMesh
from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from simulator.model.proxies import ProxyId
from tests.contract.conftest import SHOP

ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web}}], timeout: 5s}]}
"""


@dataclass
class Drifted:
    """A mesh of which some proxies hold something else than they were sent."""

    mesh: SimulatedMesh
    instead: dict[str, tuple[str, str]] = field(default_factory=dict)

    def resources(self, kind: str, namespace: str | None = None) -> Sequence[Any]:
        """Return what the mesh has."""
        return self.mesh.resources(kind, namespace)

    def proxies(self) -> Sequence[ProxyId]:
        """Return those of the mesh."""
        return self.mesh.proxies()

    def envoy(self, proxy: ProxyId, path: str) -> bytes:
        """Return the dump of the mesh, with a text replaced."""
        data = self.mesh.envoy(proxy, path).decode()
        return data.replace(*self.instead.get(proxy.namespace, ("\0", ""))).encode()

    def istiod(self, path: str) -> Mapping[str, bytes]:
        """Return what the mesh's istiod sends."""
        return self.mesh.istiod(path)


@pytest.fixture
def source() -> Drifted:
    """Return a mesh with one route."""
    return Drifted(SimulatedMesh(Mesh.from_resources(parse_manifests(f"{SHOP}---{ROUTE}"))))


def states(source: Drifted) -> set[HeldState]:
    """Return the states of the proxies that the route concerns."""
    wanted = find(Lookup(source=source), kind="VirtualService", namespace="", name="web")
    return {row.state for row in diagnose(source, wanted)}


def test_all_hold_it(source: Drifted) -> None:
    """In a mesh in sync every proxy that is concerned holds the object, and no other is listed."""
    wanted = find(Lookup(source=source), kind="VirtualService", namespace="", name="web")
    rows = diagnose(source, wanted)
    assert {row.proxy.split("-")[0] for row in rows} == {"web"}
    assert all(row.parts == ("virtual host 80/web.shop.svc.cluster.local:80",) for row in rows)


def test_an_older_version_is_outdated(source: Drifted) -> None:
    """A proxy that still has the route as it was is not counted among those that hold it."""
    source.instead["shop"] = ('"5s"', '"3s"')
    assert states(source) == {HeldState.OUTDATED}


def test_none_of_it_is_missing(source: Drifted) -> None:
    """A proxy without the virtual host is to get it yet."""
    source.instead["shop"] = ("virtual-service/web", "virtual-service/other")
    assert states(source) == {HeldState.MISSING}


def test_a_proxy_that_does_not_answer(source: Drifted) -> None:
    """A dump that cannot be read is a row with the reason."""
    source.instead["shop"] = ("{", "[")
    assert states(source) == {HeldState.UNKNOWN}


def test_what_cannot_be_told(source: Drifted) -> None:
    """An unknown object, and a kind whose objects proxies' configuration does not name, are refused."""
    with pytest.raises(NothingFound, match="no such resource"):
        find(Lookup(source=source), kind="VirtualService", namespace="shop", name="gone")
    mesh = parse_manifests(
        json.dumps(
            {
                "apiVersion": "networking.istio.io/v1",
                "kind": "WorkloadEntry",
                "metadata": {"name": "x", "namespace": "shop"},
            }
        )
    )
    with pytest.raises(UsageError, match="does not name such objects"):
        find(Lookup(source=SimulatedMesh(Mesh.from_resources(mesh))), kind="WorkloadEntry", namespace="", name="x")


ELSEWHERE = """
apiVersion: v1
kind: Namespace
metadata: {name: other, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: other}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "web:1"}]}
"""


@pytest.mark.parametrize(
    ("document", "homes"),
    [
        ("security.istio.io/v1 PeerAuthentication shop {}", {"shop"}),
        ("security.istio.io/v1 PeerAuthentication istio-system {}", {"shop", "other"}),
        ("security.istio.io/v1 PeerAuthentication shop {selector: {matchLabels: {app: nothing}}}", set()),
        ("networking.istio.io/v1 Sidecar shop {workloadSelector: {labels: {app: web}}}", {"shop"}),
        (
            "networking.istio.io/v1alpha3 EnvoyFilter istio-system {workloadSelector: {labels: {app: web}}}",
            {"shop", "other"},
        ),
        ("networking.istio.io/v1 Gateway shop {selector: {app: web}}", {"shop", "other"}),
    ],
)
def test_what_leaves_no_name_concerns_those_it_selects(document: str, homes: set[str]) -> None:
    """For objects that dumps do not name, the sections of the proxies that they select are compared as a whole."""
    version, kind, namespace, body = document.split(" ", 3)
    text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x, namespace: {namespace}}}\nspec: {body}\n"
    mesh = Drifted(SimulatedMesh(Mesh.from_resources(parse_manifests(f"{SHOP}---{ELSEWHERE}---\n{text}"))))
    wanted = find(Lookup(source=mesh), kind=kind, namespace="", name="x")
    rows = diagnose(mesh, wanted)
    assert {row.proxy.rpartition(".")[2] for row in rows} == homes
    assert all(row.state is HeldState.HELD and "all listeners" in row.parts for row in rows)

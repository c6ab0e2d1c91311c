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
    """An object that is not there, and a kind that leaves no name, are refused."""
    with pytest.raises(NothingFound, match="no such resource"):
        find(Lookup(source=source), kind="VirtualService", namespace="shop", name="gone")
    mesh = parse_manifests(
        json.dumps(
            {
                "apiVersion": "security.istio.io/v1",
                "kind": "PeerAuthentication",
                "metadata": {"name": "x", "namespace": "shop"},
            }
        )
    )
    with pytest.raises(UsageError, match="leaves no name"):
        find(Lookup(source=SimulatedMesh(Mesh.from_resources(mesh))), kind="PeerAuthentication", namespace="", name="x")

"""The encryption of clients and servers in an ambient mesh."""

import pytest

from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.diagnosis.mesh_directory import directory_of
from kubectl_mesh.diagnosis.mutual_tls import diagnose
from kubectl_mesh.errors import NothingFound
from kubectl_mesh.sources.simulated import SimulatedMesh
from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from tests.unit.diagnosis.ambient import AMBIENT, WAYPOINT

STRICT = """
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: v1
kind: Pod
metadata: {name: old, namespace: default}
spec: {containers: [{name: app, image: "old:1"}]}
"""


def test_a_tunnel_is_accepted_where_plain_text_is_not() -> None:
    """Pods behind ztunnels use mutual TLS whatever the rule says; a pod outside is refused by a strict server."""
    source = SimulatedMesh(Mesh.from_resources(parse_manifests(AMBIENT + STRICT)))
    lookup, directory = Lookup(source=source), directory_of(source)
    inside, outside = (
        diagnose(lookup, directory, from_=name, to="web.shop")[0] for name in ("shop/deploy/web", "default/old")
    )
    assert (inside.sends, inside.accepts, inside.works) == ("mutual TLS", "STRICT", True)
    assert (outside.sends, outside.accepts, outside.works) == ("plain text", "STRICT", False)
    assert outside.decided_by == "PeerAuthentication/default.shop"


def test_the_matrix_is_of_applications() -> None:
    """Senders are applications, not the control plane; a waypoint's own ports are not destinations."""
    source = SimulatedMesh(Mesh.from_resources(parse_manifests(f"{AMBIENT}---\n{WAYPOINT}{STRICT}")))
    found = diagnose(Lookup(source=source), directory_of(source))
    assert {row.from_ for row in found} == {"api.shop", "web.shop", "old.default"}
    assert "way.shop.svc.cluster.local" not in {row.to for row in found}
    assert {row.from_ for row in found if not row.works} == {"old.default"}


def test_a_port_that_a_service_lacks() -> None:
    """A port that no service has is not said to fit."""
    source = SimulatedMesh(Mesh.from_resources(parse_manifests(AMBIENT)))
    with pytest.raises(NothingFound, match="has no port 99"):
        diagnose(Lookup(source=source), directory_of(source), to="shop/web:99")

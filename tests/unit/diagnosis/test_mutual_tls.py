"""What clients send and servers accept in an ambient mesh."""

from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.diagnosis.mesh_directory import directory_of
from kubectl_mesh.diagnosis.mutual_tls import diagnose
from kubectl_mesh.sources.simulated import SimulatedMesh
from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from tests.unit.diagnosis.ambient import AMBIENT

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
    """Pods behind ztunnels talk mutual TLS whatever is asked for; a pod outside is refused by a strict server."""
    source = SimulatedMesh(Mesh.from_resources(parse_manifests(AMBIENT + STRICT)))
    lookup, directory = Lookup(source=source), directory_of(source)
    inside, outside = (
        diagnose(lookup, directory, from_=name, to="web.shop")[0] for name in ("shop/deploy/web", "default/old")
    )
    assert (inside.sends, inside.accepts, inside.works) == ("mutual TLS", "STRICT", True)
    assert (outside.sends, outside.accepts, outside.works) == ("plain text", "STRICT", False)
    assert outside.decided_by == "PeerAuthentication/default.shop"

"""Connections that a PeerAuthentication makes a proxy refuse name it."""

import pytest

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.sources.simulated import SimulatedMesh
from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from simulator.model.requests import Request, Wire

MESH = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: main, image: main}]}
---
apiVersion: v1
kind: Pod
metadata: {name: old, namespace: default}
spec: {containers: [{name: main, image: main}]}
"""
POLICY = """\
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: {name}, namespace: {namespace}}}
spec: {spec}
"""
STRICT, OPEN = "{mtls: {mode: STRICT}}", "{mtls: {mode: PERMISSIVE}}"
WEB = "selector: {matchLabels: {app: web}}"


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([("mesh", "istio-system", STRICT)], "PeerAuthentication/istio-system/mesh spec.mtls.mode"),
        (
            [("mesh", "istio-system", STRICT), ("home", "shop", "{mtls: {}}")],
            "PeerAuthentication/istio-system/mesh spec.mtls.mode",
        ),
        (
            [("mesh", "istio-system", OPEN), ("home", "shop", STRICT), ("other", "default", OPEN)],
            "PeerAuthentication/shop/home spec.mtls.mode",
        ),
        (
            [("home", "shop", OPEN), ("web", "shop", f"{{{WEB}, portLevelMtls: {{8080: {{mode: STRICT}}}}}}")],
            "PeerAuthentication/shop/web spec.portLevelMtls.8080.mode",
        ),
        (
            [("home", "shop", STRICT), ("web", "shop", f"{{{WEB}, portLevelMtls: {{9090: {{mode: DISABLE}}}}}}")],
            "PeerAuthentication/shop/home spec.mtls.mode",
        ),
    ],
    ids=["mesh", "namespace inherits", "namespace", "port of a workload", "another port of a workload"],
)
def test_the_policy_that_decides_is_named(policies: list[tuple[str, str, str]], expected: str) -> None:
    """Of the policies for the workload, its namespace and the mesh, the field that sets the port's mode is named."""
    text = "".join(POLICY.format(name=name, namespace=home, spec=spec) for name, home, spec in policies)
    predictor = Predictor(SimulatedMesh(Mesh.from_resources(parse_manifests(MESH + text, source="mesh.yaml"))))
    request = Request(host="web.shop.svc.cluster.local", port=80, wire=Wire.HTTP1)
    trace = predictor.trace(request, predictor.sender("default/old"))
    source = predictor.origin(trace.hops[-1].steps[-1])
    assert trace.disposition.value == "tls-mismatch"
    assert trace.hops[-1].steps[-1].because.endswith("(mode STRICT)")
    assert source is not None
    assert (f"{source.resource} {source.field}", source.position[:10]) == (expected, "mesh.yaml:")

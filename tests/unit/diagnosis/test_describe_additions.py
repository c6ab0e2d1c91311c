"""Additions of `describe` to istioctl's: the ambient mesh and routes of the Gateway API."""

import pytest

from kubectl_mesh.diagnosis.authorization_rules import subject, table
from kubectl_mesh.diagnosis.describe import of_pod, of_service
from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.render.describe import render
from kubectl_mesh.sources.simulated import SimulatedMesh
from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from tests.contract.conftest import SHOP
from tests.unit.diagnosis.ambient import AMBIENT
from tests.unit.diagnosis.ambient import WAYPOINT as PROTECTED

WAYPOINT = """
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
"""
ENROLLED = AMBIENT.replace("dataplane-mode: ambient}", "dataplane-mode: ambient, istio.io/use-waypoint: waypoint}")
ROUTE = """
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{kind: Service, group: "", name: web}]
  rules:
  - matches:
    - {path: {type: PathPrefix, value: /a}, headers: [{name: x, value: "1"}], queryParams: [{name: q, value: "2"}]}
    - {method: GET, path: {type: Exact, value: /b}}
    backendRefs: [{name: web, port: 80, weight: 3}, {name: gone, port: 80, weight: 1}]
  - filters: [{type: RequestRedirect, requestRedirect: {hostname: elsewhere.example}}]
"""


def lookup(text: str) -> Lookup:
    """Return the resources of a mesh."""
    return Lookup(source=SimulatedMesh(Mesh.from_resources(parse_manifests(text))), home="shop")


def test_a_pod_of_the_ambient_mesh() -> None:
    """The ztunnel of its node carries its traffic; without a label no waypoint does."""
    report = of_pod(lookup(AMBIENT), "web")
    (line,) = report.ambient
    assert line.startswith("Ambient: traffic goes through ztunnel-")
    assert [service.name for service in report.services] == ["web"]
    assert "not part of mesh" not in render(report)


def test_a_waypoint_takes_what_it_is_for() -> None:
    """A waypoint without a label takes traffic to services, and not that to pods; both are said with the reason."""
    report = of_pod(lookup(ENROLLED + WAYPOINT), "web")
    assert report.ambient[1:] == (
        "Waypoint: waypoint.shop takes service traffic only, not that addressed to the pod (label of namespace shop)",
        "Waypoint: waypoint.shop for service web (label of namespace shop)",
    )


@pytest.mark.parametrize(("pod", "policies"), [("web", {"allow"}), ("api", {"reads"}), ("way", {"reads"})])
def test_policies_with_targets_hold_for_what_they_name(pod: str, policies: set[str]) -> None:
    """A policy for a service applies to its pods and to the waypoint that enforces it, and to no others."""
    known = lookup(f"{AMBIENT}---\n{PROTECTED}")
    assert {rule.policy for rule in of_pod(known, pod).rules} == policies
    rows = table(known, subject(known, pod)).rows
    assert {row.policy.partition("[")[0] for row in rows} == policies


def test_a_waypoint_that_is_not_there() -> None:
    """A label that names no waypoint is a warning."""
    report = of_service(lookup(ENROLLED), "web")
    assert "WARNING: service web is to use waypoint waypoint.shop, which does not exist" in report.ambient[-1]


def test_routes_of_the_gateway_api() -> None:
    """A route is described by its parents, its matches and its destinations, with their shares."""
    report = of_service(lookup(SHOP + ROUTE), "web")
    (route,) = report.gateway_routes
    assert (route.kind, route.name) == ("HTTPRoute", "web")
    assert route.facts == (
        "Parents: Service web.shop",
        "/a* header x=1 query parameter q=2 or GET /b to web:80 75%, gone:80 25%",
        "/* to no backend with RequestRedirect",
    )
    assert "HTTPRoute: web\n   Parents: Service web.shop\n" in render(report)


def test_routes_to_others_are_left_out() -> None:
    """A route that concerns another service is left out."""
    elsewhere = ROUTE.replace("name: web}]\n  rules", "name: kubernetes, namespace: default}]\n  rules").replace(
        "{name: web, port: 80, weight: 3}, ", ""
    )
    assert of_service(lookup(SHOP + elsewhere), "web").gateway_routes == ()

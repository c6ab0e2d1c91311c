"""Answers that depend on which object is older."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubectl_mesh.cli.test import app

MESH = """
apiVersion: v1
kind: Namespace
metadata: {name: app, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: app}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: app}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: a}]}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: wide, namespace: app}
spec:
  hosts: [edge.test]
  gateways: [istio-system/edge]
  http:
  - {match: [{uri: {prefix: /api}}], redirect: {uri: /wide}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: narrow, namespace: app}
spec:
  hosts: [edge.test]
  gateways: [istio-system/edge]
  http:
  - {match: [{uri: {prefix: /api/v1}}], redirect: {uri: /narrow}}
  - {match: [{uri: {prefix: /alone}}], redirect: {uri: /narrow}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: b, namespace: app}
spec: {hosts: [web], http: [{redirect: {uri: /b}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: app}
spec: {hosts: [web.app.svc.cluster.local], http: [{redirect: {uri: /a}}]}
"""
SUITE = """
apiVersion: kubectl-mesh/v1alpha1
kind: MeshTest
metadata: {{name: order}}
spec:
  given: {{manifests: [mesh.yaml], creationOrder: {order}}}
  cases:
  - name: the case
    from: {sender}
    request: {{url: "{url}"}}
    expect: {{redirect: "{location}"}}
"""
EDGE = "istio-system/gateway/istio-ingressgateway"


def run(folder: Path, order: str, sender: str, url: str, location: str) -> tuple[int, str]:
    """Test one redirect with a given order of creation."""
    (folder / "mesh.yaml").write_text(MESH)
    text = SUITE.format(order=order, sender=sender, url=url, location=location)
    (folder / "order.meshtest.yaml").write_text(text)
    result = CliRunner().invoke(app, [str(folder)])
    return result.exit_code, result.stdout


@pytest.mark.parametrize(
    ("sender", "url", "location"),
    [(EDGE, "http://edge.test/api/v1", "http://edge.test/narrow"), ("app/deploy/web", "http://web", "http://web/a")],
)
def test_an_answer_that_age_decides_fails(tmp_path: Path, sender: str, url: str, location: str) -> None:
    """Even where the expectation happens to hold, the test fails, and both answers are reported."""
    code, text = run(tmp_path, "undetermined", sender, url, location)
    assert code == 1
    assert "creationOrder: expected one answer whatever the order" in text
    assert "is the oldest; given.creationOrder says which" in text


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("http://edge.test/api/v2", "http://edge.test/wide"),
        ("http://edge.test/alone", "http://edge.test/narrow"),
    ],
)
def test_an_answer_that_age_does_not_change_passes(tmp_path: Path, url: str, location: str) -> None:
    """Rules of one host that do not compete for the request leave its answer alone."""
    assert run(tmp_path, "undetermined", EDGE, url, location)[0] == 0


@pytest.mark.parametrize(
    ("order", "gateway", "mesh"),
    [("file", "wide", "b"), ("[vs/narrow, vs/wide, vs/a, vs/b]", "narrow", "a"), ("[vs/wide, vs/b]", "wide", "a")],
)
def test_a_stated_order_decides(tmp_path: Path, order: str, gateway: str, mesh: str) -> None:
    """`creationOrder` says which is older; objects it leaves out are older than those it lists."""
    if order != "[vs/wide, vs/b]":
        assert run(tmp_path, order, EDGE, "http://edge.test/api/v1", f"http://edge.test/{gateway}")[0] == 0
    assert run(tmp_path, order, "app/deploy/web", "http://web", f"http://web/{mesh}")[0] == 0


INVARIANT = """
apiVersion: kubectl-mesh/v1alpha1
kind: MeshTest
metadata: {{name: order}}
spec:
  given: {{manifests: [mesh.yaml], creationOrder: {order}}}
  invariants:
  - name: the invariant
    forall: {{from: "app/web", to: "app/svc/web"}}
    expect: {expect}
"""
PARTIAL = MESH.replace("http: [{redirect: {uri: /a}}]", "http: [{match: [{uri: {prefix: /a}}], redirect: {uri: /a}}]")
TWO_MODES = (
    MESH.partition("---\napiVersion: networking")[0]
    + """---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: a, namespace: app}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: b, namespace: app}
spec: {mtls: {mode: DISABLE}}
"""
)


@pytest.mark.parametrize(
    ("mesh", "order", "expect", "code", "told"),
    [
        (MESH, "undetermined", '{redirect: "http://web.app.svc.cluster.local/a"}', 1, "VirtualService/app/b is"),
        (MESH, "undetermined", "{disposition: redirected}", 0, ""),
        (MESH, "[vs/a, vs/b]", "{status: 301}", 0, ""),
        (PARTIAL, "undetermined", "{disposition: [no-route, redirected]}", 0, ""),
        (PARTIAL, "undetermined", "{not: {rule: {virtualService: app/b}}}", 1, "VirtualService/app/b is"),
        (PARTIAL, "[vs/a, vs/b]", "{not: {rule: {virtualService: app/b}}}", 0, ""),
        (TWO_MODES, "undetermined", "{upstreamTls: mtls}", 1, "PeerAuthentication/app/b is"),
        (TWO_MODES, "file", "{upstreamTls: mtls}", 0, ""),
    ],
)
def test_an_invariant_holds_in_every_order(
    tmp_path: Path, *, mesh: str, order: str, expect: str, code: int, told: str
) -> None:
    """One that only the names of objects make true fails, with the object that breaks it where it is the oldest."""
    (tmp_path / "mesh.yaml").write_text(mesh)
    (tmp_path / "order.meshtest.yaml").write_text(INVARIANT.format(order=order, expect=expect))
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert (result.exit_code, told in result.stdout) == (code, True), result.stdout
    assert ("given.creationOrder says which" in result.stdout) is bool(told)


def test_a_case_that_meets_no_route_may_meet_one(tmp_path: Path) -> None:
    """Where the object that counts by its name has no route for a request, the younger one may still have."""
    (tmp_path / "mesh.yaml").write_text(PARTIAL)
    text = SUITE.format(order="undetermined", sender="app/deploy/web", url="http://web/x", location="")
    (tmp_path / "order.meshtest.yaml").write_text(text)
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert result.exit_code == 1
    assert "got no-route by no rule, or redirected by VirtualService/app/b" in result.stdout

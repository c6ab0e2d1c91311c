import pytest

from simulator.registry.snapshot import Snapshot
from simulator.xds.ztunnel import ztunnel_resources
from tests.unit.registry import pod, service, snapshot

ISTIOD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod, namespace: istio-system, labels: {app: istiod}}
spec: {template: {spec: {containers: [{name: discovery, env: [{name: PILOT_ENABLE_AMBIENT, value: "true"}]}]}}}
"""
PASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: pass, namespace: shop, labels: {istio.io/waypoint-for: %s}}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: %s}}}]
status: {addresses: [{type: Hostname, value: pass.shop.svc.cluster.local}]}
"""
SHOP = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/use-waypoint: pass}}
"""
BANK = """
apiVersion: v1
kind: Namespace
metadata: {name: bank, labels: {istio.io/use-waypoint: pass, istio.io/use-waypoint-namespace: shop}}
"""
DENY = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-admin, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  action: %s
  rules: [{from: [{source: {namespaces: [bank]}}], to: [{operation: {paths: [/admin], ports: ["8080"]}}]}]
"""


def _waypoints(view: Snapshot) -> dict[str, str]:
    return {
        one.key.removesuffix(".svc.cluster.local"): one.waypoint.name for one in view.ambient.services if one.waypoint
    }


@pytest.mark.parametrize(
    ("traffic", "admitted", "expected"),
    [
        ("service", "Same", {"shop/web.shop"}),
        ("service", "All", {"shop/web.shop", "bank/vault.bank"}),
        ("service", "Selector", set()),  # nothing is selected where no selector is given
        ("workload", "All", set()),
    ],
)
def test_services_send_through_the_waypoint_that_takes_them(traffic: str, admitted: str, expected: set[str]) -> None:
    """A namespace's label names the waypoint; who may use it, and for what, the waypoint says."""
    services = (service("web"), service("vault", namespace="bank"))
    view = snapshot(ISTIOD, SHOP, BANK, PASS % (traffic, admitted), *services)
    assert set(_waypoints(view)) == expected


def test_a_service_opts_out_of_its_namespaces_waypoint() -> None:
    """The label of an object decides before that of its namespace."""
    alone = service("web").replace("namespace: shop", "namespace: shop, labels: {istio.io/use-waypoint: none}")
    assert not _waypoints(snapshot(ISTIOD, SHOP, PASS % ("all", "Same"), alone))


def test_without_ambient_mode_there_is_nothing() -> None:
    """Both the registry's index and the resources for ztunnel are empty."""
    view = snapshot(SHOP, PASS % ("all", "Same"), service("web"), pod("web", ip="10.1.0.1"))
    assert not view.ambient.services
    assert ztunnel_resources(view) == {"addresses": [], "policies": []}


def test_ztunnel_denies_what_it_can_check_and_allows_nothing_on_faith() -> None:
    """A DENY rule holds without its paths; an ALLOW rule with paths is left out."""
    denying, allowing = (ztunnel_resources(snapshot(ISTIOD, DENY % action)) for action in ("DENY", "ALLOW"))
    matches = [{"destinationPorts": [8080]}], [{"namespaces": [{"exact": "bank"}]}]
    assert denying["policies"] == [
        {
            "name": "no-admin",
            "namespace": "shop",
            "scope": "WORKLOAD_SELECTOR",
            "action": "DENY",
            "groups": [{"rules": [{"matches": one} for one in matches]}],
        }
    ]
    assert allowing["policies"] == [{"name": "no-admin", "namespace": "shop", "scope": "WORKLOAD_SELECTOR"}]


def test_ztunnel_knows_a_pods_services_and_policies() -> None:
    """A workload lists its ports by service, and the policies whose selector holds."""
    told = ztunnel_resources(
        snapshot(ISTIOD, DENY % "DENY", service("web"), pod("web", ip="10.1.0.1"), pod("db", ip="10.1.0.2"))
    )
    found = {one["workload"]["name"]: one["workload"] for one in told["addresses"] if "workload" in one}
    ports = {"ports": [{"servicePort": 80, "targetPort": 8080}]}
    assert found["web"]["services"] == {"shop/web.shop.svc.cluster.local": ports}
    assert found["web"]["authorizationPolicies"] == ["shop/no-admin"]
    assert "services" not in found["db"]
    assert "authorizationPolicies" not in found["db"]

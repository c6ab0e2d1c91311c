import pytest

from simulator.istiod.ztunnel_dump import ztunnel_dump
from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from simulator.model.wire import Json

AMBIENT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "defaultConfig: {}"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod, namespace: istio-system}
spec:
  selector: {matchLabels: {app: istiod}}
  template:
    metadata: {labels: {app: istiod}}
    spec:
      containers:
      - {name: discovery, image: "pilot:1.30.3", env: [{name: PILOT_ENABLE_AMBIENT, value: "true"}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.7, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: web}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: only-shop, namespace: shop}
spec:
  rules:
  - from: [{source: {namespaces: [shop], ipBlocks: [10.0.0.0/8]}}]
    to: [{operation: {ports: ["8080"]}}]
"""


@pytest.fixture(scope="module")
def dump() -> Json:
    """Return the dump of a small ambient mesh."""
    return ztunnel_dump(Mesh.from_resources(parse_manifests(AMBIENT)).snapshot)


def test_workloads_are_addressed_and_speak_hbone(dump: Json) -> None:
    """Each pod of an ambient namespace is a workload with its address, identity and protocol in ztunnel's words."""
    found = [each for each in dump["workloads"] if each["namespace"] == "shop"]
    assert len(found) == 2
    for workload in found:
        assert workload["protocol"] == "HBONE"
        assert workload["status"] == "Healthy"
        assert workload["workloadIps"][0].count(".") == 3
        assert workload["services"] == ["shop/web.shop.svc.cluster.local"]


def test_services_know_their_workloads(dump: Json) -> None:
    """A service has its address, ports, and an endpoint for each workload that serves it."""
    (service,) = [each for each in dump["services"] if each["namespace"] == "shop"]
    assert (service["vips"], service["ports"]) == (["/10.96.0.7"], {"80": 8080})
    uids = {each["uid"] for each in dump["workloads"] if each["namespace"] == "shop"}
    assert set(service["endpoints"]) == uids


def test_policies_have_ztunnels_form(dump: Json) -> None:
    """Scope and action are words, matches are nested rule by rule."""
    (policy,) = dump["policies"]
    assert (policy["name"], policy["scope"], policy["action"]) == ("only-shop", "Namespace", "Allow")
    matches = [match for group in policy["rules"] for rule in group for match in rule]
    assert {"namespaces": [{"Exact": "shop"}], "sourceIps": ["10.0.0.0/8"]} in matches
    assert {"destinationPorts": [8080]} in matches


def test_a_ztunnel_stands_for_the_pods_of_its_node() -> None:
    """Each ambient pod of the node has a proxy, each of their accounts an identity; other nodes' pods have none."""
    mesh = Mesh.from_resources(parse_manifests(AMBIENT))
    pods = [pod for pod in mesh.snapshot.resources("Pod") if pod.namespace == "shop"]
    node = pods[0].spec["nodeName"]
    local = {pod.name for pod in pods if pod.spec["nodeName"] == node}
    found = ztunnel_dump(mesh.snapshot, node=node)
    assert {state["info"]["name"] for state in found["workloadState"].values()} == local
    assert [each["identity"] for each in found["certificates"]] == ["spiffe://cluster.local/ns/shop/sa/default"]
    elsewhere = ztunnel_dump(mesh.snapshot, node="elsewhere")
    assert (elsewhere["certificates"], elsewhere["workloadState"]) == ([], {})

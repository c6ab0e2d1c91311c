"""A served cluster's objects, dumped and read as manifests: the same mesh again.

`kubectl get -A -o yaml` of a real cluster is what most people have of theirs; all that the API server and controllers
added to what somebody once wrote is in it.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
import yaml

from simulator.apiserver.simulated import installed
from simulator.manifests.reading import parse_manifests, read_manifests
from simulator.mesh import Mesh
from simulator.model.resources import Resource
from tests.contract.serving import EXAMPLE, ServedMesh, serving

EVERYTHING = "all"
WRITTEN = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Service", "ServiceAccount", "ConfigMap", "Namespace"})
"""What `kubectl get deploy,sts,ds,svc,sa,cm,ns,vs,dr,… -A` gives: no pods, no nodes, no slices of theirs."""
AMBIENT = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: ztunnel, namespace: istio-system}
spec:
  selector: {matchLabels: {app: ztunnel}}
  template:
    metadata: {labels: {app: ztunnel}}
    spec: {containers: [{name: istio-proxy, image: ztunnel}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop, labels: {istio.io/waypoint-for: service}}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {gatewayClassName: istio, listeners: [{name: web, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "web:1"}]}
"""


def dumped(served: ServedMesh, what: str) -> str:
    """Return the objects of a cluster as `kubectl get -o yaml` prints them: one List."""
    items: list[Any] = []
    for group in ["api/v1", *_group_versions(served)]:
        for each in served.request("GET", f"/{group}")[1]["resources"]:
            if "list" in each["verbs"] and "/" not in each["name"] and (what == EVERYTHING or _is_written(group, each)):
                items += _items(served, group, each["name"])
    if what != EVERYTHING:  # no controller makes the API server's own
        slices = _items(served, "apis/discovery.k8s.io/v1", "endpointslices")
        items += [each for each in slices if each["metadata"]["name"] == "kubernetes"]
    return yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}, sort_keys=False)


def _is_written(group: str, resource: Any) -> bool:
    return resource["kind"] in WRITTEN or "istio.io" in group or "gateway.networking" in group


def _group_versions(served: ServedMesh) -> Iterable[str]:
    for group in served.request("GET", "/apis")[1]["groups"]:
        yield f"apis/{group['preferredVersion']['groupVersion']}"


def _items(served: ServedMesh, group: str, plural: str) -> list[Any]:
    found = served.request("GET", f"/{group}/{plural}")[1]
    kind, version = found["kind"].removesuffix("List"), found["apiVersion"]
    return [{"apiVersion": version, "kind": kind} | item for item in found["items"]]


def configuration(resources: Sequence[Resource]) -> dict[str, Any]:
    """Return the config dump of every proxy of a mesh, without when and by which object it was made."""
    mesh = Mesh.from_resources(resources)
    return {str(proxy): mesh.config_dump(proxy) for proxy in mesh.proxies()}


@pytest.mark.parametrize("what", [EVERYTHING, "written"])
@pytest.mark.parametrize("mesh", ["example", "ambient"])
def test_dumped_cluster_is_the_same_mesh(what: str, mesh: str, tmp_path: Any) -> None:
    """Every proxy gets the same configuration from the dump as from the manifests that were served."""
    manifests = read_manifests([str(EXAMPLE)]) if mesh == "example" else parse_manifests(AMBIENT)
    served = serving(folder=tmp_path, example=True) if mesh == "example" else serving(AMBIENT, folder=tmp_path)
    with served as cluster:
        text = dumped(cluster, what)
    before, after = configuration(installed(manifests)), configuration(parse_manifests(text))
    assert before
    assert sorted(after) == sorted(before)
    for name, dump in before.items():
        for section, other in zip(dump["configs"], after[name]["configs"], strict=True):
            assert other == section, f"{name}: {section['@type']}"


def test_istiod_shows_the_ambient_mesh(tmp_path: Any) -> None:
    """`/debug/ambientz` lists the workloads and services that ztunnels receive, addresses as base64 of text."""
    with serving(AMBIENT, folder=tmp_path) as cluster:
        pods = cluster.request("GET", "/api/v1/namespaces/istio-system/pods?labelSelector=app=istiod")[1]["items"]
        path = f"/api/v1/namespaces/istio-system/pods/{pods[0]['metadata']['name']}:15014/proxy/debug/ambientz"
        view = json.loads(cluster.raw("GET", path)[1])
        web = cluster.request("GET", "/api/v1/namespaces/shop/pods?labelSelector=app=web")[1]["items"][0]
    addresses = {base64.b64decode(each).decode() for one in view["workloads"] for each in one.get("addresses", ())}
    assert web["status"]["podIP"] in addresses
    assert "web.shop.svc.cluster.local" in {each["hostname"] for each in view["services"]}

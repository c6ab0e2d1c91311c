from typing import Any

from simulator.mesh import Mesh
from simulator.model.proxies import ProxyId
from tests.unit.xds.shop import CLIENT, mesh

CAPTURING = """
apiVersion: v1
kind: Pod
metadata:
  name: asking
  namespace: shop
  labels: {app: asking}
  annotations:
    proxy.istio.io/config: '{"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"}}'
spec: {containers: [{name: app, image: example.test/asking}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: app, image: example.test/db, ports: [{containerPort: 5432}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: tcp, port: 5432}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside, namespace: shop}
spec:
  hosts: [api.example.org]
  addresses: [192.0.2.1, 198.51.100.0/24]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 203.0.113.1}]
"""
ASKING = ProxyId("asking", "shop")


def table(made: Mesh) -> Any:
    """Return the DNS table of the proxy that captures DNS."""
    names = made.generated(ASKING).names
    assert names is not None
    return names["table"]


def test_no_table_without_capture() -> None:
    """A proxy that leaves DNS alone is sent no table."""
    assert mesh().generated(CLIENT).names is None


def test_services_have_their_cluster_ip() -> None:
    """A Kubernetes service is listed with address, namespace and short name."""
    assert table(mesh(CAPTURING))["web.shop.svc.cluster.local"] == {
        "ips": ["10.96.7.1"],
        "registry": "Kubernetes",
        "namespace": "shop",
        "shortname": "web",
    }


def test_ranges_are_no_addresses() -> None:
    """Of a ServiceEntry's addresses only single ones can be an answer."""
    assert table(mesh(CAPTURING))["api.example.org"] == {"ips": ["192.0.2.1"], "registry": "External"}


def test_headless_services_list_their_pods() -> None:
    """A headless service answers with its pods, and each pod of a StatefulSet has a name of its own."""
    found = table(mesh(CAPTURING))
    pods = [found[f"db-{number}.db.shop.svc.cluster.local"] for number in range(2)]
    assert [pod["shortname"] for pod in pods] == ["db-0.db", "db-1.db"]
    assert sorted(found["db.shop.svc.cluster.local"]["ips"]) == sorted(ip for pod in pods for ip in pod["ips"])

"""A small mesh for tests of routes: a client in `shop`, services beside it, whatever a test adds."""

from textwrap import dedent
from typing import Any

from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from simulator.model.proxies import ProxyId

BASE = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop, labels: {app: client, tier: front}}
spec: {containers: [{name: app, image: example.test/client}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.7.1, selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: items, namespace: shop}
spec: {clusterIP: 10.96.7.2, selector: {app: items}, ports: [{name: http, port: 80}, {name: grpc, port: 9000}]}
---
apiVersion: v1
kind: Service
metadata: {name: pay, namespace: bank}
spec: {clusterIP: 10.96.7.3, selector: {app: pay}, ports: [{name: http, port: 80}]}
"""
CLIENT = ProxyId("client", "shop")
GATEWAY = "istio-ingressgateway"


def mesh(*more: str) -> Mesh:
    """Return the mesh with further manifests."""
    text = "\n---\n".join(dedent(part) for part in (BASE, *more))
    return Mesh.from_resources(parse_manifests(text))


def virtual_service(http: str, *, hosts: str = "[web]", gateways: str = "[mesh]", name: str = "rule") -> str:
    """Return a VirtualService in `shop` with these HTTP rules (YAML in flow style)."""
    return f"""
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {{name: {name}, namespace: shop}}
    spec: {{hosts: {hosts}, gateways: {gateways}, http: {http}}}
    """


def gateway(servers: str, *, name: str = "edge") -> str:
    """Return a Gateway in `shop` on the default ingress gateway."""
    return f"""
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata: {{name: {name}, namespace: shop}}
    spec: {{selector: {{istio: ingressgateway}}, servers: {servers}}}
    """


def route_configuration(made: Mesh, name: str, proxy: ProxyId = CLIENT) -> Any:
    """Return one of the proxy's route configurations."""
    return next(one for one in made.generated(proxy).routes if one["name"] == name)


def hosts(made: Mesh, name: str, proxy: ProxyId = CLIENT) -> dict[str, Any]:
    """Return the virtual hosts of a route configuration by name."""
    return {host["name"]: host for host in route_configuration(made, name, proxy).get("virtual_hosts", ())}


def routes(made: Mesh, host: str = "web.shop.svc.cluster.local:80", port: str = "80") -> list[Any]:
    """Return the routes of one virtual host of the client."""
    found: list[Any] = hosts(made, port)[host].get("routes", [])
    return found


def gateway_proxy(made: Mesh) -> ProxyId:
    """Return the default ingress gateway."""
    return next(proxy for proxy in made.proxies() if proxy.name.startswith(GATEWAY))

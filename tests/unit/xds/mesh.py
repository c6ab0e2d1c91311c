"""A small mesh in a few lines: explicit pods, services and slices, and whatever YAML a test adds."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.manifests.reading import parse_manifests
from simulator.model.proxies import Proxy
from simulator.registry.build import build_snapshot
from simulator.xds.generator import Generator

Json = dict[str, Any]
HTTP = (("http", 80, 8080),)


def pod(
    name: str,
    ip: str,
    *,
    app: str = "web",
    version: str = "v1",
    namespace: str = "shop",
    node: str = "r1.z1",
    proxy: str = "sidecar",
    ready: bool = True,
    labels: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    ips: Sequence[str] = (),
    annotations: Mapping[str, str] | None = None,
) -> Json:
    """Return a running pod; `proxy` is the type of its istio-proxy, empty for none; `node` is `region.zone`."""
    own = {
        "app": app,
        "version": version,
        **({"security.istio.io/tlsMode": "istio"} if proxy else {}),
        **(labels or {}),
    }
    containers: list[Json] = [{"name": "app", "image": "app:1", "ports": [{"containerPort": 8080, "protocol": "TCP"}]}]
    if proxy:
        meta = {"ISTIO_META_NODE_NAME": node, **(env or {})}
        variables = [{"name": key, "value": value} for key, value in meta.items()]
        containers.append(
            {"name": "istio-proxy", "image": "proxyv2:1.30.3", "args": ["proxy", proxy], "env": variables}
        )
    addresses = [{"ip": one} for one in (ip, *ips)]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": own, "annotations": dict(annotations or {})},
        "spec": {"serviceAccountName": app, "nodeName": node, "containers": containers},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "podIPs": addresses,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def service(
    name: str = "web",
    *,
    namespace: str = "shop",
    ports: Sequence[tuple[str, int, int]] = HTTP,
    ip: str = "10.96.0.1",
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> Json:
    """Return a service that selects `app: <name>`; ports are (name, number, target)."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": dict(labels or {}),
            "annotations": dict(annotations or {}),
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": ip,
            "clusterIPs": [ip],
            "selector": {"app": name},
            "ports": [
                {"name": port, "port": number, "targetPort": target, "protocol": "TCP"}
                for port, number, target in ports
            ],
            **spec,
        },
    }


def generator(*objects: Json, config: str = "", mesh: str = "", env: Mapping[str, str] | None = None) -> Generator:
    """Return the generator of a mesh of these objects, `config` (YAML documents) and MeshConfig `mesh` (YAML)."""
    everything = [*objects, *_slices(objects), *_nodes(objects), *_control_plane(mesh, env or {})]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": everything})
    return Generator(build_snapshot((*parse_manifests(text), *parse_manifests(config))))


def proxy_of(made: Generator, name: str) -> Proxy:
    """Return the proxy of a pod."""
    return next(proxy for proxy in made.snapshot.proxies if proxy.id.name == name)


def clusters(made: Generator, name: str = "client") -> dict[str, Any]:
    """Return the clusters of a pod's proxy by name."""
    return {cluster["name"]: cluster for cluster in made.clusters(made.view(proxy_of(made, name)))}


def endpoints(made: Generator, name: str = "client") -> dict[str, Any]:
    """Return the locality groups that a pod's proxy gets, by cluster."""
    view = made.view(proxy_of(made, name))
    built = made.endpoints(view, made.clusters(view))
    return {assignment["cluster_name"]: assignment.get("endpoints") or [] for assignment in built}


def addresses(groups: Sequence[Json]) -> list[list[str]]:
    """Return the addresses of each locality group, in order of priority."""
    ordered = sorted(groups, key=lambda group: int(group.get("priority", 0)))
    return [
        sorted(member["endpoint"]["address"]["socket_address"]["address"] for member in group.get("lb_endpoints") or ())
        for group in ordered
    ]


def _slices(objects: Sequence[Json]) -> list[Json]:
    return [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{one['metadata']['name']}-1",
                "namespace": one["metadata"]["namespace"],
                "labels": {"kubernetes.io/service-name": one["metadata"]["name"]},
            },
            "addressType": "IPv4",
            "ports": [
                {"name": port["name"], "port": port["targetPort"], "protocol": "TCP"} for port in one["spec"]["ports"]
            ],
            "endpoints": [_endpoint(target) for target in objects if _selects(one, target)],
        }
        for one in objects
        if one["kind"] == "Service" and one["spec"].get("selector")
    ]


def _selects(one: Json, target: Json) -> bool:
    same = one["metadata"]["namespace"] == target["metadata"].get("namespace")
    return target["kind"] == "Pod" and same and one["spec"]["selector"].items() <= target["metadata"]["labels"].items()


def _endpoint(target: Json) -> Json:
    ready = target["status"]["conditions"][0]["status"] == "True"
    return {
        "addresses": [target["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "nodeName": target["spec"]["nodeName"],
        "targetRef": {"kind": "Pod", "name": target["metadata"]["name"], "namespace": target["metadata"]["namespace"]},
    }


def _nodes(objects: Sequence[Json]) -> list[Json]:
    found = sorted({one["spec"]["nodeName"] for one in objects if one["kind"] == "Pod"})
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "labels": {
                    "topology.kubernetes.io/region": name.split(".")[0],
                    "topology.kubernetes.io/zone": name.split(".")[1],
                },
            },
        }
        for name in found
    ]


def _control_plane(mesh: str, env: Mapping[str, str]) -> list[Json]:
    variables = [{"name": key, "value": value} for key, value in env.items()]
    template = {"metadata": {"labels": {"app": "istiod"}}}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "istio", "namespace": "istio-system"},
            "data": {"mesh": mesh},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "istiod", "namespace": "istio-system", "labels": {"app": "istiod", "istio": "pilot"}},
            "spec": {
                "selector": {"matchLabels": {"app": "istiod"}},
                "template": {
                    **template,
                    "spec": {"containers": [{"name": "discovery", "image": "pilot:1.30.3", "env": variables}]},
                },
            },
        },
    ]

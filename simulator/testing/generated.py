"""Manifests of generated meshes: services with one or two versions, routes, a deny rule, mutual TLS."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """One service, its workloads, and what is configured for it."""

    name: str
    namespace: str
    versions: int = 1
    sidecar: bool = True
    port: int = 80
    protocol: str = "http"
    canary: int = 0
    """Percentage of requests that the second version gets."""
    routed_path: str = ""
    """Path prefix that the first rule matches; empty for no VirtualService."""
    denied_path: str = ""
    """Path prefix that is denied to everyone; empty for no policy."""
    mutual_tls: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshPlan:
    """A mesh of several services."""

    services: tuple[ServicePlan, ...]
    mutual_tls: str = ""
    """Mutual TLS mode for the whole mesh; empty for no PeerAuthentication."""


def manifests(plan: MeshPlan) -> str:
    """Return the YAML of a mesh, a document for each resource."""
    return "".join(f"---\n{json.dumps(each)}\n" for each in _documents(plan))


def _documents(plan: MeshPlan) -> Iterator[Json]:
    for namespace in sorted({each.namespace for each in plan.services}):
        labels = {"istio-injection": "enabled"}
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
    if plan.mutual_tls:
        yield _istio("PeerAuthentication", "default", "istio-system", {"mtls": {"mode": plan.mutual_tls}})
    for service in plan.services:
        yield from _workloads(service)
        yield from _routing(service)
        yield from _policies(service)


def _workloads(plan: ServicePlan) -> Iterator[Json]:
    port = {"name": plan.protocol, "port": plan.port, "targetPort": 8080}
    metadata = {"name": plan.name, "namespace": plan.namespace}
    spec = {"selector": {"app": plan.name}, "ports": [port]}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    for number in range(1, plan.versions + 1):
        labels = {"app": plan.name, "version": f"v{number}"}
        template = {
            "metadata": {"labels": labels | {"sidecar.istio.io/inject": str(plan.sidecar).lower()}},
            "spec": {"containers": [{"name": "app", "image": "app:1", "ports": [{"containerPort": 8080}]}]},
        }
        yield {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": f"{plan.name}-v{number}", "namespace": plan.namespace},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        }


def _routing(plan: ServicePlan) -> Iterator[Json]:
    if not plan.routed_path or plan.protocol == "tcp":
        return
    host = f"{plan.name}.{plan.namespace}.svc.cluster.local"
    subsets = [{"name": f"v{n}", "labels": {"version": f"v{n}"}} for n in range(1, plan.versions + 1)]
    yield _istio("DestinationRule", plan.name, plan.namespace, {"host": host, "subsets": subsets})
    first = {"destination": {"host": host, "subset": "v1"}}
    shared = [
        first | {"weight": 100 - plan.canary},
        {"destination": {"host": host, "subset": "v2"}, "weight": plan.canary},
    ]
    rules: list[Json] = [
        {
            "name": "routed",
            "match": [{"uri": {"prefix": plan.routed_path}}],
            "route": shared if plan.versions > 1 else [first],
        },
        {"name": "rest", "route": [first]},
    ]
    yield _istio("VirtualService", plan.name, plan.namespace, {"hosts": [host], "http": rules})


def _policies(plan: ServicePlan) -> Iterator[Json]:
    selector = {"selector": {"matchLabels": {"app": plan.name}}}
    if plan.mutual_tls:
        yield _istio("PeerAuthentication", plan.name, plan.namespace, selector | {"mtls": {"mode": plan.mutual_tls}})
    if plan.denied_path and plan.sidecar:
        rule = {"to": [{"operation": {"paths": [f"{plan.denied_path}*"]}}]}
        spec = selector | {"action": "DENY", "rules": [rule]}
        yield _istio("AuthorizationPolicy", plan.name, plan.namespace, spec)


def _istio(kind: str, name: str, namespace: str, spec: Json) -> Json:
    group = "security" if kind.startswith(("Peer", "Auth")) else "networking"
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": f"{group}.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec}

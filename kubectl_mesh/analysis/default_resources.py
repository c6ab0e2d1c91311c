"""The default ingress gateway, added where the files under analysis leave the installation out.

istiod: pkg/config/analysis/local/defaults.go. There the pods listen on the service's own ports; in an
installation they listen on 8080 and 8443, as Istio's own samples expect, and so do those added here.
"""

from collections.abc import Iterable, Iterator

from simulator.model.resources import Origin, Resource
from simulator.model.wire import Json

_LABELS = {"istio": "ingressgateway"}
_PORTS = (("http2", 80, 8080), ("https", 443, 8443), ("tcp", 31400, 31400), ("tls", 15443, 15443))
SOURCE = "default installation"
"""The source that the added resources name as their origin."""
_MADE = frozenset({"default control plane", SOURCE, "made up by the simulator"})
"""Sources of resources that no user wrote and that nobody can correct."""


def is_given(resource: Resource) -> bool:
    """Tell whether a resource was given, and not made up as a stand-in."""
    return resource.origin.source not in _MADE


def with_default_gateway(
    resources: Iterable[Resource], mesh: Json, *, namespace: str = "istio-system"
) -> tuple[Resource, ...]:
    """Add the default ingress gateway's pod and service, unless the resources have some of their own."""
    known = tuple(resources)
    name = mesh.get("ingressService") or "istio-ingressgateway"
    taken = any(each.kind == "Service" and (each.namespace, each.name) == (namespace, name) for each in known)
    return known if taken else (*known, *_default_gateway(name, namespace))


def _default_gateway(name: str, namespace: str) -> Iterator[Resource]:
    ports = [{"name": port, "port": number, "protocol": "TCP", "targetPort": target} for port, number, target in _PORTS]
    pod: Json = {"containers": [{"name": "istio-proxy", "image": "auto-injected"}]}
    yield _resource("Pod", f"{name}-dummypod", namespace, labels=_LABELS, spec=pod)
    yield _resource("Service", name, namespace, labels=_LABELS, spec={"ports": ports, "selector": dict(_LABELS)})


def _resource(kind: str, name: str, namespace: str, *, labels: dict[str, str], spec: Json) -> Resource:
    metadata = {"name": name, "namespace": namespace, "labels": dict(labels)}
    document = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}
    origin = Origin(source=SOURCE)
    return Resource(kind=kind, api_version="v1", namespace=namespace, name=name, document=document, origin=origin)

"""EndpointSlices of Services, as the endpoint slice controller derives them from pods.

Kubernetes: pkg/controller/endpointslice (reconciler.go, utils.go). A Service that has slices or Endpoints of its own
among the manifests gets none.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from simulator.manifests.identity import suffix, uid
from simulator.manifests.mirrored_endpoints import MANAGED_BY, SERVICE_NAME, mirrored
from simulator.manifests.services import ip_families
from simulator.model.resources import Resource
from simulator.model.wire import Json

CONTROLLER = "endpointslice-controller.k8s.io"
_MOST_ENDPOINTS = 100
_ZONE = "topology.kubernetes.io/zone"

Ports = tuple[tuple[str, int, str, str], ...]
"""(name, number on the pod, protocol, appProtocol) of each port of a slice."""


def synthetic_slices(
    services: Iterable[Resource], pods: Iterable[Resource], *, given: Iterable[Resource], nodes: Iterable[Resource]
) -> tuple[Resource, ...]:
    """Return slices for every Service with a selector and none among `given` slices and Endpoints."""
    given = tuple(given)
    served = {_service_of(resource) for resource in given}
    index = _PodIndex(pods)
    zones = {node.name: node.labels.get(_ZONE, "") for node in nodes}
    made_of_pods = tuple(
        made
        for service in services
        if service.spec.get("selector")
        and service.spec.get("type") != "ExternalName"
        and (service.namespace, service.name) not in served
        for made in _slices(service, index.selected(service), zones)
    )
    return (*made_of_pods, *mirrored(given))


class _PodIndex:
    """Pods by each of their labels, so that a Service looks at few of them."""

    def __init__(self, pods: Iterable[Resource]) -> None:
        self._pods: dict[tuple[str, str, str], list[Resource]] = defaultdict(list)
        for pod in sorted(pods, key=lambda pod: pod.name):
            if pod.status.get("phase") not in ("Succeeded", "Failed") and pod_addresses(pod):
                for key, value in pod.labels.items():
                    self._pods[pod.namespace, key, value].append(pod)

    def selected(self, service: Resource) -> Sequence[Resource]:
        """Return the pods that a Service selects, in order of name."""
        selector = service.spec["selector"]
        found = [self._pods.get((service.namespace, key, value), []) for key, value in selector.items()]
        fewest = min(found, key=len)
        return [pod for pod in fewest if all(pod.labels.get(key) == value for key, value in selector.items())]


def _service_of(resource: Resource) -> tuple[str, str]:
    if resource.kind == "Endpoints":
        return resource.namespace, resource.name
    return resource.namespace, resource.labels.get(SERVICE_NAME, "")


def _slices(service: Resource, chosen: Sequence[Resource], zones: Mapping[str, str]) -> Iterator[Resource]:
    for family in ip_families(service.spec):
        groups: dict[Ports, list[Json]] = defaultdict(list)
        for pod in chosen:
            endpoint = _endpoint(service, pod, family=family, zones=zones)
            if endpoint is not None:
                groups[_ports(service, pod)].append(endpoint)
        for ports in sorted(groups) or [()]:
            endpoints = groups.get(ports, [])
            for start in range(0, max(len(endpoints), 1), _MOST_ENDPOINTS):
                yield _slice(service, family, ports, endpoints[start : start + _MOST_ENDPOINTS], start=start)


def _ports(service: Resource, pod: Resource) -> Ports:
    return tuple(
        (port.get("name") or "", number, port.get("protocol") or "TCP", port.get("appProtocol") or "")
        for port in service.spec.get("ports") or ()
        if (number := target_port(port, pod)) is not None
    )


def target_port(port: Json, pod: Resource) -> int | None:
    """Return the number on the pod that a Service port leads to; None when it names a port the pod lacks."""
    target = port.get("targetPort") or port.get("port")
    if isinstance(target, int):
        return target
    if isinstance(target, str) and target.isdigit():
        return int(target)
    protocol = port.get("protocol") or "TCP"
    init = [c for c in pod.spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in (*(pod.spec.get("containers") or ()), *init):
        for declared in container.get("ports") or ():
            if declared.get("name") == target and (declared.get("protocol") or "TCP") == protocol:
                number = declared.get("containerPort")
                return number if isinstance(number, int) else None
    return None


def is_ready(pod: Resource) -> bool:
    """Tell whether the Ready condition of a pod holds."""
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in pod.status.get("conditions") or ()
    )


def _endpoint(service: Resource, pod: Resource, *, family: str, zones: Mapping[str, str]) -> Json | None:
    address = next((text for text in pod_addresses(pod) if _family(text) == family), None)
    if address is None:
        return None
    serving, terminating = is_ready(pod), bool(pod.metadata.get("deletionTimestamp"))
    ready = bool(service.spec.get("publishNotReadyAddresses")) or (serving and not terminating)
    node = pod.spec.get("nodeName") or ""
    endpoint: Json = {
        "addresses": [address],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": {"kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.metadata.get("uid", "")},
    }
    if node:
        endpoint["nodeName"] = node
    if zones.get(node):
        endpoint["zone"] = zones[node]
    if pod.spec.get("hostname") and pod.spec.get("subdomain") == service.name:
        endpoint["hostname"] = pod.spec["hostname"]
    return endpoint


def pod_addresses(pod: Resource) -> tuple[str, ...]:
    """Return every address of a pod, the first one first."""
    addresses = [entry.get("ip", "") for entry in pod.status.get("podIPs") or ()] or [pod.status.get("podIP") or ""]
    return tuple(address for address in addresses if address)


def _family(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"


def _slice(service: Resource, family: str, ports: Ports, endpoints: list[Json], *, start: int) -> Resource:
    name = f"{service.name}-{suffix(5, 'EndpointSlice', service.namespace, service.name, family, ports, start)}"
    labels = {SERVICE_NAME: service.name, MANAGED_BY: CONTROLLER}
    if service.spec.get("clusterIP") == "None":
        labels["service.kubernetes.io/headless"] = ""
    owner: Json = {"apiVersion": "v1", "kind": "Service", "name": service.name, "controller": True}
    owner["uid"] = service.metadata.get("uid") or uid("Service", service.namespace, service.name)
    metadata: Json = {"name": name, "namespace": service.namespace, "labels": {**service.labels, **labels}}
    metadata |= {"ownerReferences": [owner], "uid": uid("EndpointSlice", service.namespace, name)}
    document: Json = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": family,
        "ports": [_port(*port) for port in ports],
        "endpoints": endpoints,
    }
    return Resource(
        kind="EndpointSlice",
        api_version="discovery.k8s.io/v1",
        namespace=service.namespace,
        name=name,
        document=document,
        origin=service.origin,
    )


def _port(name: str, number: int, protocol: str, app_protocol: str) -> Json:
    port: Json = {"name": name, "port": number, "protocol": protocol}
    return {**port, "appProtocol": app_protocol} if app_protocol else port

"""Which services a workload serves, and on which of its ports, as istiod tells ztunnel.

istiod: pilot/pkg/serviceregistry/ambient/workloads.go (constructServices, constructServicesFromWorkloadEntry).
"""

from collections import defaultdict
from collections.abc import Mapping

from simulator.model.labels import Labels, selects
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.ambient.services import AmbientService
from simulator.registry.service_targets import find_port
from simulator.registry.snapshot import Snapshot
from simulator.registry.workload_entries import SELECT_PODS_FLAG

_SERVICE_NAME = "kubernetes.io/service-name"


class Attachments:
    """The services of a mesh by what attaches workloads to them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._select_pods = snapshot.flag(SELECT_PODS_FLAG, default=True)
        self._kubernetes: dict[tuple[str, str], AmbientService] = {}
        self._selecting: defaultdict[str, list[tuple[Labels, AmbientService]]] = defaultdict(list)
        self._listing: defaultdict[tuple[str, str], list[AmbientService]] = defaultdict(list)
        for service in snapshot.ambient.services:
            if service.source.kind == "Service":
                self._kubernetes[service.namespace, service.source.name] = service
            if selector := _selector(service.source):
                self._selecting[service.namespace].append((selector, service))
        for one in snapshot.resources("EndpointSlice"):
            if (of := self.of_slice(one)) is not None:
                for entry in one.document.get("endpoints") or ():
                    target = entry.get("targetRef") or {}
                    if target.get("kind") == "Pod":
                        self._listing[target.get("namespace") or "", target.get("name") or ""].append(of)

    def of_slice(self, one: Resource) -> AmbientService | None:
        """Return the Service that an EndpointSlice belongs to."""
        return self._kubernetes.get((one.namespace, one.labels.get(_SERVICE_NAME) or ""))

    def of_labels(self, namespace: str, labels: Labels) -> list[AmbientService]:
        """Return the services that select a workload."""
        return [service for selector, service in self._selecting[namespace] if selects(selector, labels)]

    def of_pod(self, pod: Resource) -> list[AmbientService]:
        """Return the services that select a pod, then those without a selector whose slices refer to it."""
        selecting = self.of_labels(pod.namespace, pod.labels)
        if not self._select_pods:
            selecting = [service for service in selecting if service.source.kind == "Service"]
        return list(dict.fromkeys((*selecting, *self._listing[pod.namespace, pod.name])))


def _selector(source: Resource) -> Labels:
    if source.kind == "Service":
        return source.spec.get("selector") or {}
    return (source.spec.get("workloadSelector") or {}).get("labels") or {}


def pod_ports(pod: Resource, service: AmbientService) -> Json:
    """Return the ports of a pod that serve those of a service."""
    found = []
    for port in service.source.spec.get("ports") or ():
        if service.source.kind == "Service":
            target = find_port(pod, target=port.get("targetPort") or port["port"], transport="TCP")
            number = int(port["port"])
        else:
            number = int(port["number"])
            target = find_port(pod, target=port.get("name") or "", transport="TCP")
            target = target or int(port.get("targetPort") or number)
        if target is not None:
            found.append({"servicePort": number, "targetPort": target})
    return {"ports": found} if found else {}


def entry_ports(spec: Json, service: AmbientService) -> Json:
    """Return the ports of a WorkloadEntry, standalone or inline, that serve those of a service."""
    own: Mapping[str, int] = spec.get("ports") or {}
    found = []
    for port in service.source.spec.get("ports") or ():
        number = int(port.get("port") or port.get("number") or 0)
        target = port.get("targetPort") or number
        if isinstance(target, str) and not target.isdigit():
            if target not in own:
                continue
            target = own[target]
        else:
            target = own.get(port.get("name") or "", target)
        found.append({"servicePort": number, "targetPort": int(target)})
    return {"ports": found} if found else {}

"""The ports of pods as services expose them: number on the pod, and protocol."""

from collections.abc import Iterator
from dataclasses import dataclass

from kubectl_mesh.analysis.pods import PodView
from kubectl_mesh.analysis.services import Services, port_protocol, services
from kubectl_mesh.analysis.world import World
from simulator.model.ports import Protocol
from simulator.model.resources import Resource
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPort:
    """A port of a pod that a service exposes."""

    number: int
    protocol: Protocol
    service: Resource


def workload_ports(world: World, pod: PodView) -> Iterator[WorkloadPort]:
    """Yield the ports of a pod, once per service port that leads to them."""
    for service in world.once(services).selecting(pod.namespace, pod.labels):
        for port in Services.ports(service):
            number = target_port(port, pod)
            if number:
                yield WorkloadPort(number=number, protocol=port_protocol(port), service=service)


def target_port(port: Json, pod: PodView) -> int:
    """Return the port of `pod` that a service port leads to; 0 when the pod has none of that name."""
    target = port.get("targetPort") or port.get("port") or 0
    if str(target).isdigit():
        return int(target)
    for container in pod.spec.get("containers") or ():
        for each in container.get("ports") or ():
            if each.get("name") == target:
                return int(each.get("containerPort") or 0)
    return 0

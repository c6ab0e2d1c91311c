"""The ports of pods as services expose them: number on the pod, and protocol; of gateways, as Gateways open them."""

from collections.abc import Iterator
from dataclasses import dataclass

from kubectl_mesh.analysis.pods import PROXY, PodView
from kubectl_mesh.analysis.services import Services, port_protocol, services
from kubectl_mesh.analysis.world import World
from simulator.model.labels import GATEWAY_NAME, selects
from simulator.model.ports import Protocol, parse_protocol
from simulator.model.resources import Resource
from simulator.model.wire import Json

_TEMPLATES = "inject.istio.io/templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPort:
    """A port of a pod on which its proxy accepts requests from outside."""

    number: int
    protocol: Protocol


def workload_ports(world: World, pod: PodView) -> Iterator[WorkloadPort]:
    """Yield the ports of a pod, once per service port, or server of a Gateway, that leads to them."""
    opened = [gateway for gateway in world.of_kind("Gateway") if _opens(gateway, pod)]
    for gateway in opened:
        for server in gateway.spec.get("servers") or ():
            yield WorkloadPort(number=(server.get("port") or {}).get("number") or 0, protocol=_spoken(server))
    if opened or _is_gateway(pod):
        return
    for service in world.once(services).selecting(pod.namespace, pod.labels):
        for port in Services.ports(service):
            number = target_port(port, pod)
            if number:
                yield WorkloadPort(number=number, protocol=port_protocol(port))


def _is_gateway(pod: PodView) -> bool:
    """Tell whether a pod's proxy is a gateway, which has no application behind it."""
    if GATEWAY_NAME in pod.labels or "gateway" in pod.annotations.get(_TEMPLATES, "").split(","):
        return True
    return any(each.get("name") == PROXY and "router" in (each.get("args") or ()) for each in pod.containers)


def _opens(gateway: Resource, pod: PodView) -> bool:
    selector = gateway.spec.get("selector") or {}
    return bool(selector) and selects(selector, pod.labels)


def _spoken(server: Json) -> Protocol:
    """Return the protocol that a gateway reads once it has terminated TLS."""
    protocol = parse_protocol(str((server.get("port") or {}).get("protocol") or ""))
    mode = (server.get("tls") or {}).get("mode") or "PASSTHROUGH"
    if protocol is Protocol.HTTPS:
        return Protocol.TLS if mode in ("PASSTHROUGH", "AUTO_PASSTHROUGH") else Protocol.HTTP
    return protocol


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

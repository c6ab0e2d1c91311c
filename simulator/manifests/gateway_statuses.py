"""Status of the Gateway API's Gateways, as far as their deployment determines it: accepted, programmed.

istiod: pilot/pkg/config/kube/gateway/conversion.go (reportGatewayStatus). Conditions of single listeners are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from simulator.model.labels import GATEWAY_NAME
from simulator.model.resources import Resource
from simulator.model.wire import Json

_GROUP = "gateway.networking.k8s.io"
_CLASSES = frozenset({"istio", "istio-remote", "istio-waypoint", "istio-east-west"})
_REMOTE = "istio-remote"
_SINCE = "2026-01-01T00:00:00Z"


def is_managed(resource: Resource) -> bool:
    """Tell whether istiod reports on a resource."""
    return resource.kind == "Gateway" and resource.group == _GROUP and resource.spec.get("gatewayClassName") in _CLASSES


def reported(resources: Sequence[Resource], made: Sequence[Resource]) -> Iterator[Resource]:
    """Yield the resources, with istiod's status on each Gateway whose Service is among `made`.

    A waypoint is used only once its status has an address.
    """
    services = [one for one in made if one.kind == "Service"]
    served = {(one.namespace, one.labels.get(GATEWAY_NAME)) for one in services}
    for each in resources:
        if is_managed(each) and not each.status and (each.namespace, each.name) in served:
            yield replace(each, document={**each.document, "status": gateway_status(each, services)})
        else:
            yield each


def gateway_status(gateway: Resource, services: Sequence[Resource]) -> Json:
    """Return the conditions and addresses of a Gateway, given all Services of the cluster."""
    if gateway.spec.get("gatewayClassName") == _REMOTE:
        words = "This Gateway is remote; Istio will not program it"
        remote = _condition("Programmed", holds=True, reason="Programmed", message=words)
        return {"conditions": [_accepted(), remote], "addresses": list(gateway.spec.get("addresses") or ())}
    own = [
        one for one in services if one.namespace == gateway.namespace and one.labels.get(GATEWAY_NAME) == gateway.name
    ]  # made by istiod for it
    ports = sorted({int(each.get("port", 0)) for each in gateway.spec.get("listeners") or ()})
    hosts = [f"{one.name}.{one.namespace}.svc.cluster.local" for one in own]
    reached = [f"{host}:{port}" for host in hosts for port in ports]
    if own:
        words = f"Resource programmed, assigned to service(s) {_joined(reached)}"
        programmed = _condition("Programmed", holds=True, reason="Programmed", message=words)
    else:
        words = "Failed to assign to any requested addresses"
        programmed = _condition("Programmed", holds=False, reason="InvalidAddress", message=words)
    status: Json = {"conditions": [_accepted(), programmed]}
    addresses = [{"type": "Hostname", "value": host} for host in hosts]
    return status | ({"addresses": addresses} if addresses else {})


def _accepted() -> Json:
    return _condition("Accepted", holds=True, reason="Accepted", message="Resource accepted")


def _condition(name: str, *, holds: bool, reason: str, message: str) -> Json:
    return {
        "type": name,
        "status": str(holds),
        "reason": reason,
        "message": message,
        "lastTransitionTime": _SINCE,
    }


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else ""

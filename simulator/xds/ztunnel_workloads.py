"""Workloads as ztunnel gets them (istio.workload.Workload), in proto-JSON.

istiod: pilot/pkg/serviceregistry/ambient/workloads.go.
"""

from collections.abc import Iterable, Iterator, Sequence

from simulator.model.addresses import is_address
from simulator.model.labels import Labels
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.ambient.services import AmbientService
from simulator.registry.ambient.view import entry_labels
from simulator.registry.endpoint_slices import ambient_captured, tunnel_enabled
from simulator.registry.snapshot import Snapshot
from simulator.registry.workloads import workload_name
from simulator.xds.ztunnel_attachments import Attachments, entry_ports, pod_ports
from simulator.xds.ztunnel_policies import workload_policies
from simulator.xds.ztunnel_services import gateway_address, packed

_RESOLVED = ("DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS")


def ztunnel_workloads(snapshot: Snapshot) -> Iterator[Json]:
    """Yield every workload: pods, WorkloadEntries, endpoints of ServiceEntries, addresses that only slices know."""
    attachments = Attachments(snapshot)
    for pod in snapshot.resources("Pod"):
        if pod.status.get("phase") not in ("Failed", "Succeeded") and pod.status.get("podIP"):
            yield _pod(snapshot, attachments, pod)
    for entry in snapshot.resources("WorkloadEntry"):
        yield _entry(snapshot, attachments, entry)
    for resource in snapshot.resources("ServiceEntry"):
        yield from _endpoints(snapshot, resource)
    for one in snapshot.resources("EndpointSlice"):
        yield from _slice(snapshot, attachments, one)


def _pod(snapshot: Snapshot, attachments: Attachments, pod: Resource) -> Json:
    services = attachments.of_pod(pod)
    addresses = [entry["ip"] for entry in pod.status.get("podIPs") or ()] or [pod.status["podIP"]]
    conditions = pod.status.get("conditions") or ()
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    node = snapshot.resource("Node", "", pod.spec.get("nodeName") or "")
    place = node.labels if node else {}
    common = _common(snapshot, pod.namespace, pod.labels, name=workload_name(pod))
    return _filled(
        {
            **common,
            "uid": f"{snapshot.cluster_id}//Pod/{pod.namespace}/{pod.name}",
            "name": pod.name,
            "network": snapshot.network,
            "addresses": packed(addresses),
            "serviceAccount": pod.spec.get("serviceAccountName") or "",
            "node": pod.spec.get("nodeName") or "",
            "services": {service.key: pod_ports(pod, service) for service in services},
            "status": "" if ready and not pod.metadata.get("deletionTimestamp") else "UNHEALTHY",
            "locality": _locality(
                place.get("topology.kubernetes.io/region", ""),
                place.get("topology.kubernetes.io/zone", ""),
                place.get("topology.istio.io/subzone", ""),
            ),
            "networkMode": "HOST_NETWORK" if pod.spec.get("hostNetwork") else "",
            **_tunnel(pod.labels, captured=ambient_captured(pod)),
        }
    )


def _common(snapshot: Snapshot, namespace: str, labels: Labels, *, name: str) -> Json:
    waypoints = snapshot.ambient.waypoints
    instance = waypoints.of_instance(namespace, labels)
    binding = instance.binding if instance else None
    tunnel = _filled({"protocol": binding[0].replace("NONE", ""), "port": binding[1]}) if binding else None
    domain = snapshot.trust_domain
    return {
        "namespace": namespace,
        "clusterId": snapshot.cluster_id,
        "workloadName": name,
        "workloadType": "POD",
        "canonicalName": _first(labels, "service.istio.io/canonical-name", "app.kubernetes.io/name", "app") or name,
        "canonicalRevision": _first(
            labels, "service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"
        )
        or "latest",
        "trustDomain": "" if domain == "cluster.local" else domain,
        "waypoint": gateway_address(waypoints.of_workload(namespace, labels), network=snapshot.network),
        "applicationTunnel": tunnel,
        "authorizationPolicies": workload_policies(snapshot, namespace, labels),
    }


def _entry(snapshot: Snapshot, attachments: Attachments, entry: Resource) -> Json:
    spec, labels = entry.spec, entry_labels(entry)
    name = (
        entry.annotations.get("istio.io/autoRegistrationGroup")
        or labels.get("service.istio.io/workload-name")
        or entry.name
    )
    common = _common(snapshot, entry.namespace, labels, name=name)
    services = {service.key: entry_ports(spec, service) for service in attachments.of_labels(entry.namespace, labels)}
    uid = f"{snapshot.cluster_id}/networking.istio.io/WorkloadEntry/{entry.namespace}/{entry.name}"
    captured = ambient_captured(entry)
    own = {"uid": uid, "name": entry.name, "services": services, **_tunnel(labels, captured=captured)}
    return _filled({**common, **own, **_placed(snapshot, spec)})


def _endpoints(snapshot: Snapshot, resource: Resource) -> Iterator[Json]:
    spec = resource.spec
    services = [one for one in snapshot.ambient.services if one.source is resource]
    inline = spec.get("endpoints") or ()
    implicit = not inline and spec.get("workloadSelector") is None and spec.get("resolution") in _RESOLVED
    pairs: Iterable[tuple[Json, Sequence[AmbientService]]] = (
        [({"address": service.host}, [service]) for service in services]
        if implicit
        else [(entry, services) for entry in inline if services]
    )
    for entry, served in pairs:
        common = _common(snapshot, resource.namespace, resource.labels, name=resource.name)
        common["waypoint"] = None
        if not implicit:
            waypoint = snapshot.ambient.waypoints.of_workload(resource.namespace, entry.get("labels") or {})
            common["waypoint"] = gateway_address(waypoint, network=snapshot.network)
        base = f"{snapshot.cluster_id}/networking.istio.io/ServiceEntry/{resource.namespace}/{resource.name}"
        own = {
            "uid": f"{base}/{entry.get('address') or ''}",
            "name": resource.name,
            "services": {service.key: entry_ports(entry, service) for service in served},
            **_tunnel(resource.labels, captured=ambient_captured(resource)),
        }
        yield _filled({**common, **own, **_placed(snapshot, entry)})


def _slice(snapshot: Snapshot, attachments: Attachments, one: Resource) -> Iterator[Json]:
    service = attachments.of_slice(one)
    if service is None or one.document.get("addressType") == "FQDN":
        return
    numbers = {port.get("name") or "": int(port["port"]) for port in service.source.spec.get("ports") or ()}
    ports = [
        {"servicePort": numbers[port["name"]], "targetPort": int(port["port"])}
        for port in one.document.get("ports") or ()
        if port.get("name") in numbers and port.get("port") and port.get("protocol") == "TCP"
    ]
    seen: set[str] = set()
    for entry in one.document.get("endpoints") or ():
        addresses = entry.get("addresses") or ()
        if (entry.get("targetRef") or {}).get("kind") == "Pod" or not addresses or addresses[0] in seen:
            continue
        seen.add(addresses[0])
        ready = (entry.get("conditions") or {}).get("ready", True) is not False
        base = f"{snapshot.cluster_id}/discovery.k8s.io/EndpointSlice/{one.namespace}/{one.name}"
        domain = snapshot.trust_domain
        yield _filled(
            {
                "uid": f"{base}/{addresses[0]}",
                "name": one.name,
                "namespace": one.namespace,
                "addresses": packed(addresses),
                "network": snapshot.network,
                "trustDomain": "" if domain == "cluster.local" else domain,
                "services": {service.key: {"ports": ports} if ports else {}},
                "status": "" if ready else "UNHEALTHY",
                "clusterId": snapshot.cluster_id,
                "networkMode": "HOST_NETWORK",
            }
        )


def _placed(snapshot: Snapshot, spec: Json) -> Json:
    """Return what a WorkloadEntry, be it inline, says of itself."""
    address = spec.get("address") or ""
    return {
        "network": spec.get("network") or snapshot.network,
        "serviceAccount": spec.get("serviceAccount") or "",
        "addresses": packed([address]) if is_address(address) else [],
        "hostname": "" if is_address(address) else address,
        "capacity": int(spec.get("weight") or 0),
        "locality": _locality(*(*(spec.get("locality") or "").split("/"), "", "", "")[:3]),
    }


def _tunnel(labels: Labels, *, captured: bool) -> Json:
    native = tunnel_enabled(labels)
    return {"tunnelProtocol": "HBONE" if captured or native else "", "nativeTunnel": native}


def _locality(region: str, zone: str, subzone: str) -> Json:
    return _filled({"region": region, "zone": zone, "subzone": subzone})


def _first(labels: Labels, *keys: str) -> str:
    return next((labels[key] for key in keys if key in labels), "")


def _filled(document: Json) -> Json:
    return {key: value for key, value in document.items() if value}

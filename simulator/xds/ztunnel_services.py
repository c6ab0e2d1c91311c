"""Services as ztunnel gets them (istio.workload.Service), in proto-JSON.

istiod: pilot/pkg/serviceregistry/ambient/services.go (constructService, constructServiceEntries).
"""

import base64
import ipaddress
from collections.abc import Iterable, Sequence

from simulator.model.own_ports import HBONE_PORT
from simulator.model.ports import Protocol, kubernetes_protocol, parse_protocol
from simulator.model.wire import Json
from simulator.registry.ambient.services import AmbientService
from simulator.registry.ambient.waypoints import Waypoint
from simulator.registry.kubernetes import traffic_distribution
from simulator.registry.snapshot import Snapshot

_APP_PROTOCOLS = {
    Protocol.HTTP: "HTTP11",
    Protocol.HTTP2: "HTTP2",
    Protocol.GRPC: "GRPC",
    Protocol.TLS: "TLS",
    Protocol.HTTPS: "TLS",
    Protocol.TCP: "TCP",
}
_PREFERENCES = {
    "PreferSameZone": ["NETWORK", "REGION", "ZONE"],
    "PreferSameNode": ["NETWORK", "REGION", "ZONE", "SUBZONE", "NODE"],
}


def ztunnel_service(snapshot: Snapshot, service: AmbientService) -> Json:
    """Return one service."""
    kubernetes = service.source.kind == "Service"
    specific = _of_service(snapshot, service) if kubernetes else _of_entry(snapshot, service)
    document: Json = {
        "name": service.source.name,
        "namespace": service.namespace,
        "hostname": service.host,
        **specific,
        "waypoint": gateway_address(service.waypoint, network=snapshot.network),
        "canonical": service.canonical,
        "ingressUseWaypoint": service.ingress_uses_waypoint,
    }
    return {key: value for key, value in document.items() if value}


def gateway_address(waypoint: Waypoint | None, *, network: str) -> Json | None:
    """Return the reference to a waypoint: by host where it has one."""
    if waypoint is None:
        return None
    if waypoint.host:
        return {"hostname": {"namespace": waypoint.namespace, "hostname": waypoint.host}, "hboneMtlsPort": HBONE_PORT}
    for address in network_addresses([waypoint.address], network=network):
        return {"address": address, "hboneMtlsPort": HBONE_PORT}
    return None


def network_addresses(texts: Iterable[str], *, network: str) -> list[Json]:
    """Return addresses and ranges in a network, bytes as base64; malformed ones are left out."""
    found = []
    for text in texts:
        try:
            block = ipaddress.ip_network(text, strict=False)
        except ValueError:
            continue
        document: Json = {"address": _encoded(block.network_address.packed)}
        if network:
            document["network"] = network
        if block.prefixlen != block.max_prefixlen:
            document["length"] = block.prefixlen
        found.append(document)
    return found


def packed(addresses: Iterable[str]) -> list[str]:
    """Return the bytes of addresses as base64; malformed ones are left out."""
    return [one["address"] for one in network_addresses(addresses, network="")]


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _of_service(snapshot: Snapshot, service: AmbientService) -> Json:
    spec = service.source.spec
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP")]
    families = spec.get("ipFamilies") or []
    single = {"IPv4": "IPV4_ONLY", "IPv6": "IPV6_ONLY"}.get(families[0]) if len(families) == 1 else None
    return {
        "addresses": network_addresses(filter(None, addresses), network=snapshot.network),
        "ports": [_port(port) for port in spec.get("ports") or ()],
        "loadBalancing": _load_balancing(snapshot, service),
        "ipFamilies": "DUAL" if len(families) == 2 else single,
    }


def _port(port: Json) -> Json:
    number, target = int(port["port"]), port.get("targetPort") or port["port"]
    protocol = kubernetes_protocol(
        number=number,
        name=port.get("name") or "",
        transport=port.get("protocol") or "TCP",
        app_protocol=port.get("appProtocol") or "",
    )
    document: Json = {"servicePort": number}
    if isinstance(target, int) or str(target).isdigit():
        document["targetPort"] = int(target)
    return _with_protocol(document, protocol)


def _with_protocol(port: Json, protocol: Protocol) -> Json:
    known = _APP_PROTOCOLS.get(protocol)
    return {**port, "appProtocol": known} if known else port


def _load_balancing(snapshot: Snapshot, service: AmbientService) -> Json | None:
    spec = service.source.spec
    if spec.get("internalTrafficPolicy") == "Local":
        found: Json = {"routingPreference": ["NODE"], "mode": "STRICT"}
    else:
        found = _distribution(snapshot, service, spec.get("trafficDistribution"))
    return {**found, "healthPolicy": "ALLOW_ALL"} if spec.get("publishNotReadyAddresses") else found


def _distribution(snapshot: Snapshot, service: AmbientService, field: str | None) -> Json:
    namespace = snapshot.resource("Namespace", "", service.namespace)
    inherited = namespace.annotations if namespace else {}
    chosen = traffic_distribution(field, service.source.annotations, inherited)
    return {"routingPreference": _PREFERENCES[chosen], "mode": "FAILOVER"} if chosen else {}


def _of_entry(snapshot: Snapshot, service: AmbientService) -> Json:
    spec = service.source.spec
    resolution = spec.get("resolution") or "NONE"
    if resolution == "NONE":
        balancing: Json = {"mode": "PASSTHROUGH", "healthPolicy": "ALLOW_ALL"}
    else:
        balancing = _distribution(snapshot, service, None)
    ports = [
        _with_protocol(
            {"servicePort": int(port["number"]), "targetPort": int(port.get("targetPort") or port["number"])},
            parse_protocol(port.get("protocol") or ""),
        )
        for port in spec.get("ports") or ()
    ]
    addresses = spec.get("addresses") or _allocated(service, resolution)
    return {
        "addresses": network_addresses(addresses, network=snapshot.network),
        "ports": ports,
        "loadBalancing": balancing,
        "subjectAltNames": list(spec.get("subjectAltNames") or ()),
    }


def _allocated(service: AmbientService, resolution: str) -> Sequence[str]:
    """Return the addresses that istiod's controller gave a host, wildcards only where they are resolved on demand."""
    opted_out = (service.source.labels.get("networking.istio.io/enable-autoallocate-ip") or "").lower() == "false"
    if resolution == "NONE" or opted_out or (service.host.startswith("*") and resolution != "DYNAMIC_DNS"):
        return ()
    entries = service.source.status.get("addresses") or ()
    return [entry["value"] for entry in entries if entry.get("host") == service.host]

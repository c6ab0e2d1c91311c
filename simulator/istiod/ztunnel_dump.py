"""ztunnel's `/config_dump`: what istiod sends to ztunnels, in ztunnel's own form.

ztunnel: src/state/workload.rs, src/state/service.rs, src/rbac.rs (their serialised forms).
"""

import base64
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulator.istiod import pages
from simulator.istiod.ztunnel_proxies import of_node
from simulator.model.wire import Json

if TYPE_CHECKING:
    from simulator.registry.snapshot import Snapshot

_SCOPES = {"GLOBAL": "Global", "NAMESPACE": "Namespace", "WORKLOAD_SELECTOR": "WorkloadSelector"}
_MATCH = ("exact", "suffix", "prefix", "presence")


def ztunnel_page(snapshot: "Snapshot", target: str, *, node: str) -> pages.Page:
    """Answer a GET to the admin interface of the ztunnel of a node."""
    path = "/" + target.partition("?")[0].strip("/")
    if path == "/config_dump":
        return pages.document(ztunnel_dump(snapshot, node=node), indent=2)
    return pages.text("not found\n", status=404)


def ztunnel_dump(snapshot: "Snapshot", *, node: str = "") -> Json:
    """Return the dump of the ztunnel of a node; without a node, the parts that are the same for every ztunnel."""
    from simulator.xds.ztunnel import ztunnel_resources

    resources = ztunnel_resources(snapshot)
    workloads = [each["workload"] for each in resources["addresses"] if "workload" in each]
    services = [each["service"] for each in resources["addresses"] if "service" in each]
    endpoints = _endpoints(workloads)
    return {
        "workloads": [_workload(each, snapshot.trust_domain) for each in workloads],
        "services": [_service(each, endpoints) for each in services],
        "policies": [_policy(each) for each in resources["policies"]],
        **of_node(snapshot, node),
    }


def address(text: str) -> str:
    """Return an address that is packed in base64, in its usual notation."""
    return str(ipaddress.ip_address(base64.b64decode(text)))


def _network_address(document: Json) -> str:
    return f"{document.get('network', '')}/{address(document['address'])}"


def _gateway(document: Json | None) -> Json | None:
    if not document:
        return None
    host = document.get("hostname") or {}
    named = f"{host.get('namespace', '')}/{host.get('hostname', '')}"
    destination = _network_address(document["address"]) if "address" in document else named
    return {"destination": destination, "hboneMtlsPort": document.get("hboneMtlsPort", 0)}


def _filled(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value not in (None, "", {}, [])}


def _workload(document: Json, trust_domain: str) -> Json:
    return _filled(
        workloadIps=[address(each) for each in document.get("addresses") or ()],
        waypoint=_gateway(document.get("waypoint")),
        networkGateway=_gateway(document.get("networkGateway")),
        trustDomain=document.get("trustDomain") or trust_domain,
        network=document.get("network"),
        locality=document.get("locality"),
        hostname=document.get("hostname"),
        node=document.get("node"),
        authorizationPolicies=list(document.get("authorizationPolicies") or ()),
        applicationTunnel=document.get("applicationTunnel"),
        nativeTunnel=document.get("nativeTunnel"),
        services=sorted(document.get("services") or {}),
    ) | {
        "protocol": document.get("tunnelProtocol") or "TCP",
        "uid": document["uid"],
        "name": document.get("name", ""),
        "namespace": document.get("namespace", ""),
        "serviceAccount": document.get("serviceAccount") or "default",
        "workloadName": document.get("workloadName", ""),
        "workloadType": str(document.get("workloadType") or "DEPLOYMENT").lower(),
        "canonicalName": document.get("canonicalName", ""),
        "canonicalRevision": document.get("canonicalRevision", ""),
        "clusterId": document.get("clusterId", ""),
        "status": str(document.get("status") or "HEALTHY").capitalize(),
        "capacity": document.get("capacity") or 1,
    }


def _ports(listed: Iterable[Json]) -> dict[str, int]:
    return {str(port.get("servicePort", 0)): int(port.get("targetPort") or 0) for port in listed}


def _endpoints(workloads: Sequence[Json]) -> Mapping[str, Json]:
    found: dict[str, Json] = {}
    for workload in workloads:
        for service, ports in (workload.get("services") or {}).items():
            found.setdefault(service, {})[workload["uid"]] = {
                "workloadUid": workload["uid"],
                "port": _ports((ports or {}).get("ports") or ()),
                "status": str(workload.get("status") or "HEALTHY").capitalize(),
            }
    return found


def _service(document: Json, endpoints: Mapping[str, Json]) -> Json:
    host, namespace = document.get("hostname", ""), document.get("namespace", "")
    balancing = document.get("loadBalancing") or {}
    return {
        "name": document.get("name", ""),
        "namespace": namespace,
        "hostname": host,
        "vips": [_network_address(each) for each in document.get("addresses") or () if "length" not in each],
        "ports": _ports(document.get("ports") or ()),
        "endpoints": endpoints.get(f"{namespace}/{host}", {}),
        "subjectAltNames": list(document.get("subjectAltNames") or ()),
    } | _filled(
        waypoint=_gateway(document.get("waypoint")),
        ipFamilies={"IPV4_ONLY": "IPv4", "IPV6_ONLY": "IPv6", "DUAL": "Dual"}.get(document.get("ipFamilies", "")),
        canonical=document.get("canonical"),
        loadBalancer=_filled(
            mode=_camel(balancing.get("mode")),
            routingPreferences=[_camel(each) for each in balancing.get("routingPreference") or ()],
        ),
    )


def _camel(text: str | None) -> str:
    return "".join(part.capitalize() for part in (text or "").split("_"))


def _policy(document: Json) -> Json:
    return {
        "name": document.get("name", ""),
        "namespace": document.get("namespace", ""),
        "scope": _SCOPES[document.get("scope") or "GLOBAL"],
        "action": str(document.get("action") or "ALLOW").capitalize(),
        "rules": [
            [[_match(match) for match in rule.get("matches") or ()] for rule in group.get("rules") or ()]
            for group in document.get("groups") or ()
        ],
    }


def _match(document: Json) -> Json:
    found: Json = {}
    for field, values in document.items():
        if field.lower().endswith("ips"):
            found[field] = [f"{address(each['address'])}/{each.get('length', 32)}" for each in values]
        elif field.lower().endswith("ports"):
            found[field] = list(values)
        else:
            found[field] = [_text(each) for each in values]
    return found


def _text(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name.capitalize() if name in _MATCH else name: inner for name, inner in value.items()}

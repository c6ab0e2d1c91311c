"""istiod's registries as its debug interface prints them: Go's JSON of its own types.

istiod: pilot/pkg/model/service.go (Service, IstioEndpoint), endpointshards.go.
"""

from typing import TYPE_CHECKING

from simulator.model.ports import Port
from simulator.model.proxies import ServiceTarget
from simulator.model.services import Endpoint, Health, Registry, Resolution, Service
from simulator.model.wire import Json

if TYPE_CHECKING:
    from simulator.registry.snapshot import Snapshot

_RESOLUTIONS = {
    Resolution.CLIENT_SIDE_LB: 0,
    Resolution.DNS_LB: 1,
    Resolution.PASSTHROUGH: 2,
    Resolution.DNS_ROUND_ROBIN_LB: 3,
    Resolution.ALIAS: 4,
    Resolution.DYNAMIC_DNS: 5,
}
_HEALTH = {Health.HEALTHY: 1, Health.UNKNOWN: 1, Health.UNHEALTHY: 2, Health.DRAINING: 3, Health.TERMINATING: 4}
_NEVER = "0001-01-01T00:00:00Z"


def service_view(service: Service, *, cluster_id: str = "Kubernetes") -> Json:
    """Return a service as `/debug/registryz` lists it."""
    kubernetes = service.registry is Registry.KUBERNETES
    view: Json = {
        "Attributes": {
            "ServiceRegistry": service.registry.value,
            "Name": service.name,
            "Namespace": service.namespace,
            "Labels": dict(service.labels) or None,
            "ExportTo": {scope: {} for scope in sorted(service.export_to)} or None,
            "LabelSelectors": dict(service.selector) or None,
            "Aliases": None,
            "ClusterExternalAddresses": {"Addresses": None},
            "ClusterExternalPorts": None,
            "PassthroughTargetPorts": None,
            "Type": service.type if kubernetes else "",
            "ExternalName": service.external_name,
            "NodeLocal": service.node_local,
            "TrafficDistribution": 0,
            "ObjectName": service.source.name,
            "DNSConnectStrategy": 0,
            "PublishNotReadyAddresses": service.publish_not_ready,
        },
        "ports": [_port(port) for port in service.ports],
        "creationTime": service.created or _NEVER,
        "hostname": service.host,
        "clusterVIPs": {"Addresses": {cluster_id: list(service.addresses)} if kubernetes else None},
        "defaultAddress": service.address,
        "Resolution": _RESOLUTIONS[service.resolution],
        "MeshExternal": service.mesh_external,
        "ResourceVersion": "",
    }
    if service.service_accounts:
        view["serviceAccounts"] = list(service.service_accounts)
    for address in service.auto_addresses:
        view["autoAllocatedIPv6Address" if ":" in address else "autoAllocatedIPv4Address"] = address
    return view


def _port(port: Port) -> Json:
    return {"name": port.name, "port": port.number, "protocol": port.protocol.value}


def endpoint_view(endpoint: Endpoint) -> Json:
    """Return an endpoint as `/debug/endpointShardz` lists it."""
    return {
        "Labels": dict(endpoint.labels),
        "Addresses": list(endpoint.addresses) or [endpoint.address],
        "ServicePortName": endpoint.port_name,
        "LegacyClusterPortKey": 0,
        "ServiceAccount": endpoint.service_account,
        "Network": endpoint.network,
        "Locality": {"Label": str(endpoint.locality), "ClusterID": endpoint.cluster_id},
        "EndpointPort": endpoint.port,
        "LbWeight": endpoint.weight,
        "TLSMode": endpoint.tls_mode,
        "Namespace": endpoint.namespace,
        "WorkloadName": endpoint.workload_name,
        "HostName": endpoint.host_name,
        "SubDomain": endpoint.sub_domain,
        "HealthStatus": _HEALTH[endpoint.health],
        "SendUnhealthyEndpoints": False,
        "NodeName": endpoint.node_name,
    }


def shards(snapshot: "Snapshot") -> Json:
    """Return `/debug/endpointShardz`: host → namespace → shard of a registry → endpoints."""
    found: Json = {}
    for service in snapshot.services:
        by_shard: dict[str, list[Json]] = {}
        accounts: set[str] = set()
        for port in service.ports:
            for endpoint in snapshot.endpoints(service, port.number):
                shard = f"{service.registry.value}/{endpoint.cluster_id}"
                by_shard.setdefault(shard, []).append(endpoint_view(endpoint))
                accounts.update({endpoint.service_account} - {""})
        if by_shard:
            view = {"Shards": by_shard, "ServiceAccounts": {account: {} for account in sorted(accounts)}}
            found.setdefault(service.host, {})[service.namespace] = view
    return found


def target_view(target: ServiceTarget) -> Json:
    """Return an entry of `/debug/instancesz`."""
    return {
        "Service": service_view(target.service),
        "Port": {"ServicePort": _port(target.port), "TargetPort": target.target_port},
    }

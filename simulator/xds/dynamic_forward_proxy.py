"""Clusters of wildcard hosts that are resolved per request (ServiceEntry resolution DYNAMIC_DNS).

istiod: pilot/pkg/networking/core/cluster_builder.go (buildDFPCluster).
"""

from simulator.model.ports import Port, Protocol
from simulator.model.services import Service
from simulator.xds.clients import Client
from simulator.xds.cluster_draft import ClusterDraft, set_upstream_protocol
from simulator.xds.envoy_messages import typed

_FORWARDED = frozenset({Protocol.HTTP, Protocol.TLS, Protocol.GRPC, Protocol.HTTP2})


def forwards(port: Port) -> bool:
    """Tell whether the port's protocol carries the name to resolve."""
    return port.protocol in _FORWARDED


def cache_name(host: str) -> str:
    """Return the name of the DNS cache that the cluster shares with the HTTP filter of that host."""
    return f"{host}_dfp_dns_cache"


def forward_proxy_draft(name: str, *, service: Service, port: Port, client: Client) -> ClusterDraft:
    """Start the cluster of a wildcard host's port."""
    draft = ClusterDraft(
        cluster={
            "name": name,
            "alt_stat_name": f"{name};",
            "lb_policy": "CLUSTER_PROVIDED",
            "cluster_type": typed(
                "envoy.clusters.dynamic_forward_proxy",
                "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
                dns_cache_config={"name": cache_name(service.host), "dns_lookup_family": "V4_ONLY"},
            ),
        },
        dynamic_forward_proxy=True,
    )
    set_upstream_protocol(draft, port.protocol, client)
    return draft

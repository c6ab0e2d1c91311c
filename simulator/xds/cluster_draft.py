"""A cluster while its parts are being added, and the base that every service cluster starts from.

istiod: pilot/pkg/networking/core/cluster_builder.go (clusterWrapper, buildCluster, setUpstreamProtocol).
"""

from dataclasses import dataclass, field

from simulator.model.ports import Protocol
from simulator.model.proxies import Role
from simulator.model.wire import Cluster, Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Client
from simulator.xds.durations import duration
from simulator.xds.envoy_messages import any_message, typed, typed_struct

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
METADATA_EXCHANGE = typed_struct(
    "istio.metadata_exchange",
    "envoy.tcp.metadataexchange.config.MetadataExchange",
    {"protocol": "istio-peer-exchange", "enable_discovery": True},
)
PRESERVE_CASE: Json = {
    "header_key_format": {
        "stateful_formatter": {
            "name": "preserve_case",
            "typed_config": any_message(
                "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig"
            ),
        }
    }
}


@dataclass(slots=True, kw_only=True)
class ClusterDraft:
    """A cluster under construction; `finish` returns it."""

    cluster: Cluster
    http: Json | None = None
    """HttpProtocolOptions, packed by `finish`."""
    dynamic_forward_proxy: bool = False
    istio_metadata: Json = field(default_factory=dict)
    hides_baggage: bool = False
    """Peers cannot learn of each other by baggage, since something hides the connection."""

    @property
    def type(self) -> str:
        """Discovery type; empty for a custom one."""
        return self.cluster.get("type", "")

    @property
    def explicit_http2(self) -> bool:
        """The cluster speaks HTTP/2 by declaration."""
        return "http2_protocol_options" in ((self.http or {}).get("explicit_http_config") or {})

    def http_options(self) -> Json:
        """Return the protocol options to add to."""
        if self.http is None:
            self.http = {}
        return self.http

    def use_http2(self) -> None:
        """Speak HTTP/2, unless a protocol is chosen already."""
        options = self.http_options()
        if "explicit_http_config" not in options and "use_downstream_protocol_config" not in options:
            options["explicit_http_config"] = {"http2_protocol_options": {}}

    def use_downstream_protocol(self) -> None:
        """Speak what the client spoke; HTTP/1 options that were set explicitly are kept."""
        options = self.http_options()
        http1 = options.pop("explicit_http_config", {}).get("http_protocol_options") or {}
        options["use_downstream_protocol_config"] = {"http_protocol_options": http1, "http2_protocol_options": {}}

    def finish(self) -> Cluster:
        """Return the cluster with its protocol options and metadata packed."""
        if self.http is not None:
            options = self.http
            if "explicit_http_config" not in options and "use_downstream_protocol_config" not in options:
                options["explicit_http_config"] = {"http_protocol_options": {}}
            self.cluster["typed_extension_protocol_options"] = {
                HTTP_OPTIONS: {"@type": f"type.googleapis.com/{HTTP_OPTIONS}", **options}
            }
        metadata: Json = {"istio": self.istio_metadata} if self.istio_metadata else {}
        if self.hides_baggage:
            metadata["istio.peer_metadata"] = {"disable_baggage_discovery": True}
        if metadata:
            self.cluster["metadata"] = {"filter_metadata": metadata}
        return self.cluster


def draft_cluster(snapshot: Snapshot, *, discovery: str, protocol: Protocol, client: Client) -> ClusterDraft:
    """Start a service cluster without a name yet: discovery and upstream protocol."""
    cluster: Cluster = {"type": discovery, "common_lb_config": {}}
    if discovery in ("STRICT_DNS", "LOGICAL_DNS"):
        _add_dns(snapshot, cluster, client)
    draft = ClusterDraft(cluster=cluster)
    set_upstream_protocol(draft, protocol, client)
    return draft


def set_upstream_protocol(draft: ClusterDraft, protocol: Protocol, client: Client) -> None:
    """Choose the protocol spoken to the endpoints from the port's."""
    if protocol.is_http2:
        draft.use_http2()
        return
    if (protocol.is_http or protocol is Protocol.AUTO) and client.preserve_header_case:
        draft.http_options()["explicit_http_config"] = {"http_protocol_options": PRESERVE_CASE}
    if client.role is not Role.GATEWAY and protocol is Protocol.AUTO:
        draft.use_downstream_protocol()


def add_metadata_exchange(snapshot: Snapshot, draft: ClusterDraft) -> None:
    """Let the cluster exchange workload metadata over TCP."""
    if snapshot.flag("PILOT_ENABLE_METADATA_EXCHANGE", default=True):
        draft.cluster["filters"] = [METADATA_EXCHANGE]


def connect_timeout(snapshot: Snapshot) -> str:
    """Return the mesh's connect timeout."""
    return duration(snapshot.mesh.get("connectTimeout") or "10s")


def _add_dns(snapshot: Snapshot, cluster: Cluster, client: Client) -> None:
    if client.dual_stack:
        cluster["dns_lookup_family"] = "ALL" if snapshot.flag("ISTIO_DUAL_STACK", default=False) else "V4_ONLY"
    elif client.ipv6:
        both = snapshot.flag("ISTIO_ENABLE_IPV4_OUTBOUND_LISTENER_FOR_IPV6_CLUSTERS", default=False)
        cluster["dns_lookup_family"] = "ALL" if both else "V6_ONLY"
    else:
        cluster["dns_lookup_family"] = "V4_ONLY"
    queries = snapshot.flags.get("PILOT_DNS_CARES_UDP_MAX_QUERIES", "")
    cluster["typed_dns_resolver_config"] = typed(
        "envoy.network.dns_resolver.cares",
        "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
        udp_max_queries=int(queries) if queries.isdigit() else 100,
    )
    cluster["dns_jitter"] = duration(snapshot.flags.get("PILOT_DNS_JITTER_DURATION") or "100ms")
    cluster["dns_refresh_rate"] = duration(snapshot.mesh.get("dnsRefreshRate") or "60s")
    cluster["respect_dns_ttl"] = True

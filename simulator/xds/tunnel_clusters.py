"""Clusters that HBONE tunnels are made of: to internal listeners, and from them to the other end.

istiod: pilot/pkg/networking/core/cluster_waypoint.go.
"""

from simulator.model.own_ports import HBONE_PORT
from simulator.model.wire import Cluster, Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.cluster_draft import HTTP_OPTIONS, connect_timeout
from simulator.xds.connection_pool import thresholds
from simulator.xds.downstream_tls import trust_domains
from simulator.xds.durations import duration
from simulator.xds.envoy_messages import any_message, typed_struct
from simulator.xds.internal_sockets import CONNECT_ORIGINATE, ORIGINAL_DST, PLAIN, internal_socket, shares_baggage
from simulator.xds.tunnels import FORWARD_INNER
from simulator.xds.upstream_tls_context import sds_secret

MAIN_INTERNAL, ENCAP = "main_internal", "encap"
INNER_ORIGINATE, OUTER_ORIGINATE = "inner_connect_originate", "outer_connect_originate"
BAGGAGE_FILTER = typed_struct(
    "upstream_hbone_peer_metadata", "envoy.extensions.network_filters.peer_metadata.UpstreamConfig", {}
)


def main_internal(snapshot: Snapshot) -> Cluster:
    """Build the cluster to the listener for what came out of a tunnel."""
    return _to_listener(snapshot, MAIN_INTERNAL, MAIN_INTERNAL, http=True)


def encap(snapshot: Snapshot, forwards: bool) -> Cluster:
    """Build the cluster to the listener that opens tunnels; an east-west gateway `forwards` those inside."""
    if forwards:
        return _to_listener(snapshot, ENCAP, FORWARD_INNER, http=False)
    cluster = _to_listener(snapshot, ENCAP, CONNECT_ORIGINATE, http=True)
    if shares_baggage(snapshot):
        cluster["filters"] = [BAGGAGE_FILTER]
    return cluster


def connect_originate(snapshot: Snapshot, namespace: str) -> Cluster:
    """Build the cluster that opens tunnels; a waypoint expects workloads of its own `namespace` at the other end."""
    prefix = f"spiffe://{snapshot.mesh.get('trustDomain') or snapshot.trust_domain}/ns/{namespace}/sa/"
    if snapshot.flag("PILOT_SKIP_VALIDATE_TRUST_DOMAIN", default=False):
        prefix = ""
    cluster = _originate(snapshot, CONNECT_ORIGINATE, peer=prefix if namespace else "")
    cluster["original_dst_lb_config"] = {"upstream_port_override": HBONE_PORT, "metadata_key": _WAYPOINT_KEY}
    return cluster


def forward_inner(snapshot: Snapshot) -> Cluster:
    """Build the cluster that passes on the tunnel inside another."""
    return {
        **_original_dst(snapshot, FORWARD_INNER),
        "original_dst_lb_config": {"upstream_port_override": HBONE_PORT, "metadata_key": _WAYPOINT_KEY},
    }


def double_originate(snapshot: Snapshot) -> tuple[Cluster, Cluster]:
    """Build the two clusters of a tunnel in a tunnel: the inner one first."""
    inner = _to_listener(snapshot, INNER_ORIGINATE, OUTER_ORIGINATE, http=False)
    inner["transport_socket"] = internal_socket(_tls(snapshot, peer=""), name="internal_upstream_with_tls")
    inner["typed_extension_protocol_options"] = _connect_options(snapshot, pooled=False)
    outer = _originate(snapshot, OUTER_ORIGINATE, peer="")
    outer["original_dst_lb_config"] = {"upstream_port_override": HBONE_PORT}
    outer["typed_extension_protocol_options"] = _connect_options(snapshot, pooled=False)
    return inner, outer


_WAYPOINT_KEY: Json = {"key": ORIGINAL_DST, "path": [{"key": "waypoint"}]}


def _to_listener(snapshot: Snapshot, name: str, listener: str, *, http: bool) -> Cluster:
    target: Json = {"endpoint": {"address": {"envoy_internal_address": {"server_listener_name": listener}}}}
    cluster: Cluster = {
        "name": name,
        "alt_stat_name": f"{name};",
        "type": "STATIC",
        "circuit_breakers": {"thresholds": [thresholds(snapshot)]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [target]}]},
        "transport_socket": internal_socket(PLAIN),
    }
    if http:
        cluster["typed_extension_protocol_options"] = _options(
            common_http_protocol_options={"idle_timeout": "300s"},
            use_downstream_protocol_config={"http_protocol_options": {}, "http2_protocol_options": {}},
        )
    return cluster


def _original_dst(snapshot: Snapshot, name: str) -> Cluster:
    return {
        "name": name,
        "alt_stat_name": f"{name};",
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": connect_timeout(snapshot),
        "cleanup_interval": "60s",
        "circuit_breakers": {"thresholds": [thresholds(snapshot)]},
    }


def _originate(snapshot: Snapshot, name: str, *, peer: str) -> Cluster:
    return {
        **_original_dst(snapshot, name),
        "typed_extension_protocol_options": _connect_options(snapshot, pooled=True),
        "transport_socket": _tls(snapshot, peer=peer),
    }


def _tls(snapshot: Snapshot, *, peer: str) -> Json:
    prefixes = [f"spiffe://{domain}/" for domain in trust_domains(snapshot)] + ([peer] if peer else [])
    names = [{"san_type": "URI", "matcher": {"prefix": prefix}} for prefix in prefixes]
    fips = snapshot.flags.get("COMPLIANCE_POLICY") == "fips-140-2"
    version = "TLSv1_2" if fips else "TLSv1_3"
    common: Json = {
        "alpn_protocols": ["h2"],
        "tls_params": {"tls_minimum_protocol_version": version, "tls_maximum_protocol_version": version},
        "tls_certificate_sds_secret_configs": [sds_secret("default")],
        "combined_validation_context": {
            "default_validation_context": {"match_typed_subject_alt_names": names} if names else {},
            "validation_context_sds_secret_config": sds_secret("ROOTCA"),
        },
    }
    kind = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    return {"name": "tls", "typed_config": any_message(kind, common_tls_context=common)}


def _connect_options(snapshot: Snapshot, *, pooled: bool) -> Json:
    http2: Json = {"allow_connect": True}
    for flag, field in (("STREAM", "stream"), ("CONNECTION", "connection")):
        size = snapshot.flags.get(f"PILOT_HBONE_INITIAL_{flag}_WINDOW_SIZE", "")
        if size.isdigit() and int(size):
            http2[f"initial_{field}_window_size"] = int(size)
    common: Json = {"idle_timeout": duration(snapshot.mesh.get("hboneIdleTimeout") or "3600s")}
    if not pooled:
        common["max_requests_per_connection"] = 1
    return _options(common_http_protocol_options=common, explicit_http_config={"http2_protocol_options": http2})


def _options(**fields: Json) -> Json:
    return {HTTP_OPTIONS: {"@type": f"type.googleapis.com/{HTTP_OPTIONS}", **fields}}

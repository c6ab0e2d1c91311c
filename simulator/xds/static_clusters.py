"""Clusters that every proxy of a kind has, whatever its services: black hole, passthrough, external secret server.

istiod: pilot/pkg/networking/core/cluster_builder.go.
"""

from simulator.model import names
from simulator.model.wire import Cluster, Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Client
from simulator.xds.cluster_draft import (
    HTTP_OPTIONS,
    PRESERVE_CASE,
    ClusterDraft,
    add_metadata_exchange,
    connect_timeout,
)
from simulator.xds.connection_pool import apply_connection_pool
from simulator.xds.upstream_tls_context import SDS_EXTERNAL_CLUSTER

_EXTERNAL_SOCKET = "./var/run/secrets/credential-uds/socket"


def black_hole(snapshot: Snapshot) -> Cluster:
    """Build the cluster without endpoints, for destinations that do not exist."""
    return {
        "name": names.BLACK_HOLE,
        "type": "STATIC",
        "alt_stat_name": f"{names.BLACK_HOLE};",
        "connect_timeout": connect_timeout(snapshot),
    }


def passthrough(snapshot: Snapshot, client: Client) -> Cluster:
    """Build the cluster that goes where the connection was going, for destinations that the mesh does not know."""
    draft = _passthrough_draft(snapshot, client, names.PASSTHROUGH)
    add_metadata_exchange(snapshot, draft)
    return draft.finish()


def inbound_passthrough(snapshot: Snapshot, client: Client) -> Cluster:
    """Build the cluster to ports of the workload that no service declares."""
    draft = _passthrough_draft(snapshot, client, names.INBOUND_PASSTHROUGH)
    extra = ("::6",) if client.dual_stack else ()
    draft.cluster["upstream_bind_config"] = bind_config("127.0.0.6" if client.ipv4 else "::6", *extra)
    return draft.finish()


def bind_config(source: str, *extra: str) -> Json:
    """Return the source addresses by which a proxy marks connections to its own workload as already handled."""
    result: Json = {"source_address": {"address": source, "port_value": 0}}
    if extra:
        result["extra_source_addresses"] = [{"address": {"address": ip, "port_value": 0}} for ip in extra]
    return result


def external_secrets(snapshot: Snapshot) -> Cluster:
    """Build the cluster of a node's own secret server."""
    endpoint: Json = {"endpoint": {"address": {"pipe": {"path": _EXTERNAL_SOCKET}}}}
    return {
        "name": SDS_EXTERNAL_CLUSTER,
        "type": "STATIC",
        "alt_stat_name": f"{SDS_EXTERNAL_CLUSTER};",
        "connect_timeout": connect_timeout(snapshot),
        "load_assignment": {"cluster_name": SDS_EXTERNAL_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {
            HTTP_OPTIONS: {
                "@type": f"type.googleapis.com/{HTTP_OPTIONS}",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
    }


def _passthrough_draft(snapshot: Snapshot, client: Client, name: str) -> ClusterDraft:
    http1 = PRESERVE_CASE if client.preserve_header_case else {}
    draft = ClusterDraft(
        cluster={
            "name": name,
            "type": "ORIGINAL_DST",
            "alt_stat_name": f"{names.PASSTHROUGH};",  # the inbound one too: istiod derives it from the other
            "lb_policy": "CLUSTER_PROVIDED",
        },
        http={
            "common_http_protocol_options": {"idle_timeout": "300s"},
            "use_downstream_protocol_config": {"http_protocol_options": http1, "http2_protocol_options": {}},
        },
    )
    apply_connection_pool(snapshot, draft, pool={}, retry_budget=None)
    return draft

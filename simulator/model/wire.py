"""JSON and Envoy's proto-JSON: the forms in which documents travel between the stages.

Envoy resources are plain dicts with snake_case field names and defaults left out, as `/config_dump` prints them.
The top-level shapes are typed here so that a misspelt key is a type error; nested messages are `Json`, and the protobuf
schemas check them in the tests.
"""

from typing import Any, TypedDict

Json = dict[str, Any]
"""A decoded JSON object."""


class Sourced(dict[str, Any]):
    """A JSON object that remembers which resource it was made from.

    Equality, serialisation and sharing are those of a plain dict: the source lies beside the document, not in it.
    """

    __slots__ = ("source",)

    def __init__(self, document: Json, source: object) -> None:
        super().__init__(document)
        self.source = source


def source_of(document: object) -> object:
    """Return what a JSON object was made from; None where it does not say."""
    return document.source if isinstance(document, Sourced) else None


class Listener(TypedDict, total=False):
    """envoy.config.listener.v3.Listener."""

    name: str
    address: Json
    additional_addresses: list[Json]
    stat_prefix: str
    filter_chains: list["FilterChain"]
    filter_chain_matcher: Json
    default_filter_chain: "FilterChain"
    use_original_dst: bool
    per_connection_buffer_limit_bytes: int
    metadata: Json
    drain_type: str
    listener_filters: list[Json]
    listener_filters_timeout: str
    continue_on_listener_filters_timeout: bool
    transparent: bool
    socket_options: list[Json]
    tcp_keepalive: Json
    traffic_direction: str
    udp_listener_config: Json
    api_listener: Json
    connection_balance_config: Json
    enable_reuse_port: bool
    access_log: list[Json]
    bind_to_port: bool
    internal_listener: Json
    max_connections_to_accept_per_socket_event: int


class FilterChain(TypedDict, total=False):
    """envoy.config.listener.v3.FilterChain."""

    name: str
    filter_chain_match: Json
    filters: list[Json]
    transport_socket: Json
    transport_socket_connect_timeout: str
    metadata: Json


class RouteConfiguration(TypedDict, total=False):
    """envoy.config.route.v3.RouteConfiguration."""

    name: str
    virtual_hosts: list["VirtualHost"]
    validate_clusters: bool
    ignore_port_in_host_matching: bool
    max_direct_response_body_size_bytes: int
    request_headers_to_add: list[Json]
    response_headers_to_add: list[Json]
    request_headers_to_remove: list[str]
    response_headers_to_remove: list[str]
    typed_per_filter_config: Json
    request_mirror_policies: list[Json]
    metadata: Json


class VirtualHost(TypedDict, total=False):
    """envoy.config.route.v3.VirtualHost."""

    name: str
    domains: list[str]
    routes: list["Route"]
    require_tls: str
    virtual_clusters: list[Json]
    rate_limits: list[Json]
    request_headers_to_add: list[Json]
    request_headers_to_remove: list[str]
    response_headers_to_add: list[Json]
    response_headers_to_remove: list[str]
    typed_per_filter_config: Json
    include_request_attempt_count: bool
    include_attempt_count_in_response: bool
    retry_policy: Json
    hedge_policy: Json
    request_mirror_policies: list[Json]
    metadata: Json


class Route(TypedDict, total=False):
    """envoy.config.route.v3.Route."""

    name: str
    match: Json
    route: Json
    redirect: Json
    direct_response: Json
    non_forwarding_action: Json
    metadata: Json
    decorator: Json
    typed_per_filter_config: Json
    request_headers_to_add: list[Json]
    request_headers_to_remove: list[str]
    response_headers_to_add: list[Json]
    response_headers_to_remove: list[str]
    tracing: Json
    stat_prefix: str


class Cluster(TypedDict, total=False):
    """envoy.config.cluster.v3.Cluster."""

    name: str
    alt_stat_name: str
    type: str
    cluster_type: Json
    eds_cluster_config: Json
    connect_timeout: str
    per_connection_buffer_limit_bytes: int
    lb_policy: str
    load_balancing_policy: Json
    load_assignment: "ClusterLoadAssignment"
    health_checks: list[Json]
    circuit_breakers: Json
    max_requests_per_connection: int
    typed_extension_protocol_options: Json
    dns_refresh_rate: str
    dns_jitter: str
    dns_lookup_family: str
    respect_dns_ttl: bool
    typed_dns_resolver_config: Json
    outlier_detection: Json
    cleanup_interval: str
    upstream_bind_config: Json
    lb_subset_config: Json
    ring_hash_lb_config: Json
    maglev_lb_config: Json
    original_dst_lb_config: Json
    least_request_lb_config: Json
    round_robin_lb_config: Json
    common_lb_config: Json
    transport_socket: Json
    transport_socket_matches: list[Json]
    metadata: Json
    upstream_connection_options: Json
    close_connections_on_host_health_failure: bool
    ignore_health_on_host_removal: bool
    filters: list[Json]
    track_cluster_stats: Json
    preconnect_policy: Json
    connection_pool_per_downstream_connection: bool


class ClusterLoadAssignment(TypedDict, total=False):
    """envoy.config.endpoint.v3.ClusterLoadAssignment."""

    cluster_name: str
    endpoints: list[Json]
    policy: Json

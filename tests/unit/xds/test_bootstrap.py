from typing import Any

import pytest

from simulator.xds.bootstrap import bootstrap
from simulator.xds.bootstrap_node import Node, service_cluster
from tests.unit.xds.shop import CLIENT, mesh


def node(config: dict[str, Any] | None = None, **metadata: Any) -> Node:
    """Return a node with some metadata."""
    return Node(
        id="sidecar~10.0.0.1~a.shop~shop.svc.cluster.local",
        metadata={"NAMESPACE": "shop", "INSTANCE_IPS": "10.0.0.1", **metadata},
        config=config or {},
    )


@pytest.mark.parametrize(
    ("config", "metadata", "name"),
    [
        ({"serviceCluster": "own"}, {"LABELS": {"app": "web"}}, "own"),
        ({"serviceCluster": "istio-proxy"}, {"LABELS": {"app": "web"}}, "web.shop"),
        ({}, {"LABELS": {"app.kubernetes.io/name": "web"}}, "web.shop"),
        ({}, {"WORKLOAD_NAME": "deployed"}, "deployed.shop"),
        ({}, {}, "istio-proxy.shop"),
        ({"tracingServiceName": "CANONICAL_NAME_ONLY"}, {"LABELS": {"app": "web"}}, "web"),
        ({"tracingServiceName": "CANONICAL_NAME_AND_NAMESPACE"}, {"WORKLOAD_NAME": "deployed"}, "deployed.shop"),
    ],
)
def test_service_cluster(config: dict[str, Any], metadata: dict[str, Any], name: str) -> None:
    """The service that a proxy belongs to: as configured, else by its label, else by its workload."""
    assert service_cluster(node(config, **metadata)) == name


def test_tracer_gets_a_cluster() -> None:
    """A tracer of the ProxyConfig is reached through a cluster of the bootstrap."""
    document = bootstrap(node({"tracing": {"zipkin": {"address": "zipkin.istio-system:9411"}}}))
    clusters = {cluster["name"]: cluster for cluster in document["static_resources"]["clusters"]}
    (group,) = clusters["zipkin"]["load_assignment"]["endpoints"]
    address = group["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    assert address == {"address": "zipkin.istio-system", "port_value": 9411}
    assert document["tracing"]["http"]["typed_config"]["collector_cluster"] == "zipkin"


def test_runtime_values() -> None:
    """A ProxyConfig adds runtime flags, unsets one with an empty text, and says true and false without quotes."""
    key = "re2.max_program_size.error_level"
    layers = bootstrap(node({"runtimeValues": {key: "", "a": "true", "b": "5"}}))["layered_runtime"]["layers"]
    flags = layers[0]["static_layer"]
    assert key not in flags
    assert (flags["a"], flags["b"]) == (True, "5")


def test_statistics_of_annotations() -> None:
    """Annotations choose statistics and tags; {pod_ip} stands for each address of the pod."""
    annotations = {
        "sidecar.istio.io/statsInclusionPrefixes": "http.{pod_ip}_",
        "sidecar.istio.io/extraStatTags": "shard",
        "sidecar.istio.io/statsFlushInterval": "2s",
    }
    document = bootstrap(node({"extraStatTags": ["shard", "tier"]}, ANNOTATIONS=annotations))
    config = document["stats_config"]
    patterns = config["stats_matcher"]["inclusion_list"]["patterns"]
    assert {"prefix": "http.10.0.0.1_"} in patterns
    assert {"prefix": "cluster_manager"} in patterns
    assert [tag["tag_name"] for tag in config["stats_tags"]].count("shard") == 1
    assert document["stats_flush_interval"] == "2s"


def test_ipv6_only() -> None:
    """A node with IPv6 addresses alone listens on them and asks DNS for them."""
    document = bootstrap(node(INSTANCE_IPS="2001:db8::1"))
    assert document["admin"]["address"]["socket_address"]["address"] == "::1"
    names = [listener["name"] for listener in document["static_resources"]["listeners"]]
    assert names == ["::_15090", "::_15021"]


def test_fits_envoys_schema() -> None:
    """A whole bootstrap of a mesh is a message that Envoy can read."""
    json_format = pytest.importorskip("google.protobuf.json_format")
    pytest.importorskip("envoy")
    from google.protobuf.message_factory import GetMessageClass

    from tests.conformance.schemas import descriptor

    for extension in (
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "envoy.extensions.filters.http.router.v3.Router",
        "envoy.extensions.filters.http.compressor.v3.Compressor",
        "envoy.extensions.compression.gzip.compressor.v3.Gzip",
        "envoy.extensions.compression.brotli.compressor.v3.Brotli",
        "envoy.extensions.compression.zstd.compressor.v3.Zstd",
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        "udpa.type.v1.TypedStruct",
    ):
        descriptor(extension)
    json_format.ParseDict(
        mesh().bootstrap(CLIENT), GetMessageClass(descriptor("envoy.config.bootstrap.v3.Bootstrap"))()
    )

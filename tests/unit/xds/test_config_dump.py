import json
from typing import Any

from tests.unit.xds.shop import CLIENT, gateway, gateway_proxy, mesh, virtual_service


def sections(dump: Any) -> dict[str, Any]:
    """Return the sections of a dump by the last word of their type."""
    return {section["@type"].rpartition(".")[2]: section for section in dump["configs"]}


def test_holds_all_that_a_proxy_has() -> None:
    """The dump has bootstrap, clusters, endpoints, listeners, routes and secrets, each resource with its type."""
    dump = sections(mesh().config_dump(CLIENT))
    assert list(dump) == [
        "BootstrapConfigDump",
        "ClustersConfigDump",
        "EndpointsConfigDump",
        "ListenersConfigDump",
        "RoutesConfigDump",
        "SecretsConfigDump",
    ]
    cluster = dump["ClustersConfigDump"]["dynamic_active_clusters"][0]["cluster"]
    assert cluster["@type"] == "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    assert dump["BootstrapConfigDump"]["bootstrap"]["node"]["user_agent_name"] == "envoy"


def test_static_parts_are_those_of_the_bootstrap() -> None:
    """Clusters and listeners of the bootstrap are distinguished from those that istiod sent; so are inline routes."""
    dump = sections(mesh().config_dump(CLIENT))
    static = [one["cluster"]["name"] for one in dump["ClustersConfigDump"]["static_clusters"]]
    assert static == ["prometheus_stats", "agent", "sds-grpc", "xds-grpc"]
    assert len(dump["ListenersConfigDump"]["static_listeners"]) == 2
    inline = [one["route_config"].get("name") for one in dump["RoutesConfigDump"]["static_route_configs"]]
    assert "InboundPassthroughCluster" in inline


def test_every_cluster_has_its_hosts() -> None:
    """Endpoints are listed for every cluster, spelled out as Envoy holds them."""
    dump = sections(mesh().config_dump(CLIENT))
    configs = dump["EndpointsConfigDump"]["dynamic_endpoint_configs"]
    clusters = dump["ClustersConfigDump"]["dynamic_active_clusters"]
    assert len(configs) == len(clusters)
    hosts = [
        host
        for config in configs
        for group in config["endpoint_config"].get("endpoints", ())
        for host in group["lb_endpoints"]
    ]
    assert hosts
    assert all(host["health_status"] and host["load_balancing_weight"] for host in hosts)


def test_secrets_have_names_and_no_keys() -> None:
    """The workload's own secrets are active, a Gateway's missing credential is warming; none has content."""
    server = (
        "{port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, credentialName: cert}}"
    )
    made = mesh(
        gateway(f"[{server}]"),
        virtual_service("[{route: [{destination: {host: web}}]}]", hosts="[a.org]", gateways="[edge]"),
    )
    found = sections(made.config_dump(gateway_proxy(made)))["SecretsConfigDump"]
    assert [one["name"] for one in found["dynamic_active_secrets"]] == ["ROOTCA", "default"]
    assert [one["name"] for one in found["dynamic_warming_secrets"]] == ["kubernetes://cert"]
    assert "private" not in json.dumps(found)


def test_equal_meshes_have_equal_dumps() -> None:
    """Nothing in a dump depends on when or in which order it was made."""
    one, two = mesh(), mesh()
    two.config_dump(gateway_proxy(two))
    assert json.dumps(one.config_dump(CLIENT), sort_keys=True) == json.dumps(two.config_dump(CLIENT), sort_keys=True)

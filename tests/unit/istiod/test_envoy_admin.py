import json

import pytest

from simulator.istiod.envoy_admin import admin_page
from simulator.istiod.loggers import LOGGERS, Loggers, ZtunnelLevel
from simulator.model.wire import Json

_TYPE = "type.googleapis.com/envoy.admin.v3."


def socket(address: str, port: int) -> Json:
    """Return a socket address."""
    return {"socket_address": {"address": address, "port_value": port}}


def host(address: Json, **more: object) -> Json:
    """Return an endpoint."""
    return {"endpoint": {"address": address}} | more


DUMP: Json = {
    "configs": [
        {"@type": _TYPE + "BootstrapConfigDump", "bootstrap": {"node": {"id": "sidecar~x"}}},
        {
            "@type": _TYPE + "ClustersConfigDump",
            "static_clusters": [
                {
                    "cluster": {
                        "name": "xds-grpc",
                        "load_assignment": {
                            "endpoints": [{"lb_endpoints": [host({"pipe": {"path": "./etc/istio/proxy/XDS"}})]}]
                        },
                    }
                }
            ],
            "dynamic_active_clusters": [
                {"cluster": {"name": "outbound|80||web", "type": "EDS", "alt_stat_name": "web;"}},
                {
                    "cluster": {
                        "name": "dns",
                        "type": "STRICT_DNS",
                        "load_assignment": {"endpoints": [{"lb_endpoints": [host(socket("a.example", 1))]}]},
                    }
                },
            ],
        },
        {
            "@type": _TYPE + "EndpointsConfigDump",
            "dynamic_endpoint_configs": [
                {
                    "endpoint_config": {
                        "cluster_name": "outbound|80||web",
                        "endpoints": [
                            {
                                "locality": {"region": "r1"},
                                "priority": 1,
                                "lb_endpoints": [
                                    host(socket("10.0.0.1", 8080), load_balancing_weight=3),
                                    host(socket("10.0.0.2", 8080), health_status="UNHEALTHY"),
                                ],
                            }
                        ],
                    }
                }
            ],
        },
        {
            "@type": _TYPE + "ListenersConfigDump",
            "dynamic_listeners": [
                {"name": "v", "active_state": {"listener": {"name": "v", "address": socket("0.0.0.0", 15001)}}},
                {
                    "name": "w",
                    "active_state": {
                        "listener": {"name": "w", "address": socket("10.1.1.1", 80), "bind_to_port": False}
                    },
                },
            ],
        },
    ]
}


def page(target: str, method: str = "GET") -> tuple[int, str]:
    """Return status and body of an admin page."""
    found = admin_page(lambda: DUMP, method, target, Loggers())
    return found.status, found.body.decode()


def types(target: str) -> list[str]:
    """Return the sections of a config dump."""
    return [each["@type"].rpartition(".v3.")[2] for each in json.loads(page(target)[1])["configs"]]


def test_a_config_dump_has_endpoints_only_when_they_are_asked_for() -> None:
    """`include_eds` adds the section that Envoy leaves out otherwise."""
    assert types("/config_dump") == ["BootstrapConfigDump", "ClustersConfigDump", "ListenersConfigDump"]
    assert "EndpointsConfigDump" in types("/config_dump?include_eds=true")


def test_a_mask_keeps_the_fields_it_names() -> None:
    """istioctl's masks return one section each, nested paths trim deeper."""
    assert types("config_dump?mask=dynamic_listeners,static_listeners") == ["ListenersConfigDump"]
    (section,) = json.loads(page("/config_dump?mask=dynamic_active_clusters.cluster.name")[1])["configs"]
    assert section["dynamic_active_clusters"] == [
        {"cluster": {"name": "outbound|80||web"}},
        {"cluster": {"name": "dns"}},
    ]


def test_a_resource_is_its_elements() -> None:
    """`resource` lists the elements of one field; a field that no section has is 404."""
    assert types("/config_dump?resource=dynamic_listeners") == ["ListenersConfigDump.DynamicListener"] * 2
    assert page("/config_dump?resource=nope") == (404, "nope not found in config dump")


def test_clusters_show_their_hosts_with_health_and_weight() -> None:
    """`/clusters` has EDS and static hosts; a name that only DNS resolves has none."""
    found = {each["name"]: each for each in json.loads(page("/clusters?format=json")[1])["cluster_statuses"]}
    healthy, unhealthy = found["outbound|80||web"]["host_statuses"]
    assert (healthy["weight"], healthy["priority"], healthy["locality"]) == (3, 1, {"region": "r1"})
    assert healthy["health_status"] == {"eds_health_status": "HEALTHY"}
    assert unhealthy["health_status"] == {"eds_health_status": "UNHEALTHY"}
    assert "host_statuses" not in found["dns"]
    assert found["outbound|80||web"]["added_via_api"]
    text = page("/clusters")[1]
    assert "outbound|80||web::10.0.0.1:8080::weight::3\n" in text
    assert "xds-grpc::./etc/istio/proxy/XDS::health_flags::healthy\n" in text


def test_listeners_are_those_that_are_bound() -> None:
    """A listener that binds no port is not in `/listeners`."""
    assert page("/listeners") == (200, "v::0.0.0.0:15001\n")


def test_statistics_follow_from_the_configuration() -> None:
    """Membership is counted, in text, JSON and Prometheus' form."""
    assert "cluster.web;.membership_healthy: 1\n" in page("/stats?filter=membership")[1]
    assert page("/stats?usedonly&filter=upstream_rq_total")[1] == ""
    assert 'envoy_cluster_membership_total{cluster_name="web;"} 2\n' in page("/stats/prometheus")[1]
    assert json.loads(page("/stats?format=json&filter=server.live")[1]) == {
        "stats": [{"name": "server.live", "value": 1}]
    }


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [
        ("/ready", "GET", 200),
        ("/server_info", "GET", 200),
        ("/certs", "GET", 200),
        ("/", "GET", 200),
        ("/nope", "GET", 404),
        ("/logging", "GET", 405),
        ("//ready", "GET", 200),
        ("/stats?filter=(", "GET", 400),
        ("/config_dump?name_regex=(", "GET", 400),
    ],
)
def test_pages_answer_with_envoys_codes(target: str, method: str, status: int) -> None:
    """Known pages are 200, unknown ones 404, wrong methods 405, unreadable parameters 400."""
    assert page(target, method)[0] == status


def test_log_levels_are_kept_and_changed() -> None:
    """One, several or all loggers change; an unknown logger or level changes nothing."""
    loggers = Loggers()
    assert "  http: warning\n" in loggers.post({}).body.decode()
    loggers.post({"level": "info"})
    loggers.post({"http": "debug"})
    loggers.post({"paths": "rbac:trace,router:off"})
    assert [loggers.levels[name] for name in ("http", "rbac", "router", "upstream")] == [
        "debug",
        "trace",
        "off",
        "info",
    ]
    assert loggers.post({"http": "loud"}).status == loggers.post({"nope": "info"}).status == 400
    assert len(loggers.levels) == len(LOGGERS)


def test_ztunnels_level_is_set_and_reset() -> None:
    """ztunnel has one filter; `reset` returns to the default first."""
    level = ZtunnelLevel()
    assert level.post({"level": "debug"}).body.endswith(b"debug\n")
    level.post({"reset": ""})
    assert level.level == "info"

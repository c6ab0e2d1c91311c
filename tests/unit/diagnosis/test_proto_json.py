"""Field names in camelCase, data left alone."""

from kubectl_mesh.diagnosis.proto_json import camel_case


def test_field_names_change_and_data_does_not() -> None:
    """Names of fields become camelCase; keys of maps and of free-form values stay."""
    given = {
        "virtual_hosts": [{"typed_per_filter_config": {"envoy.some_filter": {"@type": "x", "max_size": 1}}}],
        "metadata": {"filter_metadata": {"istio": {"alpn_override": "x"}}},
        "rules": {"policies": {"ns[a_b]-policy[c]": {"any_field": True}}},
    }
    assert camel_case(given) == {
        "virtualHosts": [{"typedPerFilterConfig": {"envoy.some_filter": {"@type": "x", "maxSize": 1}}}],
        "metadata": {"filterMetadata": {"istio": {"alpn_override": "x"}}},
        "rules": {"policies": {"ns[a_b]-policy[c]": {"anyField": True}}},
    }


def test_free_form_values_stay() -> None:
    """Node metadata, a typed struct's value and a socket match's criteria keep their keys."""
    node = {"metadata": {"PROXY_CONFIG": {}, "some_key": 1}}
    typed = {"type_url": "t", "value": {"some_key": 1}}
    match = {"match": {"tls_mode": "istio"}, "transport_socket": {}}
    assert camel_case(node) == node
    assert camel_case(typed) == {"typeUrl": "t", "value": {"some_key": 1}}
    assert camel_case(match)["match"] == {"tls_mode": "istio"}


def test_camel_case_stays() -> None:
    """A document in camelCase is left as it is."""
    given = {"connectTimeout": "1s", "@type": "x", "list": [{"aB": 1}]}
    assert camel_case(given) == given


def test_the_schema_tells_names_from_data() -> None:
    """From a known type on, the schema decides, where one name is a field here and data there."""
    tag = {"tag": "a_b", "metadata": {"kind": {"request": {}}, "metadata_key": {"key": "k", "path": [{"key": "a_b"}]}}}
    manager = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    given = {"@type": manager, "tracing": {"custom_tags": [tag]}, "no_field_of_ours": {"x_y": 1}}
    assert camel_case(given) == {
        "@type": manager,
        "tracing": {
            "customTags": [
                {
                    "tag": "a_b",
                    "metadata": {"kind": {"request": {}}, "metadataKey": {"key": "k", "path": [{"key": "a_b"}]}},
                }
            ]
        },
        "noFieldOfOurs": {"xY": 1},
    }


def test_dimensions_of_metrics_are_data() -> None:
    """Istio's own type of statistics, which Envoy's schema lacks, keeps the names of its dimensions."""
    given = {
        "@type": "type.googleapis.com/stats.PluginConfig",
        "metrics": [{"dimensions": {"a_b": "x"}, "tags_to_remove": []}],
    }
    assert camel_case(given)["metrics"] == [{"dimensions": {"a_b": "x"}, "tagsToRemove": []}]


def test_values_are_printed_as_protobuf_prints_them() -> None:
    """Zeros without presence vanish, enums have names, 64-bit numbers are text, durations groups of three digits."""
    kind = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    given = {
        "@type": kind,
        "name": "0",
        "alt_stat_name": "",
        "type": 3,
        "connect_timeout": "0.25s",
        "health_checks": [],
        "lb_policy": "ROUND_ROBIN",
        "dns_refresh_rate": None,
        "ring_hash_lb_config": {"minimum_ring_size": 1024},
        "per_connection_buffer_limit_bytes": 0,
    }
    assert camel_case(given) == {
        "@type": kind,
        "name": "0",
        "type": "EDS",
        "connectTimeout": "0.250s",
        "ringHashLbConfig": {"minimumRingSize": "1024"},
        "perConnectionBufferLimitBytes": 0,
    }


def test_a_document_without_a_type_can_be_given_one() -> None:
    """The admin interface's list of clusters names no type."""
    given = {"cluster_statuses": [{"host_statuses": [{"health_status": {"eds_health_status": "UNKNOWN"}}]}]}
    printed = camel_case(given, kind="envoy.admin.v3.Clusters")
    assert printed == {"clusterStatuses": [{"hostStatuses": [{"healthStatus": {}}]}]}


def test_times_lose_zeros() -> None:
    """A time is printed without a fraction that is zero."""
    kind = "type.googleapis.com/envoy.admin.v3.ClustersConfigDump.DynamicCluster"
    assert (
        camel_case({"@type": kind, "last_updated": "2026-01-01T00:00:00.000Z"})["lastUpdated"] == "2026-01-01T00:00:00Z"
    )

import json
from typing import Any

import pytest

from simulator.xds.message_documents import SchemaError, merge, merge_any, read

CLUSTER = "envoy.config.cluster.v3.Cluster"
ROUTE = "envoy.config.route.v3.Route"
HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


def test_reads_both_spellings_and_drops_the_unknown() -> None:
    """Fields come in camelCase or snake_case; what Envoy does not know is dropped."""
    written = {"connectTimeout": "1m", "lb_policy": 1, "maxRequestsPerConnection": "5", "nonsense": True}
    assert read(CLUSTER, written) == {
        "connect_timeout": "60s",
        "lb_policy": "LEAST_REQUEST",
        "max_requests_per_connection": 5,
    }


def test_zero_is_kept_where_presence_counts() -> None:
    """Plain fields lose their zero value, wrappers and alternatives keep it."""
    assert read(CLUSTER, {"respect_dns_ttl": False, "max_requests_per_connection": 0}) == {
        "max_requests_per_connection": 0
    }
    assert read(ROUTE, {"name": "", "redirect": {"path_redirect": ""}}) == {"redirect": {"path_redirect": ""}}


def test_free_form_parts_are_left_alone() -> None:
    """Structs keep keys and values as written."""
    metadata = {"filterMetadata": {"a": {"someKey": [1, {"otherKey": None}]}}}
    assert read(ROUTE, {"metadata": metadata}) == {"metadata": {"filter_metadata": metadata["filterMetadata"]}}


@pytest.mark.parametrize(
    "value",
    [
        {"lb_policy": "FASTEST"},
        {"connect_timeout": "soon"},
        {"name": 5},
        {"health_checks": {}},
        {"transport_socket": {"typed_config": {"no": "type"}}},
        {"transport_socket": {"typed_config": {"@type": "type.googleapis.com/envoy.api.v2.auth.UpstreamTlsContext"}}},
    ],
)
def test_refuses_what_does_not_fit(value: dict[str, Any]) -> None:
    """A value of the wrong kind, and a type of an API that is gone, cannot be read."""
    with pytest.raises(SchemaError):
        read(CLUSTER, value)


def test_setting_one_alternative_clears_the_others() -> None:
    """Of alternatives the last one written stays."""
    assert merge(ROUTE, {"route": {"cluster": "a"}}, {"direct_response": {"status": 200}}) == {
        "direct_response": {"status": 200}
    }


def test_configurations_of_other_types_do_not_merge() -> None:
    """Two typed configurations merge only when they are of one known type."""
    one = {"@type": f"type.googleapis.com/{HCM}", "stat_prefix": "a"}
    assert merge_any(one, {"@type": f"type.googleapis.com/{ROUTE}"}) is None
    assert merge_any(one, one | {"xff_num_trusted_hops": 2}) == one | {"xff_num_trusted_hops": 2}


MERGES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (CLUSTER, {"name": "a", "connect_timeout": "1.500s"}, {"connect_timeout": "2s"}),
    (CLUSTER, {"max_requests_per_connection": 5}, {"max_requests_per_connection": 0}),
    (CLUSTER, {}, {"max_requests_per_connection": 0}),
    (
        CLUSTER,
        {"circuit_breakers": {"thresholds": [{"max_retries": 1}]}},
        {"circuit_breakers": {"thresholds": [{"max_retries": 2}]}},
    ),
    (
        CLUSTER,
        {"metadata": {"filter_metadata": {"a": {"x": 1.0}, "b": {"y": 1.0}}}},
        {"metadata": {"filter_metadata": {"a": {"z": 2.0}}}},
    ),
    (CLUSTER, {"type": "STRICT_DNS"}, {"cluster_type": {"name": "own"}}),
    (ROUTE, {"match": {"prefix": "/a", "case_sensitive": True}}, {"match": {"path": "/b", "case_sensitive": False}}),
    (
        ROUTE,
        {"route": {"cluster": "a", "timeout": "5s", "hash_policy": [{"terminal": True}]}},
        {"route": {"weighted_clusters": {"clusters": [{"name": "b", "weight": 1}]}}},
    ),
    (
        HCM,
        {"common_http_protocol_options": {"idle_timeout": "5s"}},
        {"common_http_protocol_options": {"max_headers_count": 3}},
    ),
]


@pytest.mark.parametrize(("message", "target", "patch"), MERGES)
def test_merges_as_protobuf_does(message: str, target: dict[str, Any], patch: dict[str, Any]) -> None:
    """Merging documents gives what merging the messages gives, durations excepted, which are replaced."""
    json_format = pytest.importorskip("google.protobuf.json_format")
    from google.protobuf.message_factory import GetMessageClass

    from tests.conformance.schemas import descriptor

    make = GetMessageClass(descriptor(message))
    expected = json_format.ParseDict(target, make())
    for field in [name for name, value in patch.items() if isinstance(value, str) and value.endswith("s")]:
        if expected.DESCRIPTOR.fields_by_name[field].message_type:
            expected.ClearField(field)
    expected.MergeFrom(json_format.ParseDict(patch, make()))
    actual = json_format.ParseDict(merge(message, target, patch), make())
    assert actual == expected, json.dumps(merge(message, target, patch))


def test_schema_is_that_of_the_installed_descriptors() -> None:
    """The schema in the package is what the protobuf descriptors say."""
    pytest.importorskip("envoy")
    from tests.conformance.envoy_schema import TARGET, text

    assert TARGET.read_text(encoding="utf-8") == text(), "run python -m tests.conformance.envoy_schema"

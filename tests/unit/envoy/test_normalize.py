"""Normal forms, against protobuf itself."""

import json
from typing import Any

import pytest

from simulator.envoy.normalize import canonical_text, normalize

CLUSTER, ROUTES = "envoy.config.cluster.v3.Cluster", "envoy.config.route.v3.RouteConfiguration"
DURATION = "connect_timeout"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"connectTimeout": "1.000s"}, {DURATION: "1s"}),
        ({"connect_timeout": "10s"}, {DURATION: {"seconds": 10}}),
        ({"lb_policy": "ROUND_ROBIN", "name": ""}, {}),
        ({"type": 3}, {"type": "EDS"}),
        ({"per_connection_buffer_limit_bytes": 1.0}, {"perConnectionBufferLimitBytes": "1"}),
        ({"healthChecks": [], "metadata": None}, {}),
        ({"ringHashLbConfig": {"minimumRingSize": "1024"}}, {"ring_hash_lb_config": {"minimum_ring_size": 1024}}),
        (
            {"metadata": {"filterMetadata": {"a": {"n": 1}}}},
            {"metadata": {"filter_metadata": {"a": {"n": 1.0}}}},
        ),
    ],
)
def test_two_spellings_of_one_message_are_one(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Spelling, zeros, numbers as text, and forms of durations do not count."""
    assert normalize(left, CLUSTER) == normalize(right, CLUSTER)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"name": "a"}, {"name": "b"}),
        ({"metadata": {}}, {}),
        ({"type": "STATIC"}, {}),
        ({"ignore_port": 1}, {}),
        ({"per_connection_buffer_limit_bytes": 0}, {}),
    ],
)
def test_two_messages_are_two(left: dict[str, Any], right: dict[str, Any]) -> None:
    """An empty message, a wrapped zero and an unknown field differ from nothing."""
    assert normalize(left, CLUSTER) != normalize(right, CLUSTER)


def test_typed_extensions_are_normalised_within() -> None:
    """The content of an Any has a type of its own."""
    kind = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    left = {"typedExtensionProtocolOptions": {name: {"@type": kind, "explicitHttpConfig": {"httpProtocolOptions": {}}}}}
    right = {
        "typed_extension_protocol_options": {
            name: {"@type": kind, "explicit_http_config": {"http_protocol_options": {}}}
        }
    }
    assert normalize(left, CLUSTER) == right == normalize(right, CLUSTER)


def test_order_without_meaning_does_not_count_in_the_canonical_text() -> None:
    """The domains of a virtual host are a set; its routes are not."""
    one = {"virtual_hosts": [{"domains": ["a", "b"], "routes": [{"name": "x"}, {"name": "y"}]}]}
    other = {"virtual_hosts": [{"domains": ["b", "a"], "routes": [{"name": "x"}, {"name": "y"}]}]}
    swapped = {"virtual_hosts": [{"domains": ["a", "b"], "routes": [{"name": "y"}, {"name": "x"}]}]}
    assert canonical_text(one, ROUTES) == canonical_text(other, ROUTES) != canonical_text(swapped, ROUTES)
    assert json.loads(canonical_text(one, ROUTES))["virtual_hosts"][0]["domains"] == ["a", "b"]

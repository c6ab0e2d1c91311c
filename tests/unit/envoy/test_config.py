"""Reading configurations of every form."""

import pytest

from simulator.envoy.config import Config
from simulator.envoy.documents import UnreadableDocument, seconds, snake_case

LISTENER = {"name": "l", "filterChains": [{"name": "c"}]}


def test_a_config_dump_and_its_lists_are_one_configuration() -> None:
    """The same resources come out of a dump, in either spelling, and out of bare lists."""
    dump = {
        "configs": [
            {
                "@type": "t/envoy.admin.v3.ListenersConfigDump",
                "dynamicListeners": [{"name": "l", "activeState": {"listener": LISTENER}}],
            },
            {"@type": "t/envoy.admin.v3.ClustersConfigDump", "static_clusters": [{"cluster": {"name": "k"}}]},
            {
                "@type": "t/envoy.admin.v3.RoutesConfigDump",
                "dynamic_route_configs": [{"route_config": {"name": "r", "virtualHosts": []}}],
            },
            {
                "@type": "t/envoy.admin.v3.EndpointsConfigDump",
                "dynamic_endpoint_configs": [{"endpoint_config": {"cluster_name": "k"}}],
            },
            {"@type": "t/envoy.admin.v3.BootstrapConfigDump"},
        ]
    }
    lists = {
        "listeners": [LISTENER],
        "clusters": [{"name": "k"}],
        "routes": [{"name": "r", "virtualHosts": []}],
        "endpoints": [{"clusterName": "k"}],
    }
    for config in (Config.read(dump), Config.read(lists)):
        assert config.listeners == ({"name": "l", "filter_chains": [{"name": "c"}]},)
        assert (list(config.clusters), list(config.routes), list(config.endpoints)) == (["k"], ["r"], ["k"])


def test_what_is_data_keeps_its_spelling() -> None:
    """Names in maps and structs are not fields: they stay as they are spelt."""
    document = {
        "typedPerFilterConfig": {"myFilter": {"someField": 1}},
        "metadata": {"filterMetadata": {"istio": {"someKey": 1}}},
        "transportSocketMatches": [{"match": {"tlsMode": "istio"}, "transportSocket": {}}],
    }
    assert snake_case(document) == {
        "typed_per_filter_config": {"myFilter": {"some_field": 1}},
        "metadata": {"filter_metadata": {"istio": {"someKey": 1}}},
        "transport_socket_matches": [{"match": {"tlsMode": "istio"}, "transport_socket": {}}],
    }


def test_a_document_in_snake_case_stays_the_same_object() -> None:
    """Nothing is copied without need, so what lies beside a document stays reachable from it."""
    document = {"filter_chains": [{"name": "c"}], "metadata": {"filter_metadata": {"a": {"bC": 1}}}}
    assert snake_case(document) is document


@pytest.mark.parametrize("document", [None, 1, [], {}, {"configs": 1}, {"listeners": 1}])
def test_what_is_no_configuration_is_said(document: object) -> None:
    """A document of another kind is an error of one type."""
    with pytest.raises(UnreadableDocument):
        Config.read(document).clusters  # noqa: B018


def test_durations_are_read_in_every_form() -> None:
    """A duration is text, or seconds and nanoseconds."""
    assert seconds({"t": "1.500s"}, "t") == 1.5
    assert seconds({"t": {"seconds": "2", "nanos": 500_000_000}}, "t") == 2.5
    assert seconds({}, "t") is None
    with pytest.raises(UnreadableDocument, match="t: expected a duration"):
        seconds({"t": "1m"}, "t")

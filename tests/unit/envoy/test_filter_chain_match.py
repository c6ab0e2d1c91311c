"""Which filter chain takes a connection."""

from typing import Any

from simulator.envoy.connections import Connection
from simulator.envoy.filter_chain_match import match_filter_chain
from simulator.model.requests import Request


def chosen(listener: dict[str, Any], *, ip: str = "10.0.0.1", port: int = 80, **seen: Any) -> int | str | None:
    """Return the index of the chosen chain, or `default`."""
    connection = Connection(request=Request(destination_ip=ip, port=port, source_ip="10.9.9.9"), **seen)
    found = match_filter_chain(listener, connection)
    return "default" if found.is_default else found.index


def chains(*criteria: dict[str, Any], default: bool = False) -> dict[str, Any]:
    """Return a listener with filter chains."""
    listener: dict[str, Any] = {"filter_chains": [{"filter_chain_match": one} for one in criteria]}
    return listener | ({"default_filter_chain": {"name": "d"}} if default else {})


def test_there_is_no_way_back_from_a_destination_port() -> None:
    """Plain text to a port whose chains are all TLS is refused, though a chain without a port would take it."""
    listener = chains({"destination_port": 80, "transport_protocol": "tls"}, {"transport_protocol": "raw_buffer"})
    assert chosen(listener) is None
    assert chosen(listener, port=81) == 1
    assert chosen(listener | {"default_filter_chain": {}}) is None
    assert chosen(listener | {"default_filter_chain": {"name": "d"}}) == "default"


def test_the_longest_prefix_wins() -> None:
    """Of several address ranges the narrowest counts, and a chain without a range comes last."""
    listener = chains(
        {},
        {"prefix_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]},
        {"prefix_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": {"value": 24}}]},
    )
    assert chosen(listener) == 2
    assert chosen(listener, ip="10.1.0.1") == 1
    assert chosen(listener, ip="192.0.2.1") == 0


def test_server_names_match_exactly_then_by_suffix() -> None:
    """An exact server name beats a wildcard, the longest wildcard beats shorter ones, and the apex is not covered."""
    listener = chains({"server_names": ["a.b.test"]}, {"server_names": ["*.b.test"]}, {"server_names": ["*.test"]}, {})
    tls = {"transport_protocol": "tls"}
    assert chosen(listener, server_name="a.b.test", **tls) == 0
    assert chosen(listener, server_name="x.y.b.test", **tls) == 1
    assert chosen(listener, server_name="b.test", **tls) == 2
    assert chosen(listener, server_name="other", **tls) == 3


def test_the_clients_order_of_protocols_decides() -> None:
    """Of the protocols a client offers the first that any chain lists counts."""
    listener = chains({"application_protocols": ["h2"]}, {"application_protocols": ["http/1.1"]}, {})
    assert chosen(listener, application_protocols=("foo", "http/1.1", "h2")) == 1
    assert chosen(listener, application_protocols=("foo",)) == 2


def test_a_matcher_replaces_the_criteria() -> None:
    """A listener with a matcher tree takes the chain that the tree names."""
    action = {"action": {"name": "x", "typed_config": {"@type": "t/google.protobuf.StringValue", "value": "two"}}}
    port = {"name": "port", "typed_config": {"@type": "t/envoy.DestinationPortInput"}}
    listener = {
        "filter_chains": [{"name": "one"}, {"name": "two"}],
        "filter_chain_matcher": {"matcher_tree": {"input": port, "exact_match_map": {"map": {"80": action}}}},
    }
    assert chosen(listener) == 1
    assert chosen(listener, port=81) is None


def test_what_was_rejected_is_told() -> None:
    """Every chain that was not chosen has a reason."""
    listener = chains({"destination_port": 81}, {"transport_protocol": "tls"}, {})
    found = match_filter_chain(listener, Connection(request=Request(port=80)))
    assert [entry.because for entry in found.rejected] == [
        "destination port is not 80",
        "transport protocol is raw_buffer",
    ]

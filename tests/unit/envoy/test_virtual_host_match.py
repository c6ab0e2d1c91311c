"""Which virtual host a request belongs to."""

from simulator.envoy.virtual_host_match import VirtualHosts

CONFIGURATION = {
    "ignore_port_in_host_matching": True,
    "virtual_hosts": [
        {"name": "exact", "domains": ["a.test", "Upper.test"]},
        {"name": "suffix", "domains": ["*.a.test"]},
        {"name": "short", "domains": ["*.test"]},
        {"name": "prefix", "domains": ["a.*"]},
        {"name": "port", "domains": ["b.other:80"]},
        {"name": "any", "domains": ["*"]},
    ],
}


def name(host: str | None, configuration: dict[str, object] = CONFIGURATION) -> str | None:
    """Return the name of the chosen virtual host."""
    found = VirtualHosts(configuration).match(host).virtual_host
    return found["name"] if found is not None else None


def test_the_closest_domain_wins() -> None:
    """Exact domains come before wildcards in front, these before wildcards behind, the longest first."""
    assert name("a.test") == "exact"
    assert name("x.y.a.test") == "suffix"
    assert name("x.test") == "short"
    assert name("a.other") == "prefix"
    assert name("other") == "any"


def test_case_and_port_do_not_count_but_a_dot_does() -> None:
    """Host names match in any case and without their port, spelt right or not; a trailing dot is part of the name."""
    assert name("A.TEST:99") == "exact"
    assert name("upper.test:") == "exact"
    assert name("a.test:http") == "exact"
    assert name("a.test.") == "prefix"
    assert name("b.other:80") == "any"


def test_a_lone_default_needs_no_host() -> None:
    """A configuration with nothing but `*` takes requests without a host; any other does not."""
    assert name(None) is None
    assert name(None, {"virtual_hosts": [{"name": "only", "domains": ["*"]}]}) == "only"
    assert name("x", {"virtual_hosts": [{"name": "a", "domains": ["a"]}]}) is None

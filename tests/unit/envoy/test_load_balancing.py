"""Which endpoint of a cluster gets the request."""

from typing import Any

from simulator.envoy.config import Config
from simulator.envoy.load_balancing import endpoints, priority_loads, select
from simulator.model.requests import Request


def group(*hosts: str, priority: int = 0, **more: Any) -> dict[str, Any]:
    """Return endpoints of one locality; a host with an exclamation mark is unhealthy."""
    listed = [
        {
            "endpoint": {"address": {"socket_address": {"address": host.strip("!"), "port_value": 80}}},
            "health_status": "UNHEALTHY" if host.endswith("!") else "HEALTHY",
        }
        for host in hosts
    ]
    return {"lb_endpoints": listed, "priority": priority, **more}


def chosen(*groups: dict[str, Any], random: float | None = None, **cluster: Any) -> str | None:
    """Return the address of the endpoint that is chosen."""
    config = Config(endpoints=[{"cluster_name": "c", "endpoints": list(groups)}])
    document = {"name": "c", "type": "EDS", **cluster}
    endpoint = select(config, document, Request(random=random, destination_ip="10.9.9.9", port=99)).endpoint
    return endpoint.address if endpoint is not None else None


def test_a_number_chooses_among_equals() -> None:
    """Equal endpoints share the numbers between 0 and 1."""
    assert [chosen(group("a", "b"), random=number) for number in (0.0, 0.49, 0.5, 0.99)] == ["a", "a", "b", "b"]


def test_the_next_priority_takes_over() -> None:
    """A priority without healthy endpoints leaves its load to the next."""
    assert chosen(group("a!"), group("b", priority=1)) == "b"
    assert chosen(group("a"), group("b", priority=1)) == "a"


def test_load_spills_over_in_parts() -> None:
    """Half of a priority's endpoints carry 70 % of the load, the rest spills over."""
    document = {"endpoints": [group("a", "b!"), group("c", priority=1)]}
    assert priority_loads(endpoints(document)) == {0: 70, 1: 30}


def test_below_the_panic_threshold_health_does_not_count() -> None:
    """When too few are healthy all are used, unless the threshold is 0."""
    assert chosen(group("a!", "b!")) == "a"
    assert chosen(group("a!", "b!"), common_lb_config={"healthy_panic_threshold": {}}) is None


def test_localities_are_weighted_where_the_cluster_says_so() -> None:
    """With locality weights the locality is chosen first."""
    near = group("a", locality={"region": "r"}, load_balancing_weight=1)
    far = group("b", locality={"region": "s"}, load_balancing_weight=3)
    weighted: dict[str, Any] = {"locality_weighted_lb_config": {}}
    assert chosen(near, far, common_lb_config=weighted) == "b"
    assert chosen(near, far, common_lb_config=weighted, random=0.2) == "a"


def test_an_original_destination_is_the_address_dialled() -> None:
    """A cluster of that type sends to where the client wanted to go."""
    assert chosen(type="ORIGINAL_DST") == "10.9.9.9"


def test_no_endpoints_are_not_unknown_endpoints() -> None:
    """A configuration without any load assignments cannot tell; one without this cluster's has none."""
    cluster = {"name": "c", "type": "EDS"}
    assert not select(Config(), cluster, Request()).known
    assert select(Config(endpoints=[{"cluster_name": "other"}]), cluster, Request()).known

"""Which endpoint of a cluster gets the request."""

from typing import Any

import pytest

from simulator.envoy.config import Config
from simulator.envoy.load_balancing import select
from simulator.envoy.priority_loads import Counts, priority_loads
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


@pytest.mark.parametrize(
    ("priorities", "healthy", "degraded", "panic"),
    [
        ([Counts(all=2, healthy=1), Counts(all=1, healthy=1)], [70, 30], [0, 0], set()),
        ([Counts(all=2, healthy=0), Counts(all=2, healthy=2)], [0, 100], [0, 0], set()),
        ([Counts(all=3, healthy=1), Counts(all=3, healthy=1), Counts(all=2, healthy=2)], [46, 46, 8], [0] * 3, set()),
        ([Counts(all=4, healthy=1), Counts(all=4, healthy=1)], [50, 50], [0, 0], {0, 1}),
        ([Counts(all=3, healthy=0), Counts(all=1, healthy=0)], [75, 25], [0, 0], {0, 1}),
        ([Counts(all=2, healthy=1, degraded=1)], [70], [30], set()),
        ([Counts(all=3, healthy=1, degraded=1)], [50], [50], set()),
        ([Counts(all=2, healthy=0, degraded=2), Counts(all=2, healthy=2)], [0, 100], [0, 0], set()),
    ],
)
def test_load_spills_over_in_parts(
    priorities: list[Counts], healthy: list[int], degraded: list[int], panic: set[int]
) -> None:
    """Healthy endpoints of all priorities precede degraded ones, and panic needs a load that no priority carries."""
    loads = priority_loads(dict(enumerate(priorities)))
    assert (list(loads.healthy.values()), list(loads.degraded.values()), set(loads.panic)) == (healthy, degraded, panic)


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


def test_a_locality_counts_by_what_is_healthy_of_it() -> None:
    """A locality whose healthy part, overprovisioned, is 70 % gets 0.7 of its weight; in panic localities are one."""
    near = group("a", "b!", locality={"region": "r"}, load_balancing_weight=1)
    far = group("c", locality={"region": "s"}, load_balancing_weight=1)
    weighted: dict[str, Any] = {"locality_weighted_lb_config": {}}
    numbers = (0.0, 0.41, 0.42)
    assert [chosen(near, far, common_lb_config=weighted, random=number) for number in numbers] == ["a", "a", "c"]
    sick = group("c!", "d!", "e!", locality={"region": "s"}, load_balancing_weight=9)
    found = [chosen(near, sick, common_lb_config=weighted, random=number) for number in (0.1, 0.3, 0.5, 0.7, 0.9)]
    assert found == ["a", "b", "c", "d", "e"]


def test_one_number_decides_every_choice_on_its_own() -> None:
    """The remainder of the random number after the choice of a priority chooses the endpoint, so all get a share."""
    first, second = group("a", "b!"), group("c", "d", priority=1)
    found = [chosen(first, second, random=number) for number in (0.69, 0.71, 0.84, 0.86)]
    assert found == ["a", "c", "c", "d"]


def test_an_original_destination_is_the_address_dialled() -> None:
    """A cluster of that type sends to where the client wanted to go."""
    assert chosen(type="ORIGINAL_DST") == "10.9.9.9"


def test_no_endpoints_are_not_unknown_endpoints() -> None:
    """Without any load assignments the endpoints are unknown; without this cluster's it has none."""
    cluster = {"name": "c", "type": "EDS"}
    assert not select(Config(), cluster, Request()).known
    assert select(Config(endpoints=[{"cluster_name": "other"}]), cluster, Request()).known

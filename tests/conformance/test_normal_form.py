import copy
import importlib.util
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.normal_form import dump, normalize
from tests.conformance.runner import TYPES, scenarios

SHARED = Path(__file__).parents[3] / "shared"
MESSAGES = {
    "listeners": "Listener",
    "clusters": "Cluster",
    "routes": "RouteConfiguration",
    "endpoints": "ClusterLoadAssignment",
}


def recorded() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each distinct recorded resource with its list."""
    seen = set()
    for scenario in scenarios():
        for lists in scenario.golden.values():
            for kind in MESSAGES:
                for resource in lists.get(kind) or ():
                    if (text := dump(resource)) not in seen:
                        seen.add(text)
                        yield kind, resource


def test_normal_form_is_idempotent() -> None:
    """Normalising a normal form changes nothing."""
    for kind, resource in recorded():
        normal = normalize(resource, kind)
        assert normalize(normal, kind) == normal


def test_spelling_does_not_matter() -> None:
    """Snake case, explicit zeros, nulls and padded durations are the same message."""
    cluster = {
        "name": "a",
        "type": "STRICT_DNS",
        "connect_timeout": "10.000s",
        "lb_policy": "ROUND_ROBIN",
        "respect_dns_ttl": False,
        "health_checks": [],
        "metadata": None,
        "ring_hash_lb_config": {"minimum_ring_size": 1024},
    }
    same = {
        "name": "a",
        "type": "STRICT_DNS",
        "connectTimeout": "10s",
        "ringHashLbConfig": {"minimumRingSize": "1024"},
    }
    assert normalize(cluster, "clusters") == normalize(same, "clusters")


def test_presence_matters() -> None:
    """A zero in a wrapper, an empty message and an absent field are three things."""
    absent = normalize({"name": "a"}, "clusters")
    empty = normalize({"name": "a", "common_lb_config": {}}, "clusters")
    zero = normalize({"name": "a", "max_requests_per_connection": 0}, "clusters")
    assert len({dump(absent), dump(empty), dump(zero)}) == 3


def test_unknown_fields_are_not_lost() -> None:
    """A misspelt field makes a difference instead of vanishing."""
    assert normalize({"name": "a", "conect_timeout": "1s"}, "clusters") != normalize({"name": "a"}, "clusters")


@pytest.fixture(scope="module")
def reference() -> Any:
    """Return the comparison tool that recorded answers come with."""
    path = SHARED / "tools" / "compare_xds.py"
    if not path.exists():
        pytest.skip("the comparison tool is not beside the project")
    spec = importlib.util.spec_from_file_location("compare_xds", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mutations(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield copies with one leaf changed, removed or zeroed, for a spread of leaves."""
    paths: list[tuple[Any, ...]] = []

    def walk(value: Any, path: tuple[Any, ...]) -> None:
        if isinstance(value, dict | list):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                walk(item, (*path, key))
        elif isinstance(path[-1], str) and path[-1] != "@type":
            paths.append(path)

    walk(resource, ())
    changes: list[Callable[[Any], Any]] = [
        lambda v: "x" if isinstance(v, str) else 7,
        lambda _: None,
        lambda v: type(v)(),
    ]
    for index, path in enumerate(paths[:: max(1, len(paths) // 6)]):
        mutant = copy.deepcopy(resource)
        owner: Any = mutant
        for step in path[:-1]:
            owner = owner[step]
        owner[path[-1]] = changes[index % 3](owner[path[-1]])
        yield mutant


def test_agrees_with_the_recorder_on_equality(reference: Any) -> None:
    """Two forms of a resource are equal by our normal form exactly when they are by the recorder's tool."""
    disagreements = []
    for kind, resource in itertools.islice(recorded(), 0, None, 3):
        ours, theirs = dump(normalize(resource, kind)), dump(reference.canon(resource, False, MESSAGES[kind]))
        for mutant in [json.loads(json.dumps(resource)), *mutations(resource)]:
            equal = dump(normalize(mutant, kind)) == ours
            expected = dump(reference.canon(mutant, False, MESSAGES[kind])) == theirs
            if equal != expected:
                disagreements.append((kind, resource.get("name"), equal, mutant))
    assert not disagreements, disagreements[:2]


def test_types_are_those_that_are_recorded() -> None:
    """Every list of a recorded proxy is compared."""
    lists = {kind for scenario in scenarios() for lists in scenario.golden.values() for kind in lists}
    assert lists - {"proxy"} <= set(TYPES)

"""The law of normal forms: two documents have the same one exactly when protobuf parses them to equal messages."""

import copy
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.envoy.normalize import normalize
from simulator.model.envoy_types import knows
from tests.conformance.schemas import RESOURCE_TYPES, descriptor, message_class

SCENARIOS = Path(__file__).parents[1] / "conformance" / "scenarios"
USED = ("vs-retries-timeouts", "dr-outlier-detection", "authz-when", "gw-https", "telemetry-logs")
LAW = settings(deadline=None, suppress_health_check=list(HealthCheck))


def envoys_own(document: Any) -> Any:
    """Leave out extensions whose types Envoy does not know: they stay as they are spelt."""
    if isinstance(document, list):
        return [envoys_own(item) for item in document if not _foreign(item)]
    return {key: envoys_own(value) for key, value in document.items()} if isinstance(document, dict) else document


def _foreign(item: Any) -> bool:
    config = item.get("typedConfig") if isinstance(item, dict) else None
    return config is not None and not knows(str(config["@type"]).rpartition("/")[2])


@cache
def resources() -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return recorded resources with their types."""
    found = [
        (message, envoys_own(resource))
        for scenario in USED
        for path in sorted((SCENARIOS / scenario / "proxies").glob("*.json.gz"))[:1]
        for kind, message in RESOURCE_TYPES.items()
        for resource in json.loads(gzip.decompress(path.read_bytes())).get(kind) or ()
    ]
    if not found:
        pytest.skip("no recorded scenarios here")
    return tuple(found)


def parsed(document: dict[str, Any], message: str) -> Any:
    """Parse a document strictly; None when protobuf refuses it."""
    json_format = pytest.importorskip("google.protobuf.json_format")
    try:
        load_types(document)
        return json_format.ParseDict(document, message_class(message)())
    except (json_format.ParseError, TypeError, KeyError, ValueError):
        return None


def printed(document: dict[str, Any], message: str) -> str:
    """Print a normal form: to Python 0 equals False, in JSON they differ."""
    return json.dumps(normalize(document, message), sort_keys=True)


def load_types(document: Any) -> None:
    """Make the types of all extensions in a document known to protobuf."""
    for item in document.values() if isinstance(document, dict) else document:
        if isinstance(item, (dict, list)):
            load_types(item)
    if isinstance(document, dict) and "@type" in document:
        descriptor(str(document["@type"]).rpartition("/")[2])


def leaves(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every leaf of a document."""
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    found: list[tuple[Any, ...]] = []
    for key, value in pairs:
        inside = leaves(value, (*path, key)) if isinstance(value, (dict, list)) and value else []
        found += inside or [(*path, key)]
    return found


@LAW
@given(st.data())
def test_every_spelling_has_one_normal_form(data: st.DataObject) -> None:
    """Whatever spelling protobuf prints a message in, its normal form is the same."""
    json_format = pytest.importorskip("google.protobuf.json_format")
    message, resource = data.draw(st.sampled_from(resources()))
    found = parsed(resource, message)
    assert found is not None
    spelt = json_format.MessageToDict(
        found,
        preserving_proto_field_name=data.draw(st.booleans()),
        use_integers_for_enums=data.draw(st.booleans()),
        always_print_fields_with_no_presence=data.draw(st.booleans()),
    )
    assert printed(spelt, message) == printed(resource, message)


# Without "" and []: Python's parser takes both for an empty message, which proto-JSON does not allow.
VALUES = st.sampled_from(["x", 0, 1, "1", 1.0, True, False, "1s", "1.0s", "0s", {}, None, 10000])


@LAW
@given(st.data())
def test_equal_normal_forms_are_equal_messages(data: st.DataObject) -> None:
    """Two documents that protobuf accepts are equal messages exactly when their normal forms are equal."""
    message, resource = data.draw(st.sampled_from(resources()))
    path = data.draw(st.sampled_from(leaves(resource)))
    pair = []
    for _ in range(2):
        changed = copy.deepcopy(resource)
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = data.draw(VALUES)
        pair.append(changed)
    left, right = (parsed(one, message) for one in pair)
    if left is None or right is None:
        return
    assert (left == right) == (printed(pair[0], message) == printed(pair[1], message))

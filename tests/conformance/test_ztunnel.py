import gzip
import json
from typing import Any

import pytest

from simulator.xds.ztunnel import ztunnel_resources
from tests.conformance.normal_form import dump
from tests.conformance.runner import SCENARIOS, Scenario

AMBIENT = sorted(path.parent.name for path in SCENARIOS.glob("*/ztunnel.json.gz"))


def texts(resources: Any) -> list[str]:
    """Return resources as canonical text, in no particular order."""
    return sorted(dump(resource) for resource in resources or ())


@pytest.mark.parametrize("name", AMBIENT)
def test_ztunnel_gets_what_was_recorded(name: str) -> None:
    """Workloads, services and policies for ztunnel are equal to istiod's."""
    scenario = Scenario(SCENARIOS / name)
    golden = json.loads(gzip.decompress((scenario.folder / "ztunnel.json.gz").read_bytes()))
    actual = ztunnel_resources(scenario.snapshot)
    assert texts(actual["addresses"]) == texts(golden["addresses"])
    assert texts(actual["policies"]) == texts(golden["policies"])

"""docs/meshtest.md explains every key and every disposition."""

import re
from pathlib import Path
from typing import Any

import pytest

from simulator.model.traces import Disposition
from tests.unit.meshtest.test_schema import SCHEMA, objects

PAGE = (Path(__file__).parents[3] / "docs" / "meshtest.md").read_text()
WORDS = {word for code in re.findall(r"`([^`\n]+)`", PAGE) for word in re.findall(r"\w+", code)}
KEYS: Any = sorted({key for path, keys in objects(SCHEMA) for key in keys if path} - {"labels", "annotations"})


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_explained(key: str) -> None:
    """A key that a test file may have stands on the page."""
    assert key in WORDS


def test_every_disposition_is_explained() -> None:
    """The page has each way a request can end, with its meaning."""
    assert all(f"| `{each.value}` | {each.meaning} |" in PAGE for each in Disposition)


def test_the_example_of_the_page_is_a_test_file() -> None:
    """The first example is understood as it stands."""
    from kubectl_mesh.meshtest.decoding import read_suites

    (suite,) = read_suites(PAGE.partition("```yaml\n")[2].partition("```")[0], source="page")
    assert len(suite.cases) == len(suite.invariants) == 1

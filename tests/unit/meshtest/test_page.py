"""docs/meshtest.md explains every key and every disposition."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kubectl_mesh.cli.test import app
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
    """The first example is valid as written."""
    from kubectl_mesh.meshtest.decoding import read_suites

    (suite,) = read_suites(PAGE.partition("```yaml\n")[2].partition("```")[0], source="page")
    assert len(suite.cases) == len(suite.invariants) == 1


def test_the_failure_of_the_page_is_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output that the page shows for a failing test is the actual one."""
    example = Path(__file__).parents[3] / "examples" / "shop"
    shutil.copytree(example, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "shop.meshtest.yaml"
    file.write_text(file.read_text().replace('x-shop-tester: "true"', 'x-shop-tester: "false"'))
    result = CliRunner().invoke(app, [file.name, "-k", "testers"])
    shown = next(block for block in PAGE.split("```")[1::2] if block.startswith("\nFAIL"))
    assert shown.strip() in result.stdout

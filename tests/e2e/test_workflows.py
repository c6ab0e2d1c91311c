"""The workflows that the documentation shows, on the example mesh."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "shop"
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def workflow() -> dict[str, Any]:
    """Return the first workflow of the page about continuous integration."""
    found: dict[str, Any] = yaml.safe_load(_BLOCK.findall((ROOT / "docs" / "ci.md").read_text(encoding="utf-8"))[0])
    return found


STEPS = [
    step
    for step in workflow()["jobs"]["mesh"]["steps"]
    if re.search("kubectl-mesh [a-z]+ ", step.get("run", "")) and "name" in step
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out a repository before and after a pull request that changes a timeout."""
    root = tmp_path_factory.mktemp("checkout")
    for side in ("before", "after"):
        shutil.copytree(EXAMPLE / "base", root / side / "k8s")
        (root / side / "tests").mkdir()
        tests = (EXAMPLE / "shop.meshtest.yaml").read_text(encoding="utf-8")
        (root / side / "tests" / "shop.meshtest.yaml").write_text(tests.replace("[base]", "[../k8s]"))
    routes = root / "after" / "k8s" / "catalog-routes.yaml"
    routes.write_text(routes.read_text().replace("timeout: 3s", "timeout: 4s"))
    (root / "bin").mkdir()
    program = root / "bin" / "kubectl-mesh"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kubectl_mesh "$@"\n')
    program.chmod(0o755)
    (root / "temp").mkdir()
    return root


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step["name"])
def test_step_passes(step: dict[str, Any], checkout: Path) -> None:
    """Each step that calls the program passes on a harmless change."""
    temp = str(checkout / "temp")
    environment = {
        "PATH": f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "RUNNER_TEMP": temp,
        "GITHUB_STEP_SUMMARY": f"{temp}/summary.md",
        "HOME": temp,
    }
    command = step["run"].replace("${{ runner.temp }}", temp)
    folder = checkout / step.get("working-directory", ".")
    done = subprocess.run(
        ["bash", "-e", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_steps_are_those_of_the_page() -> None:
    """The page shows a step for tests, for findings and for the change."""
    assert [step["name"] for step in STEPS] == ["Test traffic", "Analyze", "Tell what changes"]


def test_change_is_told(checkout: Path) -> None:
    """The comment on the pull request says what the change does."""
    step = STEPS[-1]
    test_step_passes(step, checkout)
    assert "timeout: 3s → 4s" in (checkout / "temp" / "change.md").read_text()


@pytest.mark.parametrize("page", ["docs/ci.md", "krew/README.md"])
def test_workflows_are_yaml(page: str) -> None:
    """Every block that says it is YAML is."""
    blocks = _BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert blocks
    assert all(yaml.safe_load(block) for block in blocks)

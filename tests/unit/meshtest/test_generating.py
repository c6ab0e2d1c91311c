"""Test files that the program writes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner
from yaml import safe_load

from kubectl_mesh.cli.test import app
from kubectl_mesh.errors import InputError

BASE = Path(__file__).parents[3] / "examples" / "shop" / "base"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a test file of the example."""
    path = tmp_path_factory.mktemp("generated") / "shop.meshtest.yaml"
    result = CliRunner().invoke(app, ["generate", str(path), "-f", str(BASE)])
    assert result.exit_code == 0, result.output
    return path


def test_what_is_written_passes_and_touches_every_route(file: Path) -> None:
    """A mesh keeps the promises that were read off it, and no routing rule is left out."""
    result = CliRunner().invoke(app, [str(file), "--coverage"])
    assert result.exit_code == 0, result.output
    assert "coverage of routes: 8 of 8 (100 %)" in result.stdout


def test_cases_are_distinct_and_name_workloads(file: Path) -> None:
    """Each case stands for another treatment; senders are workloads or gateways, not pods, which come and go."""
    cases = safe_load(file.read_text())["spec"]["cases"]
    names = [case["name"] for case in cases]
    assert len(set(names)) == len(names) > 20
    assert all(case["from"].split("/")[1] in ("deploy", "sts", "gateway") for case in cases)


def test_a_change_makes_it_fail(file: Path, tmp_path: Path) -> None:
    """The file notices what the example's change does to testers who search."""
    text = file.read_text()
    changed = tmp_path / "shop.meshtest.yaml"
    document = safe_load(text)
    document["spec"]["given"] = {"manifests": [str(BASE)], "overlay": [str(BASE.parent / "change")]}
    changed.write_text(json.dumps(document))
    assert CliRunner().invoke(app, [str(changed)]).exit_code == 1


def test_nothing_is_overwritten(file: Path) -> None:
    """A file that is there already is left alone."""
    result = CliRunner().invoke(app, ["generate", str(file), "-f", str(BASE)])
    assert isinstance(result.exception, InputError)


def test_one_sender_may_be_named() -> None:
    """Without a file the text goes to stdout; --from limits who sends."""
    result = CliRunner().invoke(app, ["generate", "-f", str(BASE), "--from", "shop/deploy/web"])
    assert {case["from"] for case in safe_load(result.stdout)["spec"]["cases"]} == {"shop/deploy/web"}


def test_injection_goes_with_the_file(tmp_path: Path) -> None:
    """With --inject, manifests without Namespaces have sidecars, and the generated file repeats the option."""
    (tmp_path / "mesh.yaml").write_text(PLAIN)
    target = tmp_path / "plain.meshtest.yaml"
    result = CliRunner().invoke(app, ["generate", str(target), "-f", str(tmp_path / "mesh.yaml"), "--inject", "app"])
    assert result.exit_code == 0, result.output
    assert safe_load(target.read_text())["spec"]["given"] == {"manifests": ["mesh.yaml"], "inject": ["app"]}
    assert CliRunner().invoke(app, [str(target)]).exit_code == 0
    target.write_text(target.read_text().replace("inject:\n    - app\n", "inject: []\n"))
    result = CliRunner().invoke(app, [str(target)])
    assert result.exit_code == 1
    assert "--inject app treats it as labelled" in result.stderr, "a mesh without sidecars is not left unexplained"


PLAIN = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: app}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: app}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: a}]}}
"""

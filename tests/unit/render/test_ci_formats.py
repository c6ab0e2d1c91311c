"""SARIF and JUnit XML are what their readers take, whichever command writes them."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from kubectl_mesh.cli import analyze, test
from tests.unit.render.ci_formats import SARIF, junit_mistakes

SHOP = Path(__file__).parents[3] / "examples" / "shop"
BROKEN = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: "lost", namespace: shop}
spec: {hosts: [nowhere], http: [{route: [{destination: {host: nowhere, subset: "<&]]>"}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: lost-too, namespace: shop}
spec: {hosts: [nowhere], http: [{route: [{destination: {host: nowhere}}]}]}
"""


def of_tests(folder: Path) -> list[str]:
    """Return the words that test the example with every kind of ending in the results."""
    text = (SHOP / "shop.meshtest.yaml").read_text().replace("[base]", f"[{SHOP / 'base'}]")
    text = text.replace("subset: v2}\n      rule", "subset: v1}\n      rule").replace("deploy/stock", "deploy/nobody")
    text = text.replace("does not answer\n", 'does not answer\n    skip: a "<&]]>" reason\n').replace(
        "only web", "<&> "
    )
    (folder / "a.meshtest.yaml").write_text(text.replace('forall: {from: "shop/*"', 'forall: {from: "*/*"'))
    (folder / "b.meshtest.yaml").write_text("kind: MeshTest\n")
    return [str(folder)]


def of_findings(folder: Path) -> list[str]:
    """Return the words that analyze manifests with findings about several objects."""
    (folder / "broken.yaml").write_text(BROKEN)
    return [str(folder / "broken.yaml"), "--use-kube=false", "--failure-threshold", "Error"]


COMMANDS = pytest.mark.parametrize(
    ("app", "words"), [(test.app, of_tests), (analyze.app, of_findings)], ids=["test", "analyze"]
)


def written(app: typer.Typer, words: list[str], form: str, folder: Path) -> str:
    """Run a command with a format, and return the file that it writes."""
    target = folder / "output"
    result = CliRunner().invoke(app, [*words, f"-o{form}={target}"])
    assert result.exit_code == 1, result.output
    return target.read_text(encoding="utf-8")


@COMMANDS
def test_sarif_is_valid(app: typer.Typer, words: Callable[[Path], list[str]], tmp_path: Path) -> None:
    """Every object has what SARIF asks of it and nothing that SARIF does not define; indices lead to rules."""
    document = json.loads(written(app, words(tmp_path), "sarif", tmp_path))
    Draft7Validator.check_schema(SARIF)
    assert list(Draft7Validator(SARIF).iter_errors(document)) == []
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert run["results"]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])


@COMMANDS
def test_junit_is_valid(app: typer.Typer, words: Callable[[Path], list[str]], tmp_path: Path) -> None:
    """Elements and attributes are those that readers know, in the order they expect, and counts are right."""
    root = ElementTree.fromstring(written(app, words(tmp_path), "junit", tmp_path))
    assert list(junit_mistakes(root)) == []
    assert root.findall(".//testcase")


def test_the_check_finds_mistakes() -> None:
    """Documents that readers would refuse do not pass."""
    assert not Draft7Validator(SARIF).is_valid({"version": "2.1.0", "runs": [{"results": []}]})
    assert not Draft7Validator(SARIF).is_valid({"version": "2.1.0", "runs": [], "extra": 1})
    suite = '<testsuite name="a" tests="1" failures="0" errors="0" skipped="0" extra="1"/>'
    wrong = f'<testsuites tests="2">{suite}</testsuites>'
    assert len(list(junit_mistakes(ElementTree.fromstring(wrong)))) == 3

"""A failing run in each format that CI systems read."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from kubectl_mesh.cli.test import app

SHOP = Path(__file__).parents[3] / "examples" / "shop"
FORMS = ("junit", "sarif", "github", "tap", "md", "json", "yaml")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the example with a case of each ending and a threshold that is missed, into all formats."""
    folder = tmp_path_factory.mktemp("formats")
    text = (SHOP / "shop.meshtest.yaml").read_text()
    text = text.replace("[base]", f"[{SHOP / 'base'}]").replace("subset: v2}\n      rule", "subset: v1}\n      rule")
    text = text.replace("from: warehouse/deploy/stock", "from: warehouse/deploy/nobody")
    text = text.replace("does not answer\n", "does not answer\n    skip: no longer\n")
    (folder / "shop.meshtest.yaml").write_text(text)
    words = [f"-o{form}={folder / form}" for form in FORMS]
    result = CliRunner().invoke(app, [str(folder / "shop.meshtest.yaml"), *words])
    assert result.exit_code == 1
    assert "1 failed, 1 undecided, 1 skipped" in result.stdout, "text goes to stdout when no format does"
    return {form: (folder / form).read_text() for form in FORMS}


def test_junit_tells_failed_from_undecided(written: dict[str, str]) -> None:
    """A false assertion is a failure with the path in system-out, an unanswerable one an error, and counts add up."""
    root = ElementTree.fromstring(written["junit"])
    cases = root.findall("./testsuite/testcase")
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == (str(len(cases)), "2", "1")
    (failed,) = [case for case in cases if case.find("failure") is not None and case.get("classname") == "shop"]
    failure = failed.find("failure")
    assert failure is not None
    assert "catalog-routes.yaml:" in (failure.text or "")
    assert "virtual host" in (failed.findtext("system-out") or "")
    (error,) = root.findall("./testsuite/testcase/error")
    assert "nobody: no such workload" in error.get("message", "")
    allowed = {"testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out"}
    assert {element.tag for element in root.iter()} <= allowed
    assert all(case.get("name") and case.get("classname") and float(case.get("time", "")) >= 0 for case in cases)


def test_sarif_has_the_path_as_a_code_flow(written: dict[str, str]) -> None:
    """The result stands at the rule at fault; its code flow leads there hop by hop."""
    (run,) = json.loads(written["sarif"])["runs"]
    result = next(each for each in run["results"] if each["ruleId"] == "test-failed")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("base/catalog-routes.yaml")
    assert result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("shop.meshtest.yaml")
    steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
    texts = [step["location"]["message"]["text"] for step in steps]
    assert any("outbound: route testers" in text for text in texts)
    assert any("physicalLocation" in step["location"] for step in steps)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[each["ruleIndex"]] == each["ruleId"] for each in run["results"])


def test_github_annotates_the_rule(written: dict[str, str]) -> None:
    """Each failure is an error at a line of a manifest, what cannot be decided a warning at the test."""
    lines = written["github"].splitlines()
    assert sum(line.startswith("::error file=") for line in lines) == 2
    assert sum(line.startswith("::warning file=") for line in lines) == 1


def test_tap_numbers_every_test(written: dict[str, str]) -> None:
    """The plan counts what follows, and each line has its number."""
    lines = written["tap"].splitlines()
    points = [line for line in lines if line.startswith(("ok ", "not ok "))]
    assert lines[:2] == ["TAP version 14", f"1..{len(points)}"]
    assert [int(point.removeprefix("not ").split()[1]) for point in points] == list(range(1, len(points) + 1))
    assert lines.count("  ---") == lines.count("  ...") == 3


def test_markdown_and_structured_have_every_failure(written: dict[str, str]) -> None:
    """The table has a row for each failure; JSON and YAML are the same document."""
    import yaml

    assert sum(line.startswith("| 🔴") for line in written["md"].splitlines()) == 2
    document = json.loads(written["json"])
    assert document == yaml.safe_load(written["yaml"])
    assert (document["apiVersion"], document["kind"]) == ("kubectl-mesh/v1alpha1", "TestRun")
    assert sum(each["verdict"] == "fail" for each in document["results"]) == 1

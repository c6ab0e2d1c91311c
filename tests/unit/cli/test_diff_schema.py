"""The output of `diff -o json` conforms to its schema."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kubectl_mesh.cli.app import run
from tests.unit.diagnosis.ambient import AMBIENT

CHANGE = Path(__file__).parents[3] / "examples" / "shop" / "change"


def difference(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Return the document of a difference, after checking it against the schema."""
    schema = json.loads((files("kubectl_mesh") / "schemas" / "diff.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert run(["kubectl-mesh", "diff", *words, "-o", "json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    jsonschema.validate(printed, schema)
    return printed


@pytest.mark.parametrize("words", [("--apply", str(CHANGE)), ("--apply", str(CHANGE), "--delete", "service/shop/web")])
def test_differences_are_what_the_schema_says(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Changes of the example mesh satisfy the schema, field by field."""
    printed = difference(capsys, "--demo", *words)
    assert printed["requests"]
    assert printed["resources"]


def test_differences_of_ztunnels_are_what_the_schema_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So do changes of an ambient mesh, which no Envoy sees."""
    before, after = tmp_path / "before.yaml", tmp_path / "after.yaml"
    before.write_text(AMBIENT)
    after.write_text(AMBIENT.replace("namespaces: [shop]", "namespaces: [other]"))
    printed = difference(capsys, str(before), str(after))
    assert [each["kind"] for each in printed["resources"]] == ["policy"]

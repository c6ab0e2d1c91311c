"""What `diff -o json` prints is what its schema says."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from kubectl_mesh.cli.app import run

CHANGE = Path(__file__).parents[3] / "examples" / "shop" / "change"


@pytest.mark.parametrize("words", [("--apply", str(CHANGE)), ("--apply", str(CHANGE), "--delete", "service/shop/web")])
def test_differences_are_what_the_schema_says(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Changes of the example mesh satisfy the schema, field by field."""
    schema = json.loads((files("kubectl_mesh") / "schemas" / "diff.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert run(["kubectl-mesh", "diff", "--demo", *words, "-o", "json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    jsonschema.validate(printed, schema)
    assert printed["requests"]
    assert printed["resources"]

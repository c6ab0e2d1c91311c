"""The JSON schema for editors agrees with the decoder."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from yaml import safe_load

from kubectl_mesh.analysis.messages import catalogue
from kubectl_mesh.errors import InputError
from kubectl_mesh.meshtest import decoding, expecting
from kubectl_mesh.meshtest.decoding import read_suites
from kubectl_mesh.meshtest.model import DISPOSITIONS

SHOP = Path(__file__).parents[3] / "examples" / "shop" / "shop.meshtest.yaml"
SCHEMA: dict[str, Any] = json.loads((files("kubectl_mesh") / "schemas" / "meshtest.schema.json").read_text())
DEFS = SCHEMA["$defs"]
VALIDATOR = Draft202012Validator(SCHEMA)


def test_the_example_is_valid() -> None:
    """The schema is one, and takes the file that ships with the example."""
    Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(safe_load(SHOP.read_text()))


def test_lists_of_words_are_those_of_the_program() -> None:
    """Dispositions and codes in the schema are all there are."""
    assert [each["const"] for each in DEFS["Disposition"]["oneOf"]] == list(DISPOSITIONS)
    codes = DEFS["Invariant"]["properties"]["noFinding"]["anyOf"][0]["enum"]
    assert set(codes) == {word for code, message in catalogue().items() for word in (code, message.name)}


def test_keys_are_those_of_the_decoder() -> None:
    """Every key that the decoder knows is in the schema, and no other."""
    request, matrix = decoding._REQUEST, decoding._MATRIX
    assert set(DEFS["Request"]["properties"]) == set(request)
    assert set(DEFS["Case"]["properties"]["matrix"]["properties"]) == set(matrix)
    assert set(DEFS["Expectation"]["properties"]) == set(expecting._EXPECT)
    assert set(SCHEMA["properties"]["spec"]["properties"]["coverage"]["properties"]) == set(decoding._COVERAGE)


def objects(schema: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], list[str]]]:
    """Return the path and the keys of every object of fixed keys below spec."""
    found = []
    if "$ref" in schema and path.count("not") < 2:
        found += objects(DEFS[schema["$ref"].rpartition("/")[2]], path)
    if schema.get("additionalProperties") is False:
        found.append((path, list(schema["properties"])))
        for name, child in schema["properties"].items():
            found += objects(child, (*path, name))
    if "items" in schema:
        found += objects(schema["items"], (*path, "0"))
    return found


def nested(path: tuple[str, ...], value: Any) -> Any:
    """Put a value below a path; `0` is a list."""
    for step in reversed(path):
        value = [value] if step == "0" else {step: value}
    return value


@pytest.mark.parametrize("path", [path for path, _ in objects(SCHEMA) if path], ids=lambda path: ".".join(path))
def test_objects_are_closed_in_both(path: tuple[str, ...]) -> None:
    """A key that no object has is refused by the decoder with the object's keys, which are those of the schema."""
    (keys,) = {tuple(sorted(keys)) for each, keys in objects(SCHEMA) if each == path}
    document = {"apiVersion": "kubectl-mesh/v1alpha1", "kind": "MeshTest", "spec": {}} | nested(path, {"zzz": 1})
    case = document["spec"].get("cases", [None])[0]
    if case is not None and path != ("spec", "cases", "0"):
        document["spec"]["cases"] = [{"from": "a", "request": {"url": "http://a"}, "expect": {"status": 200}} | case]
    if path[-1] == "forall":
        document["spec"]["invariants"][0]["noFinding"] = ["KM0003"]
    with pytest.raises(InputError) as caught:
        read_suites(json.dumps(document), source="t.yaml")
    assert "zzz: no such key" in str(caught.value)
    assert tuple(sorted(caught.value.hint.removeprefix("keys here are ").split(", "))) == keys


EXPECTATIONS = st.fixed_dictionaries(
    {},
    optional={
        "disposition": st.sampled_from([*DISPOSITIONS, "delivred", 7]),
        "status": st.sampled_from([200, "ok", True]),
        "timeout": st.sampled_from(["3s", "none", "1m30s", "soon", 3]),
        "upstreamTls": st.sampled_from(["mtls", "mutual"]),
        "authz": st.sampled_from([{"verdict": "allow"}, {"verdict": "maybe"}, {"by": "a/b"}]),
        "destination": st.sampled_from([{"service": "a/b"}, {"port": "80"}, {"subset": ""}]),
        "headers": st.sampled_from([{"request": {"x": None}}, {"request": {"x": []}}]),
    },
)


@given(expect=EXPECTATIONS)
def test_schema_and_decoder_refuse_the_same(expect: dict[str, Any]) -> None:
    """An expectation is valid for an editor when, and only when, it is for the program."""
    case = {"from": "a", "request": {"url": "http://a"}, "expect": expect}
    document = {"apiVersion": "kubectl-mesh/v1alpha1", "kind": "MeshTest", "spec": {"cases": [case]}}
    try:
        read_suites(json.dumps(document), source="t.yaml")
        accepted = True
    except InputError:
        accepted = False
    assert VALIDATOR.is_valid(document) is accepted

"""MeshConfig as istiod reads it from its ConfigMap."""

import pytest

from simulator.manifests import parse_manifests
from simulator.manifests.mesh_documents import read_mesh_document
from simulator.mesh import Mesh

REFUSED = {
    "rootNamespase: x": "rootNamespase is not a field; did you mean rootNamespace?",
    "connectTimeout: abc": 'connectTimeout must be a duration such as 1.5s, not "abc"',
    "connectTimeout: 5": "connectTimeout must be a duration such as 1.5s, not 5",
    "defaultConfig: 3": "defaultConfig must be a mapping, not 3",
    "defaultConfig: {proxyMetadata: {A: true}}": 'A must be a string, not true; quote it: "true"',
    "outboundTrafficPolicy: {mode: registry_only}": "did you mean REGISTRY_ONLY?",
    "trustDomainAliases: x": "trustDomainAliases must be a list",
    "hello": "it must be a mapping",
    "a: [": ": not valid YAML",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_istiod_cannot_read_is_nothing_and_said(text: str) -> None:
    """One field of a wrong name or type takes the whole document away, and the reason names it."""
    fields, problem = read_mesh_document(text)
    assert fields == {}
    assert REFUSED[text] in problem


def test_either_spelling_and_numbers_in_quotes_are_read() -> None:
    """Fields may be written as in JSON or as in protobuf, whole numbers as text; keys of maps stay as they are."""
    text = "root_namespace: a\nproxyListenPort: '15001'\ndefaultConfig: {proxyMetadata: {A_B: c}, concurrency: 2.0}\n"
    assert read_mesh_document(text) == (
        {
            "rootNamespace": "a",
            "proxyListenPort": 15001,
            "defaultConfig": {"proxyMetadata": {"A_B": "c"}, "concurrency": 2},
        },
        "",
    )
    assert read_mesh_document("") == ({}, "")


@pytest.mark.parametrize("mesh", ["connectTimeout: abc", "proxyListenPort: 70000", "defaultConfig: 3"])
def test_a_refused_mesh_config_leaves_the_defaults(mesh: str) -> None:
    """istiod goes on with its defaults, and a warning leads to the line of the ConfigMap."""
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
        f"data:\n  mesh: |-\n    {mesh}\n    rootNamespace: elsewhere\n"
    )
    made = Mesh.from_resources(parse_manifests(text, source="mesh.yaml"))
    assert made.snapshot.mesh["rootNamespace"] == "istio-system"
    assert [str(caveat).partition(" data.mesh:")[0] for caveat in made.caveats()] == [
        "mesh.yaml:5: invalid: ConfigMap/istio-system/istio"
    ]

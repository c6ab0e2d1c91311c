"""Analyzers against istioctl's recorded answers: its own test cases, and what its command line printed."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kubectl_mesh.analysis.analyzer import Analyzer
from kubectl_mesh.analysis.default_resources import with_default_gateway
from kubectl_mesh.analysis.gathering import from_files
from kubectl_mesh.analysis.messages import catalogue
from kubectl_mesh.analysis.origins import friendly_name
from kubectl_mesh.analysis.registry import analyzers, chosen
from kubectl_mesh.analysis.reporting import row
from kubectl_mesh.analysis.runner import analyze
from kubectl_mesh.analysis.world import World, world_of
from kubectl_mesh.sources.manifests import read_document, read_files
from simulator.registry.mesh_config import apply_mesh_config, camel_case, default_mesh_config

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "goldens" / "analyze"
NAMES = {
    "authz.AuthorizationPoliciesAnalyzer": "auth.AuthorizationPoliciesAnalyzer",
    "deployment.ApplicationUIDAnalyzer": "applicationUID.Analyzer",
    "deployment.ServiceAssociationAnalyzer": "deployment.MultiServiceAnalyzer",
    "deprecation.FieldAnalyzer": "deprecation.DeprecationAnalyzer",
    "destinationrule.PodNotSelectedAnalyzer": "destinationrule.SubsetSelectPodAnalyzer",
    "maturity.AlphaAnalyzer": "annotations.AlphaAnalyzer",
    "multicluster.MeshNetworksAnalyzer": "meshnetworks.MeshNetworksAnalyzer",
    "schemaValidation.CollectionValidationAnalyzer(collections.VirtualService)": (
        "schema.ValidationAnalyzer.VirtualService"
    ),
    "serviceentry.ProtocolAddressesAnalyzer": "serviceentry.Analyzer",
}
"""The cases name analyzers by their types in Go; these differ from the names that istioctl prints."""
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="istioctl's recorded answers are not beside the project")


@cache
def recorded(name: str) -> Any:
    """Return a file of recorded answers; nothing where they are absent."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8")) if FOLDER.is_dir() else {}


def cases() -> list[Any]:
    """Return the cases with an id for each."""
    found = recorded("cases.json").get("cases", []) if FOLDER.is_dir() else []
    return [pytest.param(each, id=f"{number}-{each['name']}") for number, each in enumerate(found)]


def world(case: dict[str, Any]) -> World:
    """Return what a cluster that holds the case's objects would show."""
    inputs = [str(FOLDER / "testdata" / name) for name in case["inputs"]]
    mesh = default_mesh_config()
    if case["mesh_config"]:
        document = read_document(str(FOLDER / "testdata" / case["mesh_config"]))
        mesh = apply_mesh_config(mesh, camel_case(document))
    networks: dict[str, Any] = {}
    if case["mesh_networks"]:
        networks = read_document(str(FOLDER / "testdata" / case["mesh_networks"]))
    resources = with_default_gateway(read_files(inputs, namespace="").resources, mesh)
    made = world_of(resources, mesh=mesh, mesh_networks=networks)
    made.now = datetime.now(UTC)
    return made


def found(case: dict[str, Any], wanted: Sequence[Analyzer]) -> Counter[tuple[str, str]]:
    """Return code and origin of each finding of istioctl's codes."""
    findings = [each for analyzer in wanted for each in analyze(world(case), [analyzer]).findings]
    names = [(each.code, friendly_name(each.resource) if each.resource else "") for each in findings]
    return Counter(name for name in names if name[0].startswith("IST"))


def test_messages_are_istioctls() -> None:
    """Codes, levels and templates are those of istioctl's catalogue."""
    ours = {each.name: (each.code, str(each.level), each.template) for each in catalogue().values()}
    known = recorded("cases.json")["messages"]
    theirs = {name: (each["code"], each["level"], each["template"]) for name, each in known.items()}
    assert {name: ours.get(name) for name in theirs} == theirs


@pytest.mark.parametrize("case", cases())
def test_case_gives_its_messages(case: dict[str, Any]) -> None:
    """An analyzer finds exactly what istioctl's own test expects of it."""
    expected = Counter((each["code"], each["origin"]) for each in case["expected"])
    assert found(case, [analyzers()[NAMES.get(case["analyzer"], case["analyzer"])]]) == expected


@pytest.mark.parametrize("case", [each for each in cases() if not each.values[0]["skip_in_all"]])
def test_other_analyzers_invent_nothing(case: dict[str, Any]) -> None:
    """What all analyzers together find of a case's codes and objects is what the one finds alone."""
    codes = {each["code"] for each in case["expected"]}
    name = NAMES.get(case["analyzer"], case["analyzer"])
    alone = found(case, [analyzers()[name]])
    others = found(case, [each for each in chosen(()) if each.name != name])
    repeated = {name for name in alone if name in others and name[0] in codes}
    assert {name for name in repeated if name[0] not in ("IST0101", "IST0002", "IST0106", "IST0133")} == set()


def printed() -> list[Any]:
    """Return the inputs that istioctl's command line was given, with an id for each."""
    found = recorded("cli.json") if FOLDER.is_dir() else {}
    return [pytest.param(name, id=name) for name in found]


Told = tuple[str, str, str, str]


def told(name: str) -> Iterator[Told]:
    """Yield code, origin, text and reference of what is found in a file, objects without namespace left as they are."""
    files = read_files([str(FOLDER / "testdata" / name)], namespace="")
    given = from_files(files.resources, mesh=None, system_namespace="istio-system", revision="default")
    for finding in analyze(given, chosen(())).findings:
        shown = row(finding)
        if shown.code.startswith("IST"):
            reference = shown.reference.removeprefix(f"{FOLDER / 'testdata'}/")
            yield shown.code, shown.origin, shown.message, reference


@pytest.mark.parametrize("name", printed())
def test_file_gives_what_istioctl_prints(name: str) -> None:
    """Every message of istioctl is found, with its text and place; docs/differences.md lists what differs."""
    expected = {(m["code"], m["origin"], m["message"], m["reference"]) for m in recorded("cli.json")[name]["messages"]}
    got = set(told(name))
    missing = expected - got
    assert {each for each in missing if not is_known_difference(each, got)} == set()


def is_known_difference(message: Told, got: set[Told]) -> bool:
    """Recognise istioctl's two quirks: a line too many behind an empty document, and a random one of several hosts."""
    code, origin, text, reference = message
    file, _, line = reference.rpartition(":")
    if (code, origin, text, f"{file}:{int(line) - 1}") in got:
        return True
    return code == "IST0109" and any(each[:2] == (code, origin) and each[3] == reference for each in got)

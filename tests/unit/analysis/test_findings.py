"""Texts, order, suppression and comparison of findings."""

from collections.abc import Iterator

import pytest

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.baseline import read_baseline
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.messages import text
from kubectl_mesh.analysis.origins import reference
from kubectl_mesh.analysis.registry import analyzers
from kubectl_mesh.analysis.reporting import compared, row
from kubectl_mesh.analysis.runner import analyze, in_order
from kubectl_mesh.analysis.suppression import audible, parse_suppression
from kubectl_mesh.analysis.world import World, world_of
from kubectl_mesh.errors import InputError, UsageError
from kubectl_mesh.reports.findings import Change
from simulator.manifests.reading import parse_manifests
from simulator.model.go_text import quote
from simulator.model.resources import Resource

POD = "---\n# why\napiVersion: v1\nkind: Pod\nmetadata:\n  name: pod\n  namespace: home\n"


def pod(manifest: str = POD) -> Resource:
    """Return the only resource of a manifest."""
    return parse_manifests(manifest, source="a.yaml")[0]


@pytest.mark.parametrize(
    ("code", "arguments", "expected"),
    [
        ("IST0101", ("host", 'a"b'), 'Referenced host not found: "a\\"b"'),
        ("IST0111", (["a", "b"], "n"), "The Sidecars [a b] in namespace"),
        ("IST0112", ("h", [80, 443]), 'service "h" that exposes multiple ports [80 443].'),
        ("IST0175", (2, "a, b"), "but 2 RequestAuthentication resource(s) exist (a, b)"),
    ],
)
def test_text_is_printed_as_go_does(code: str, arguments: tuple[object, ...], expected: str) -> None:
    """Verbs of the template print strings, lists and numbers as Go's do."""
    assert expected in text(Finding(code=code, resource=None, arguments=arguments))


def test_quote_escapes_as_go_does() -> None:
    """Control characters are escaped, letters of any script are not."""
    assert quote("ä\n\x01") == '"ä\\n\\x01"'


def test_reference_is_the_line_behind_the_dashes() -> None:
    """A finding without field points at the document, one with a field at it."""
    assert reference(Finding(code="IST0103", resource=pod(), arguments=("p",))) == "a.yaml:2"
    named = Finding(code="IST0103", resource=pod(), arguments=("p",), path=("metadata", "name"))
    assert reference(named) == "a.yaml:6"


def test_order_is_level_code_object() -> None:
    """Errors come first, then codes; the same text about one place is reported once."""
    first = Finding(code="IST0101", resource=pod(), arguments=("host", "a"))
    info = Finding(code="IST0102", resource=pod(), arguments=("n", "n"))
    assert in_order([info, first, first]) == (first, info)


@pytest.mark.parametrize(
    ("suppression", "is_heard"),
    [
        ("IST0103=Pod home/pod", False),
        ("IST0103=Pod pod.home", False),
        ("IST0103=Pod home/*", False),
        ("IST0103=Pod away/*", True),
        ("IST0104=*", True),
    ],
)
def test_suppression(suppression: str, is_heard: bool) -> None:
    """A finding is left out when code and object match."""
    finding = Finding(code="IST0103", resource=pod(), arguments=("p",))
    heard = list(audible([finding], suppressions=[parse_suppression(suppression)], namespace=""))
    assert bool(heard) is is_heard


def test_suppression_needs_code_and_object() -> None:
    """Anything but CODE=OBJECT is wrong usage."""
    with pytest.raises(UsageError):
        parse_suppression("IST0103")


@pytest.mark.parametrize("codes", ["IST0103", "*", "IST0001, IST0103"])
def test_annotation_suppresses(codes: str) -> None:
    """An annotation of an object suppresses findings about it."""
    annotated = pod(f"{POD}  annotations:\n    galley.istio.io/analyze-suppress: '{codes}'\n")
    finding = Finding(code="IST0103", resource=annotated, arguments=("p",))
    assert list(audible([finding], suppressions=(), namespace="")) == []


def test_namespace_hides_others() -> None:
    """With a namespace, findings of others are left out, and those of cluster-scoped objects kept."""
    node = pod("apiVersion: v1\nkind: Node\nmetadata: {name: node}\n")
    findings = [Finding(code="IST0103", resource=each, arguments=("p",)) for each in (pod(), node)]
    assert list(audible(findings, suppressions=(), namespace="other")) == findings[1:]


def test_comparison_tells_introduced_fixed_and_unchanged() -> None:
    """The same finding on another line is unchanged."""
    old, both, new = (row(Finding(code="IST0103", resource=pod(), arguments=(name,))) for name in "abc")
    changes = {each.message[8]: each.change for each in compared([old, both], [both, new])}
    assert changes == {"a": Change.FIXED, "b": Change.UNCHANGED, "c": Change.INTRODUCED}


def test_baseline_of_something_else_is_refused() -> None:
    """A file that no run wrote is an input error."""
    with pytest.raises(InputError):
        read_baseline({"kind": "List"}, source="x.json")


def test_a_defect_is_a_finding() -> None:
    """An analyzer that fails is reported, and the others still run."""

    def fail(world: World) -> Iterator[Finding]:
        yield Finding(code="IST0002", resource=None, arguments=(str(world.mesh["absent"]),))

    defective = Check(name="test.Defective", description="Fails", inputs=(), run=fail)
    analysis = analyze(world_of(()), [defective])
    assert [each.code for each in analysis.findings] == ["IST0001"]


def test_an_unreadable_object_keeps_no_other_from_being_checked() -> None:
    """A number in place of a list is reported as such; an analyzer that fails on it sees the other resources."""
    manifest = "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: NAME}\nspec: {tracing: []}\n"
    world = world_of([pod(manifest.replace("NAME", name)) for name in ("a", "b")])
    world.resources[0].document["spec"]["tracing"] = 3

    def read(world: World) -> Iterator[Finding]:
        for each in world.of_kind("Telemetry"):
            yield Finding(code="IST0002", resource=each, arguments=(f"{len(each.spec['tracing'])}",))

    check = Check(name="test.Reading", description="Reads", inputs=("Telemetry",), run=read)
    analysis = analyze(world, [check, analyzers()["schema.ValidationAnalyzer.Telemetry"]])
    assert [(each.code, each.resource and each.resource.name) for each in analysis.findings] == [
        ("KM0102", "a"),
        ("IST0002", "b"),
    ]


def test_absent_inputs_skip() -> None:
    """An analyzer whose input cannot be seen does not run, and says what it needs."""
    world = world_of(())
    world.absent = {"VirtualService": "forbidden"}
    analysis = analyze(world, [analyzers()["schema.ValidationAnalyzer.VirtualService"]])
    assert [str(each) for each in analysis.skipped] == ["skipped: needs VirtualService (forbidden)"]

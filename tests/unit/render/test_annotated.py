"""Formats of CI systems: their structure, and what must be escaped in them."""

import json
from xml.etree import ElementTree

from kubectl_mesh.render import github, junit, markdown, sarif
from kubectl_mesh.reports.annotated import Case, Ending, Place, Remark, Rule, Severity

RULE = Rule(id="X1", name="Thing", summary="A thing.", help="Do it.", url="https://example.test/x1")


def remark(
    message: str = "m", *, severity: Severity = Severity.ERROR, file: str = "a b.yaml", change: str = ""
) -> Remark:
    """Make a remark about line 3 of a file."""
    place = Place(file=file, line=3)
    other = Place(file="c.yaml", line=1, text="Other x")
    return Remark(
        rule=RULE, severity=severity, message=message, subject="Kind n/o", place=place, related=(other,), change=change
    )


def test_sarif_has_rule_place_and_state() -> None:
    """A result names its rule, a relative address, the other place, and whether it is new."""
    document = json.loads(sarif.render([remark(change="introduced")], tool="t", version="1.0"))
    (run,) = document["runs"]
    (result,) = run["results"]
    assert document["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "X1"
    physical = result["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": "a%20b.yaml"}, "region": {"startLine": 3}}
    assert result["relatedLocations"][0]["message"]["text"] == "Other x"
    assert (result["level"], result["baselineState"]) == ("error", "new")


def test_sarif_fingerprint_survives_moves() -> None:
    """The fingerprint of a result does not depend on its line."""
    moved = Remark(rule=RULE, severity=Severity.ERROR, message="m", subject="Kind n/o", place=Place(file="z", line=9))
    results = json.loads(sarif.render([remark(), moved], tool="t", version="1"))["runs"][0]["results"]
    assert results[0]["partialFingerprints"] == results[1]["partialFingerprints"]


def test_junit_counts_and_escapes() -> None:
    """Counts are right, and any character of a message leaves the document well-formed."""
    cases = [
        Case(suite="s", name='a"<&', ending=Ending.FAILED, message="x\x00\ny", details="]]>&"),
        Case(suite="s", name="b", ending=Ending.SKIPPED, message="why"),
        Case(suite="t", name="c", ending=Ending.PASSED, output="out"),
    ]
    root = ElementTree.fromstring(junit.render(cases, name="n"))
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    assert [case.get("name") for case in root.iter("testcase")] == ['a"<&', "b", "c"]
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "x\N{REPLACEMENT CHARACTER}\ny"


def test_github_escapes_properties_and_data() -> None:
    """Colons, commas and line breaks cannot end a command or begin another."""
    line = github.render([remark("a\n::error::b%", file="x:y,z.yaml")])
    assert line == "::error file=x%3Ay%2Cz.yaml,line=3,title=X1 Thing::Kind n/o: a%0A::error::b%25\n"


def test_github_shows_ten_of_a_kind_and_counts_the_rest() -> None:
    """GitHub silently drops annotations over its limit; the last line says so."""
    lines = github.render([remark(str(number)) for number in range(12)]).splitlines()
    assert len(lines) == 11
    assert lines[-1].startswith("2 more")


def test_markdown_has_a_row_for_each_and_no_markup_from_messages() -> None:
    """Names and messages cannot become links, mentions or cells."""
    text = markdown.render([remark("a|b [x](y) @z <i>")], title="T", footer="end")
    row = next(line for line in text.splitlines() if "Kind n/o" in line)
    assert row.endswith("a\\|b \\[x\\](y) \\@z &lt;i&gt; |")
    assert text.endswith("end\n")

"""CEL: its syntax, its values, and the rules of CRDs that are written in it."""

import json
from importlib.resources import files

import pytest

from kubectl_mesh.analysis.cel import rule
from kubectl_mesh.analysis.crd_rules import broken_rules
from simulator.validation.cel_parser import CelSyntaxError, parse
from tests.unit.validation.manifests import read

OPERAND = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)


@pytest.mark.parametrize(
    ("expression", "value", "holds"),
    [
        ("self == 3", 3, True),
        ("self + 1 * 2 < 5 && self != 4", 2, True),
        ("has(self.a) ? self.a.size() > 0 : true", {"a": ""}, False),
        ("has(self.a) ? self.a.size() > 0 : true", {}, True),
        ("self.all(x, x.startsWith('a'))", ["ab", "b"], False),
        ("self.exists_one(x, x == 'a')", ["a", "a"], False),
        ("self.filter(x, x > 1).size() == 2", [1, 2, 3], True),
        ("self.matches(r'''^[a-z]+$''')", "ab1", False),
        ('duration(self) >= duration("1ms")', "500us", False),
        ("self in ['a', 'b']", "c", False),
        ("self.missing == 1 || true", {}, True),
        ("self.missing == 1", {}, True),
        ("!self.contains('*')", "a*", False),
        ("self.__namespace__ == 'x'", {"namespace": "x"}, True),
        ("url(self).getScheme() in ['http', 'https']", "ftp://a", False),
        ("{'a': 1}[self] == 1", "a", True),
        ("self.substring(7, 8) == '/'", "unix:///a", True),
    ],
)
def test_rules_are_evaluated(expression: str, value: object, holds: bool) -> None:
    """A rule holds or does not; a rule without a value is not broken."""
    assert rule(expression)(value) is holds


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("", f"1:0: Syntax error: mismatched input '<EOF>' expecting {OPERAND}"),
        ("a >= ", f"1:6: Syntax error: mismatched input '<EOF>' expecting {OPERAND}\n | a >= \n | .....^"),
        ("a b", "1:3: Syntax error: extraneous input 'b' expecting <EOF>\n | a b\n | ..^"),
        ("f(1", "1:4: Syntax error: missing ')' at '<EOF>'\n | f(1\n | ...^"),
    ],
)
def test_syntax_errors_are_told_as_cel_go_does(expression: str, problem: str) -> None:
    """The error about an invalid expression has its position."""
    with pytest.raises(CelSyntaxError) as refused:
        parse(expression)
    assert str(refused.value) == f"ERROR: <input>:{problem}"


ROUTE = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a, namespace: b}\nspec: SPEC\n"


@pytest.mark.parametrize(
    ("spec", "broken"),
    [
        ("{rules: [{backendRefs: [{name: web, port: 80}]}]}", []),
        (
            "{rules: [{backendRefs: [{name: web}]}]}",
            ["spec.rules[0].backendRefs[0]: Must have port for Service reference"],
        ),
        ("{rules: [{backendRefs: [{name: web, kind: Pool, group: x.io}]}]}", []),
        (
            "{rules: [{matches: [{path: {value: a}}]}]}",
            [
                "spec.rules[0].matches[0].path: value must be an absolute path and start with '/' "
                "when type one of ['Exact', 'PathPrefix']"
            ],
        ),
        (
            "{parentRefs: [{name: a}, {name: a}]}",
            [
                "spec.parentRefs: sectionName or port must be unique when parentRefs includes 2 or more references "
                "to the same parent"
            ],
        ),
        (
            "{rules: [{filters: [{type: URLRewrite}]}]}",
            ["spec.rules[0].filters[0]: filter.urlRewrite must be specified for URLRewrite filter.type"],
        ),
    ],
)
def test_rules_of_crds_are_kept_with_defaults_filled_in(spec: str, broken: list[str]) -> None:
    """Violations of the API server's rules are reported with their position and the CRD's own message."""
    (resource,) = read(ROUTE.replace("SPEC", spec))
    assert [each.text for each in broken_rules(resource)] == broken


def test_every_rule_of_the_table_is_read() -> None:
    """No rule of a CRD uses what is not read here: it would be found broken, or kept, for no reason."""
    table = json.loads((files("kubectl_mesh.analysis") / "crd_rules.json").read_text())
    assert len(table["rules"]) > 100
    assert all(callable(rule(expression)) for expression, _ in table["rules"])

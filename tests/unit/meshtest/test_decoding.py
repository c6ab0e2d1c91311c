import pytest

from kubectl_mesh.errors import InputError
from kubectl_mesh.meshtest.decoding import read_suites

HEAD = "apiVersion: kubectl-mesh/v1alpha1\nkind: MeshTest\nmetadata: {name: t}\nspec:\n"
CASE = HEAD + "  cases:\n  - name: one\n    from: a/web\n    request: {url: http://b}\n    expect: {status: 200}\n"


def test_a_matrix_multiplies_cases() -> None:
    """Each combination of the lists is a case of its own, named after it."""
    text = CASE + "    matrix: {from: [a/x, a/y], method: [GET, POST]}\n"
    (suite,) = read_suites(text, source="t.yaml")
    assert [(case.sender, case.request.method) for case in suite.cases] == [
        ("a/x", "GET"),
        ("a/x", "POST"),
        ("a/y", "GET"),
        ("a/y", "POST"),
    ]
    assert suite.cases[0].name == "one [from a/x, method GET]"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (CASE.replace("expect:", "expekt:"), "t.yaml:9: spec.cases[0].expekt: no such key", "did you mean expect?"),
        (CASE.replace("status: 200", "disposition: delivred"), "delivred is not known", "did you mean delivered?"),
        (CASE.replace("status: 200", "status: ok"), "a whole number is needed", ""),
        (CASE.replace("{status: 200}", "{}"), "nothing is expected", "state one of"),
        (CASE.replace("from: a/web", ""), "no from", "spec.defaults.from"),
        (CASE.replace("url: http://b", "method: GET"), "no request.url", "write url"),
        (CASE.replace("v1alpha1", "v9"), "kubectl-mesh/v9 is not known", "kubectl-mesh/v1alpha1"),
        (CASE + "  invariants: [{name: x}]\n", "either expect or noFinding", ""),
        (CASE.replace("status: 200", "rule: {}"), "t.yaml:9: spec.cases[0].expect.rule: nothing is stated", "index"),
        (CASE.replace("status: 200", "split: []"), "weights add up to 0, not 100", "every destination"),
        (CASE.replace("status: 200", "split: [{subset: a, weight: 10}]"), "weights add up to 10, not 100", "every"),
        (CASE.replace("status: 200", "disposition: []"), "an empty list allows nothing", ""),
        (CASE.replace("status: 200", "headers: {request: {}}"), "no header is named", "NAME: VALUE"),
        (CASE.replace("status: 200", "5: 6"), "spec.cases[0].expect.5: no such key", "keys here are"),
        (
            CASE.replace("http://b", "ftp://b"),
            "t.yaml:8: spec.cases[0].request.url: ftp://b: unknown scheme ftp",
            "grpcs",
        ),
        (CASE.replace("url:", "sourceIP: here, url:"), "request.sourceIP: here: not an IP address", ""),
        (CASE.replace("url:", "tls: yes, url:"), "request.tls: a text is needed", ""),
        (CASE.replace("url:", "tls: full, url:"), "request.tls: full is not known", "none, simple, mutual"),
        (CASE.replace("url:", "random: 7, url:"), "request.random: 7.0: not between 0 and 1", ""),
        (CASE.replace("url:", "method: G T, url:"), "request.method: G T: not a method", ""),
        (CASE.replace("url:", "headers: {a b: c}, url:"), "request.headers: a b: c: not a header", ""),
        (CASE.replace("url:", "resolve: {b: c}, url:"), "request.resolve: b:c: not HOST:IP", "HOST: IP"),
        (CASE + "    matrix: {from: [{a: b}]}\n", "spec.cases[0].matrix.from[0]: a text is needed", ""),
        (CASE + "  coverage: {routes: 101%}\n", "t.yaml:10: spec.coverage.routes: 101 is not from 0 to 100", ""),
        ("- just\n- a list\n", "an object is needed", ""),
        (HEAD + "  cases: [\n", "not valid YAML", ""),
    ],
)
def test_mistakes_name_the_line_and_what_to_do(text: str, message: str, hint: str) -> None:
    """A test file that cannot be understood is refused with the place and a suggestion."""
    with pytest.raises(InputError) as caught:
        read_suites(text, source="t.yaml")
    assert message in str(caught.value)
    assert hint in caught.value.hint


def test_defaults_are_overridden_by_the_case() -> None:
    """A case's own request keys win over the suite's defaults."""
    text = CASE + "  defaults: {from: z/z, request: {method: PUT, url: http://c}}\n"
    (suite,) = read_suites(text, source="t.yaml")
    assert suite.cases[0].sender == "a/web"
    assert (suite.cases[0].request.method, suite.cases[0].request.url) == ("PUT", "http://b")


def test_words_that_yaml_misreads_are_understood() -> None:
    """Unquoted `on` and 1.30 keep their spelling, though YAML reads them as a boolean and 1.3."""
    text = CASE.replace("status: 200", "retries: {on: 5xx}") + "  given: {istio: {version: 1.30}}\n"
    (suite,) = read_suites(text, source="t.yaml")
    assert suite.cases[0].expect.retries is not None
    assert suite.cases[0].expect.retries.on == ("5xx",)


def test_headers_have_one_value_or_several() -> None:
    """A list is a header sent several times; numbers keep their spelling."""
    text = CASE.replace("{url: http://b}", "{url: http://b, headers: {a: [u, v], b: 3}}")
    (suite,) = read_suites(text, source="t.yaml")
    assert suite.cases[0].request.headers == (("a", "u"), ("a", "v"), ("b", "3"))


def test_a_skipped_case_says_why() -> None:
    """`skip` is part of the file, so that a reason stands where the case does."""
    (suite,) = read_suites(CASE + "    skip: not yet\n", source="t.yaml")
    assert suite.cases[0].skip == "not yet"

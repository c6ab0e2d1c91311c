"""Files of istio-config-validator and of Envoy's route table check tool, answered by what Istio really does."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubectl_mesh.cli.test import app

MESH = Path(__file__).parent / "icv_mesh.yaml"
RULES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: users, namespace: app}
spec:
  hosts: [www.example.com, details.prod.svc.cluster.local]
  http:
  - match: [{uri: {prefix: /home}}]
    redirect: {uri: /, authority: new.example.com}
  - match: [{uri: {prefix: /partner}}]
    rewrite: {uri: /v2/partner, authority: partner.internal}
    route: [{destination: {host: partner.prod.svc.cluster.local, port: {number: 8000}}}]
    headers: {request: {set: {x-kind: partner}, remove: [x-secret]}}
  - match: [{uri: {prefix: /bot}}]
    fault: {abort: {percentage: {value: 100}, httpStatus: 403}}
    route: [{destination: {host: details.prod.svc.cluster.local}}]
  - match: [{uri: {prefix: /share}}]
    route:
    - {destination: {host: details.prod.svc.cluster.local, subset: v1}, weight: 75}
    - {destination: {host: details.prod.svc.cluster.local, subset: v2}, weight: 25}
  - route: [{destination: {host: details.prod.svc.cluster.local, subset: v2}}]
"""


def run(folder: Path, text: str, *words: str, mesh: str = "") -> tuple[int, list[dict[str, str]]]:
    """Run a file of another tool, and return the exit code and the results."""
    (folder / "tests.yaml").write_text(text)
    (folder / "rules.yaml").write_text(RULES)
    manifests = mesh or str(folder / "rules.yaml")
    result = CliRunner().invoke(app, [str(folder / "tests.yaml"), "-f", manifests, "-o", "json", *words])
    assert result.exit_code in (0, 1, 3), result.output
    return result.exit_code, json.loads(result.stdout)["results"]


HIT, REST = "hit.app.svc.cluster.local", "rest.app.svc.cluster.local"
QUESTIONS = [
    pytest.param("a.example.com", "/", {}, HIT, id="a wildcard host matches"),
    pytest.param("alternation.test", "/xx/b", {}, REST, id="both sides of an alternation are anchored"),
    pytest.param("case.test", "/LOGIN", {}, HIT, id="ignoreUriCase"),
    pytest.param("without.test", "/", {"x-beta": "1"}, REST, id="withoutHeaders"),
    pytest.param("query.test", "/?v=1", {}, REST, id="queryParams are read"),
    pytest.param("presence.test", "/", {"x-user": "jane"}, HIT, id="an empty header match asks for presence"),
    pytest.param("port.test", "/", {}, REST, id="a rule of another port is left out"),
    pytest.param("source.test", "/", {}, REST, id="a rule for other clients is left out"),
    pytest.param("short.app.svc.cluster.local", "/", {}, HIT, id="a short host is its full name"),
    pytest.param("edge.test", "/api", {}, HIT, id="on gateways a catch-all comes last"),
    pytest.param("presence.test", "/", {"X-User": "jane"}, HIT, id="header names have no case"),
]


@pytest.mark.parametrize(("authority", "uri", "headers", "host"), QUESTIONS)
def test_what_istio_config_validator_misjudges(
    tmp_path: Path, authority: str, uri: str, headers: dict[str, str], host: str
) -> None:
    """Questions that the file's own tool answers wrongly are answered as Istio does, and the contrary fails."""
    sender = ("--from", "istio-system/gateway/ingressgateway") if authority.startswith("edge") else ()
    for wanted, expected in ((True, 0), (False, 1)):
        request = {"authority": [authority], "method": ["GET"], "uri": [uri], "headers": headers}
        case = {"wantMatch": wanted, "request": request, "route": [{"destination": {"host": host}}]}
        code, results = run(tmp_path, json.dumps({"testCases": [case]}), *sender, mesh=str(MESH))
        assert (code, len(results)) == (expected, 1), results


ICV = """
testCases:
- description: redirected
  wantMatch: true
  request: {authority: [www.example.com], method: [GET, POST], uri: [/home]}
  redirect: {uri: /, authority: new.example.com}
- description: rewritten
  wantMatch: true
  request: {authority: [www.example.com], method: [GET], uri: [/partner/1], headers: {x-secret: s}}
  route: [{destination: {host: partner.prod.svc.cluster.local, port: {number: 8000}}}]
  rewrite: {uri: /v2/partner, authority: partner.internal}
  headers: {request: {set: {x-kind: partner}, remove: [x-secret]}}
- description: shared
  wantMatch: true
  request: {authority: [www.example.com], method: [GET], uri: [/share]}
  route:
  - {destination: {host: details.prod.svc.cluster.local, subset: v1}, weight: 75}
  - {destination: {host: details.prod.svc.cluster.local, subset: v2}, weight: 25}
---
testCases:
- description: aborted
  wantMatch: true
  request: {authority: [www.example.com], method: [GET], uri: [/bot]}
  route: [{destination: {host: details.prod.svc.cluster.local}}]
  fault: {abort: {percentage: {value: 100}, httpStatus: 403}}
- description: not there
  wantMatch: false
  request: {authority: [www.example.com], method: [GET], uri: [/partner]}
  route: [{destination: {host: details.prod.svc.cluster.local}}]
  rewrite: {uri: /elsewhere}
"""


def test_every_block_of_a_rule_is_held(tmp_path: Path) -> None:
    """Redirect, rewrite, headers, shares and faults become what a request must meet; lists multiply."""
    code, results = run(tmp_path, ICV)
    assert code == 0, results
    assert [each["name"].partition(" [")[0] for each in results].count("redirected") == 2
    assert sum(each["name"].startswith("not there") for each in results) == 2


def test_a_wrong_block_fails_with_the_rule(tmp_path: Path) -> None:
    """A mismatch is reported with both values and the line of the rule."""
    code, results = run(tmp_path, ICV.replace("weight: 75", "weight: 60").replace("weight: 25", "weight: 40"))
    (failed,) = [each for each in results if each["verdict"] == "fail"]
    assert code == 1
    assert "60%" in failed["messages"][0]
    assert "rules.yaml:" in failed["sources"][0]


def test_what_has_no_answer_is_skipped_with_a_reason(tmp_path: Path) -> None:
    """An empty fault, or a case that states nothing, is skipped rather than passed."""
    request = {"authority": ["www.example.com"], "method": ["GET"], "uri": ["/"]}
    cases = [{"request": request, "fault": {"delay": {}}}, {"request": request}]
    _, results = run(tmp_path, json.dumps({"testCases": cases}))
    assert [each["verdict"] for each in results] == ["skip", "skip"]
    assert "it is empty" in results[0]["messages"][0]


ROUTER_CHECK = """
tests:
- test_name: cluster and rewrite
  input: {authority: www.example.com, path: /partner/1, method: GET}
  validate:
    cluster_name: outbound|8000||partner.prod.svc.cluster.local
    virtual_host_name: www.example.com:80
    path_rewrite: /v2/partner/1
    host_rewrite: partner.internal
    request_header_matches: [{name: x-kind, string_match: {exact: partner}}]
- test_name: redirect
  input: {authority: www.example.com, path: /home}
  validate: {path_redirect: "http://new.example.com/", code_redirect: 301, cluster_name: ""}
- test_name: random values choose a share
  input: {authority: www.example.com, path: /share, random_value: 80}
  validate: {cluster_name: outbound|80|v2|details.prod.svc.cluster.local}
- test_name: an unknown cluster
  input: {authority: www.example.com, path: /}
  validate: {cluster_name: instant-server}
"""


def test_router_check_files_speak_of_clusters(tmp_path: Path) -> None:
    """Cluster names, rewrites, redirects and random values are understood; clusters of others are skipped."""
    code, results = run(tmp_path, ROUTER_CHECK)
    assert [each["verdict"] for each in results] == ["pass", "pass", "pass", "skip"], results
    assert code == 0
    code, results = run(tmp_path, ROUTER_CHECK.replace("random_value: 80", "random_value: 10"), "--from-router-check")
    assert (code, results[2]["verdict"]) == (1, "fail")


def test_unknown_keys_are_refused(tmp_path: Path) -> None:
    """A misspelt key of another tool's file is an error with the line, as in our own."""
    (tmp_path / "tests.yaml").write_text("testCases:\n- wantMach: true\n  request: {}\n")
    result = CliRunner().invoke(app, [str(tmp_path / "tests.yaml"), "-f", str(MESH)])
    assert result.exit_code == 3
    assert "tests.yaml:2\n    testCases[0].wantMach: no such key\n    did you mean wantMatch?" in result.stdout


def icv(**case: object) -> str:
    """Return the text of a file with one case about one request; `uri` and `headers` are the request's."""
    request = {"authority": ["www.example.com"], "method": ["GET"], "uri": [case.pop("uri", "/partner/1")]}
    return json.dumps({"testCases": [{"request": request | {"headers": case.pop("sent", {})}, **case}]})


FAULTS = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: users, namespace: app}
spec:
  hosts: [www.example.com]
  http:
  - match: [{uri: {prefix: /slow}}]
    fault: {delay: {percentage: {value: 30}, fixedDelay: 5s}}
    route: [{destination: {host: details.prod.svc.cluster.local}}]
  - match: [{uri: {prefix: /half}}]
    fault: {abort: {percentage: {value: 50}, httpStatus: 503}}
    route: [{destination: {host: details.prod.svc.cluster.local}}]
  - match: [{uri: {prefix: /grpc}}]
    fault: {abort: {percentage: {value: 100}, grpcStatus: UNAVAILABLE}}
    route: [{destination: {host: details.prod.svc.cluster.local}}]
  - match: [{uri: {prefix: /set}}]
    route:
    - destination: {host: details.prod.svc.cluster.local}
      headers: {request: {set: {x-kind: set}}, response: {remove: [server]}}
  - route: [{destination: {host: details.prod.svc.cluster.local}}]
"""
DETAILS = [{"destination": {"host": "details.prod.svc.cluster.local"}}]
DELAY = {"delay": {"percentage": {"value": 30}, "fixedDelay": "5s"}}
ABORT = {"abort": {"percentage": {"value": 50}, "httpStatus": 503}}
BLOCKS = [
    ({"uri": "/slow", "route": DETAILS, "fault": DELAY}, True),
    ({"uri": "/slow", "fault": {"delay": {"fixed_delay": "5s"}}}, True),
    ({"uri": "/slow", "fault": {"delay": {"fixedDelay": "6s"}}}, False),
    ({"uri": "/slow", "fault": {"delay": {"percentage": {"value": 40}}}}, False),
    ({"uri": "/", "fault": DELAY}, False),
    ({"uri": "/half", "route": DETAILS, "fault": ABORT}, True),
    ({"uri": "/half", "fault": {"abort": {"httpStatus": 500}}}, False),
    ({"uri": "/grpc", "fault": {"abort": {"percentage": {"value": 100}, "grpcStatus": "UNAVAILABLE"}}}, True),
    ({"uri": "/grpc", "fault": {"abort": {"percentage": {"value": 100}, "grpc_status": "INTERNAL"}}}, False),
    ({"uri": "/set", "route": [{**DETAILS[0], "headers": {"request": {"set": {"x-kind": "set"}}}}]}, True),
    ({"uri": "/set", "route": [{**DETAILS[0], "headers": {"request": {"set": {"x-kind": "other"}}}}]}, False),
]


@pytest.mark.parametrize(("case", "holds"), BLOCKS)
def test_faults_and_headers_of_destinations_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: dict[str, object], holds: bool
) -> None:
    """Delays, shares of aborts, gRPC statuses and headers of one destination are compared, in either spelling."""
    monkeypatch.setattr("tests.unit.meshtest.test_importing.RULES", FAULTS)
    for wanted in (True, False):
        code, results = run(tmp_path, icv(wantMatch=wanted, **case))
        assert {each["verdict"] for each in results} == {"pass" if wanted is holds else "fail"}, results
        assert code == int(wanted is not holds)


@pytest.mark.parametrize(
    "case",
    [
        {"uri": "/home", "redirect": {"uri": "/elsewhere", "authority": "new.example.com"}},
        {"uri": "/home", "redirect": {"uri": "/", "authority": "new.example.com", "redirect_code": 302}},
        {"uri": "/home", "redirect": {"uri": "/", "authority": "new.example.com", "derivePort": "FROM_REQUEST_PORT",
                                      "port": 8443}},
        {"uri": "/other", "rewrite": {"uri": "/"}},
        {"uri": "/other", "rewrite": {"authority": "www.example.com"}},
        {"uri": "/partner", "rewrite": {"uri": "/v3"}},
    ],
)  # fmt: skip
def test_a_block_that_differs_does_not_match(tmp_path: Path, case: dict[str, object]) -> None:
    """A redirect to another location is a mismatch, and an unchanged path is not a rewrite."""
    code, results = run(tmp_path, icv(wantMatch=False, **case))
    assert (code, len(results)) == (0, 1), results


def test_what_can_be_told_is_judged_beside_what_cannot(tmp_path: Path) -> None:
    """A regular expression does not determine the resulting path; the destination beside it is still checked."""
    rewrite = {"uri_regex_rewrite": {"match": "a", "rewrite": "b"}}
    partner = [{"destination": {"host": "partner.prod.svc.cluster.local", "port": {"number": 8000}}}]
    code, results = run(tmp_path, icv(wantMatch=True, route=partner, rewrite=rewrite))
    assert (code, [each["verdict"] for each in results]) == (0, ["pass", "skip"])


ROUTER_CHECK_FIELDS = """
runtime: {re2.max_program_size.error_level: 32768}
tests:
- testName: keys in the other spelling, and every kind of header match
  input:
    authority: www.example.com
    path: /partner/1?page=2
    method: GET
    internal: true
    randomValue: 3
    additionalRequestHeaders: [{key: x-asked, value: "17"}]
    additionalResponseHeaders: [{key: x-answered, value: yes-1}]
  validate:
    clusterName: outbound|8000||partner.prod.svc.cluster.local
    virtualClusterName: other
    pathRewrite: /v2/partner/1?page=2
    requestHeaderMatches:
    - {name: x-kind, stringMatch: {prefix: PART, ignoreCase: true}}
    - {name: x-asked, safe_regex_match: {regex: "[0-9]+"}}
    - {name: x-asked, range_match: {start: 10, end: 20}}
    - {name: x-secret, present_match: true, invert_match: true}
    - {name: ":path", string_match: {contains: page}}
    responseHeaderMatches: [{name: x-answered, presence_match: {}}, {name: x-answered, string_match: {suffix: "-1"}}]
- test_name: header fields of older files
  input: {authority: www.example.com, path: /partner, additional_headers: [{key: x-a, value: b}]}
  validate:
    header_fields: [{key: x-a, value: b}]
    request_header_fields: [{key: x-kind, value: partner}]
"""


def test_every_field_of_router_check_is_understood(tmp_path: Path) -> None:
    """Header matchers hold as Envoy's do, query strings belong to the path, and older names are known."""
    code, results = run(tmp_path, ROUTER_CHECK_FIELDS)
    assert (code, [each["verdict"] for each in results]) == (0, ["pass", "pass"]), results
    changed = ROUTER_CHECK_FIELDS.replace("end: 20", "end: 15").replace("page=2\n    requestH", "page=3\n    requestH")
    code, results = run(tmp_path, changed)
    assert code == 1
    assert any("path and query: expected /v2/partner/1?page=3" in each for each in results[0]["messages"])
    assert any("request header x-asked" in each for each in results[0]["messages"])


def test_a_bare_list_is_an_older_file(tmp_path: Path) -> None:
    """Before there was `tests:`, a file was a list of cases."""
    text = json.dumps([{"test_name": "one", "input": {"authority": "www.example.com", "path": "/home"},
                        "validate": {"code_redirect": 301}}])  # fmt: skip
    assert run(tmp_path, text)[0] == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tests:\n- test_name: a\n  input:\n    authority: a\n    pth: /\n  validate: {}\n",
         "tests.yaml:5\n    tests[0].input.pth"),
        ("tests:\n- test_name: a\n  input: {authority: a, path: /}\n  validate:\n    cluster_nam: b\n",
         "tests.yaml:5\n    tests[0].validate.cluster_nam: no such key\n    did you mean cluster_name?"),
        ("testCases:\n- request: {authority: [a], method: [GET], uri: [/]}\n  redirect:\n\n    url: /\n",
         "tests.yaml:5\n    testCases[0].redirect.url: no such key\n    did you mean uri?"),
        ("testCases:\n- wantMatch: true\n  request: {authority: [a], method: [GET], uri: [/]}\n  fault:\n    abort:\n"
         "      http_stats: 5\n", "tests.yaml:6\n    testCases[0].fault.abort.http_stats: no such key\n"
         "    did you mean http_status?"),
    ],
)  # fmt: skip
def test_unknown_keys_have_their_own_line(tmp_path: Path, text: str, told: str) -> None:
    """The line is that of the key, in the spelling of the file, however deep it is."""
    (tmp_path / "tests.yaml").write_text(text)
    result = CliRunner().invoke(app, [str(tmp_path / "tests.yaml"), "-f", str(MESH)])
    assert told in result.stdout


GATEWAYS = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: app}
spec:
  selector: {edge: public}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["app/secure.test"], tls: {httpsRedirect: true}}
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: ["app/secure.test"]
    tls: {mode: SIMPLE, credentialName: c}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: secure, namespace: app}
spec:
  hosts: [secure.test]
  gateways: [public]
  http: [{route: [{destination: {host: details.prod.svc.cluster.local}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge, namespace: app}
spec:
  hosts: ["*.edge.test"]
  gateways: [elsewhere/unknown]
  http: [{route: [{destination: {host: details.prod.svc.cluster.local}}]}]
"""


@pytest.mark.parametrize("host", ["secure.test", "a.edge.test"])
def test_hosts_of_gateways_are_asked_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Rules bound to gateways are met at them, though the file names none: Gateways and workloads are made up too."""
    monkeypatch.setattr("tests.unit.meshtest.test_importing.RULES", GATEWAYS)
    request = {"authority": [host], "method": ["GET"], "uri": ["/x"]}
    case = {"wantMatch": True, "request": request, "route": DETAILS}
    code, results = run(tmp_path, json.dumps({"testCases": [case]}))
    assert code == 0, results
    case = {"test_name": "a", "input": {"authority": host, "path": "/x", "method": "GET", "ssl": host == "secure.test"},
            "validate": {"cluster_name": "outbound|80||details.prod.svc.cluster.local"}}  # fmt: skip
    code, results = run(tmp_path, json.dumps({"tests": [case]}))
    assert code == 0, results

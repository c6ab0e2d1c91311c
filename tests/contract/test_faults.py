"""Every fault of a served mesh shows in the diagnoses as it would in a real one."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_mesh.cli.app import run
from kubectl_mesh.errors import ExitCode
from simulator.faults.decoding import decode_faults
from tests.contract.conftest import SHOP
from tests.contract.serving import ServedMesh, serving

WEB = r"web-\w+-\w+\.shop"
CALLER = """
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api, version: v1}}
    spec: {containers: [{name: app, image: "api:1", ports: [{containerPort: 8080}]}]}
"""


class Operator:
    """Somebody who types commands; each returns exit code, stdout and stderr."""

    def __init__(self, served: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
        self.served = served
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Run one command on the served mesh."""
        self._capsys.readouterr()
        code = run(["kubectl-mesh", *words, "--kubeconfig", str(self.served.kubeconfig)])
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def fault(self, *words: str) -> str:
        """Begin a fault."""
        code, out, err = self("simulate", "fault", "add", *words)
        assert code == ExitCode.CLEAN, err
        return out


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMesh]:
    """Serve a small mesh."""
    with serving(SHOP, CALLER, folder=tmp_path_factory.mktemp("faulty")) as found:
        yield found


@pytest.fixture
def mesh(served: ServedMesh, capsys: pytest.CaptureFixture[str]) -> Iterator[Operator]:
    """Return an operator of the mesh, in which no fault stays after a test."""
    operator = Operator(served, capsys)
    yield operator
    assert operator("simulate", "fault", "clear")[0] == ExitCode.CLEAN


def route(timeout: str) -> Any:
    """Return a VirtualService that proxies notice."""
    http = [{"timeout": timeout, "route": [{"destination": {"host": "web"}}]}]
    return {"metadata": {"name": "web"}, "spec": {"hosts": ["web"], "http": http}}


ROUTES = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices"


def test_without_faults_all_is_in_sync(mesh: Operator) -> None:
    """A served mesh has no faults unless they are asked for."""
    code, out, _ = mesh("proxy-status", "-v", "1")
    assert code == ExitCode.CLEAN
    assert "STALE" not in out


def test_a_stale_proxy_holds_what_it_held(mesh: Operator) -> None:
    """Status says STALE, the diff shows what the proxy lacks, and another proxy has it."""
    mesh.fault("stale", "deploy/api", "-n", "shop", "--type", "RDS")
    assert mesh.served.request("POST", ROUTES, route("7s"))[0] == 201
    try:
        code, out, _ = mesh("proxy-status", "-v", "1", "--only", "unsynced")
        assert code == ExitCode.FINDINGS
        assert re.search(r"^api-\S+\s.*STALE", out, re.MULTILINE)
        assert not re.search(WEB, out)
        code, out, _ = mesh("proxy-status", "deploy/api", "-n", "shop")
        assert code == ExitCode.FINDINGS
        assert "--- Istiod Routes\n+++ Envoy Routes\n" in out
        assert re.search(r'^-.*"timeout": "7s"', out, re.MULTILINE)
        assert "Clusters Match" in out
        assert "7s" not in mesh("proxy-config", "routes", "deploy/api", "-n", "shop", "-o", "json")[1]
        assert "7s" in mesh("proxy-config", "routes", "deploy/web", "-n", "shop", "-o", "json")[1]
        code, out, _ = mesh("proxy-status", "--config", "vs/web", "-n", "shop")
        assert code == ExitCode.FINDINGS
        assert re.search(r"^api-\S+\s+MISSING", out, re.MULTILINE)
        assert re.search(r"^web-\S+\s+HELD", out, re.MULTILINE)
        code, _, err = mesh("proxy-status", "--wait", "--wait-timeout", "1.5")
        assert (code, err) == (ExitCode.FINDINGS, "not yet, after 1.5 seconds\n")
    finally:
        mesh.served.request("DELETE", f"{ROUTES}/web")


def test_what_was_never_sent_is_not_there(mesh: Operator) -> None:
    """Without EDS, clusters have no endpoints, and a request ends there."""
    mesh.fault("not-sent", "deploy/api", "-n", "shop", "--type", "EDS")
    assert re.search(r"^api-\S+\s.*NOT SENT", mesh("proxy-status", "-v", "1")[1], re.MULTILINE)
    assert "outbound|80||web" not in mesh("proxy-config", "endpoints", "deploy/api", "-n", "shop")[1]
    assert "NO HEALTHY ENDPOINT" in mesh("trace", "deploy/api", "http://web/", "-n", "shop")[1]


def test_a_rejected_update_says_why(mesh: Operator) -> None:
    """The text of a NACK is shown, and the listener keeps it as its error."""
    words = "Error adding/updating listener(s) virtualInbound: no such filter"
    mesh.fault("rejected", "deploy/web", "-n", "shop", "--message", words)
    code, out, _ = mesh("proxy-status", "-v", "1")
    assert code == ExitCode.FINDINGS
    assert re.search(r"^web-\S+\s.*ERROR", out, re.MULTILINE)
    assert re.search(rf"^REJECTED BY\s+TYPE\s+REASON\nweb-\S+\s+LDS\s+{re.escape(words)}$", out, re.MULTILINE)
    assert words in mesh("proxy-config", "all", "deploy/web", "-n", "shop", "-o", "json")[1]
    (pod,) = mesh.served.request("GET", "/api/v1/namespaces/istio-system/pods?labelSelector=app=istiod")[1]["items"]
    metrics = f"/api/v1/namespaces/istio-system/pods/{pod['metadata']['name']}:15014/proxy/metrics"
    assert b'pilot_total_xds_rejects{type="lds"} 2' in mesh.served.raw("GET", metrics)[1]


def test_drift_is_a_difference_although_all_is_acknowledged(mesh: Operator) -> None:
    """Status is clean; the diff of the proxy names what differs, and what lacks."""
    merge = '{"connect_timeout": "99s"}'
    name = "outbound|80||web.shop.svc.cluster.local"
    mesh.fault("drifted", "deploy/api", "-n", "shop", "--type", "CDS", "--resource", name, "--merge", merge)
    assert mesh("proxy-status")[0] == ExitCode.CLEAN
    code, out, _ = mesh("proxy-status", "deploy/api", "-n", "shop")
    assert code == ExitCode.FINDINGS
    assert '"connectTimeout": "99s"' in out
    mesh("simulate", "fault", "clear")
    mesh.fault("drifted", "deploy/api", "-n", "shop", "--type", "CDS", "--resource", name)
    assert name not in mesh("proxy-config", "clusters", "deploy/api", "-n", "shop", "-o", "json")[1]


def test_a_disconnected_proxy_is_listed_after_the_table(mesh: Operator) -> None:
    """istiod does not know it, its pod is there, and it goes on with what it held."""
    mesh.fault("disconnected", "deploy/api", "-n", "shop")
    code, out, _ = mesh("proxy-status")
    assert code == ExitCode.FINDINGS
    table, _, missing = out.partition("\n\n")
    assert "api-" not in table
    assert re.search(r"^api-\S+\.shop\s+no istiod has a connection from it$", missing, re.MULTILINE)
    assert mesh("proxy-status", "deploy/api", "-n", "shop")[0] == ExitCode.CANNOT_ANSWER
    assert "web.shop.svc.cluster.local" in mesh("proxy-config", "clusters", "deploy/api", "-n", "shop")[1]


def test_an_old_proxy_is_named_by_its_version(mesh: Operator) -> None:
    """Status, version and analysis see another version; the simulator says whose rules it applies."""
    mesh.fault("old-version", "deploy/api", "-n", "shop", "--version", "1.28.1")
    code, out, err = mesh("proxy-status")
    assert code == ExitCode.CLEAN
    assert re.search(r"^api-\S+\s.*\s1\.28\.1\s", out, re.MULTILINE)
    assert len(re.findall(WEB, out)) == 2
    assert "1 proxy is of Istio 1.28.1" in err
    assert "1.28.1" in mesh("version")[1]
    assert "IST0158" in mesh("analyze", "-n", "shop")[1]


def test_unready_pods_get_no_requests(mesh: Operator) -> None:
    """A pod that fails its probe leaves the endpoints; when all fail, requests get no answer."""
    pods = mesh.served.request("GET", "/api/v1/namespaces/shop/pods?labelSelector=app=web")[1]["items"]
    first = pods[0]["metadata"]["name"]
    mesh.fault("unready", first, "-n", "shop")
    table = mesh(
        "proxy-config", "endpoints", "deploy/api", "-n", "shop", "--cluster", "outbound|80||web.shop.svc.cluster.local"
    )[1]
    addresses = {pod["status"]["podIP"]: pod["metadata"]["name"] for pod in pods}
    assert [name for address, name in addresses.items() if address in table] == [pods[1]["metadata"]["name"]]
    mesh.fault("unready", "web-*.shop")
    assert "NO HEALTHY ENDPOINT" in mesh("trace", "deploy/api", "http://web/", "-n", "shop")[1]
    seen = mesh.served.request("GET", f"/api/v1/namespaces/shop/pods/{first}")[1]
    assert {"type": "Ready", "status": "False"}.items() <= next(
        each for each in seen["status"]["conditions"] if each["type"] == "Ready"
    ).items()


def test_ejected_endpoints_fail_their_outlier_check(mesh: Operator) -> None:
    """The endpoint table says FAILED in the proxy that ejected them, and only there."""
    mesh.fault("ejected", "deploy/api", "-n", "shop", "--fqdn", "outbound|80||web.*")
    rows = mesh("proxy-config", "endpoints", "deploy/api", "-n", "shop")[1].splitlines()
    assert {"FAILED" in row for row in rows if "outbound|80||web" in row} == {True}
    assert not any("FAILED" in row for row in rows if "outbound|80||web" not in row)
    assert "FAILED" not in mesh("proxy-config", "endpoints", "deploy/web", "-n", "shop")[1]


def test_an_istiod_that_is_down_leaves_proxies_answering(mesh: Operator) -> None:
    """Commands that need istiod exit with 3 and its message; those that read a proxy still work."""
    mesh.fault("istiod-down")
    code, _, err = mesh("proxy-status")
    assert code == ExitCode.CANNOT_ANSWER
    assert "connection refused" in err
    assert mesh("proxy-config", "clusters", "deploy/api", "-n", "shop")[0] == ExitCode.CLEAN


@pytest.mark.parametrize("fault", ["istiod-slow", "api-slow"])
def test_slowness_is_waited_for_up_to_the_time_limit(mesh: Operator, fault: str) -> None:
    """A late answer is an answer; past `--request-timeout` it is exit 3."""
    mesh.fault(fault, "--seconds", "0.3")
    start = time.monotonic()
    assert mesh("proxy-status")[0] == ExitCode.CLEAN
    assert time.monotonic() - start >= 0.3
    mesh("simulate", "fault", "clear")
    mesh.fault(fault, "--seconds", "30")
    code, _, err = mesh("proxy-status", "--request-timeout", "300ms")
    assert code == ExitCode.CANNOT_ANSWER
    assert "no answer in time" in err


def test_forbidden_resources_are_said_to_be_missing(mesh: Operator) -> None:
    """A mesh without pods is an error; without another kind the answer is partial, with a note."""
    mesh.fault("api-forbidden", "--resources", "PeerAuthentication")
    code, out, err = mesh("describe", "pod", "deploy/web", "-n", "shop")
    assert (code, bool(out)) == (ExitCode.CANNOT_ANSWER, True)
    assert "PeerAuthentication/*: may not be listed" in err
    mesh.fault("api-forbidden", "--resources", "pods")
    code, _, err = mesh("proxy-status")
    assert code == ExitCode.CANNOT_ANSWER
    assert 'cannot list resource "pods"' in err


def test_what_may_not_be_read_is_not_said_to_be_gone(example: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """A proxy that refers to a VirtualService that may not be listed is not called stale."""
    mesh = Operator(example, capsys)
    mesh.fault("api-forbidden", "--resources", "virtualservices")
    try:
        code, out, _ = mesh("describe", "service", "catalog", "-n", "shop")
    finally:
        mesh("simulate", "fault", "clear")
    assert code == ExitCode.CANNOT_ANSWER
    assert "Skipping virtual service catalog.shop (may not be read)" in out
    assert "stale" not in out


def test_expired_tokens_ask_to_log_in(mesh: Operator) -> None:
    """Every request is refused but those that end the fault."""
    mesh.fault("api-expired")
    code, _, err = mesh("proxy-status")
    assert code == ExitCode.CANNOT_ANSWER
    assert "Unauthorized" in err
    assert "hint: log in" in err


def test_a_reply_that_ends_in_the_middle_is_no_answer(mesh: Operator) -> None:
    """A truncated list is never read as a complete one."""
    mesh.fault("api-truncated", "--resources", "pods")
    code, out, err = mesh("proxy-status")
    assert (code, out) == (ExitCode.CANNOT_ANSWER, "")
    assert re.match(r"error: \S+: the reply ended in the middle, after \d+ of \d+ bytes\nhint: ask again", err)
    code, _, err = mesh("describe", "pod", "deploy/web", "-n", "shop")
    assert (code, "ended in the middle" in err) == (ExitCode.CANNOT_ANSWER, True)


def test_faults_are_listed_and_ended_one_by_one(mesh: Operator) -> None:
    """The list names each fault by its number; ended faults disappear from it."""
    mesh.fault("istiod-slow", "--seconds", "0.1")
    mesh.fault("stale", "web-*", "-n", "shop", "--type", "cds,LDS")
    found = json.loads(mesh("simulate", "fault", "list", "-o", "json")[1])["faults"]
    assert [(each["fault"], each["target"]) for each in found] == [("istiod-slow", ["*"]), ("stale", ["web-*.shop"])]
    assert found[1]["types"] == ["CDS", "LDS"]
    number = str(found[0]["number"])
    assert mesh("simulate", "fault", "clear", number)[:2] == (ExitCode.CLEAN, "1 fault ended\n")
    assert mesh("simulate", "fault", "clear", number)[0] == ExitCode.NOTHING_MATCHED
    assert "stale" in mesh("simulate", "fault", "list")[1]


def test_a_fault_without_names_is_that_of_all_in_the_namespace(mesh: Operator) -> None:
    """`-n` says whose fault it is; the API server and istiod have no namespace."""
    assert " *.shop " in mesh.fault("disconnected", "-n", "shop")
    assert " * " in mesh.fault("istiod-slow", "--seconds", "0.01", "-n", "shop")
    table, _, missing = mesh("proxy-status")[1].partition("\n\n")
    assert ".istio-system" in table
    assert ".shop" not in table
    assert missing.count(".shop ") == 3


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["add", "nonsense"], "no fault is called"),
        (["add", "stal"], "did you mean stale?"),
        (["add", "istiod-slow"], "istiod-slow needs --seconds"),
        (["add", "stale", "--version", "1"], "stale has no --version"),
        (["add", "stale", "nobody", "-n", "shop"], "no such proxy"),
        (["add", "stale", "--type", "XDS"], "XDS is not known"),
        (["list", "--demo"], "faults need a served mesh"),
    ],
)
def test_wrong_faults_are_refused_with_words(mesh: Operator, words: list[str], expected: str) -> None:
    """Impossible faults are refused before anything changes."""
    code, _, err = mesh("simulate", "fault", *words)
    assert code != ExitCode.CLEAN
    assert expected in err


def test_faults_of_a_file_play_from_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mesh can be served with faults."""
    faults = decode_faults({"faults": [{"fault": "disconnected", "target": "web-*.shop"}]})
    with serving(SHOP, folder=tmp_path, faults=faults) as found:
        code, out, _ = Operator(found, capsys)("proxy-status")
    assert code == ExitCode.FINDINGS
    assert len(re.findall(rf"^{WEB} +no istiod", out, re.MULTILINE)) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("faults: [{fault: stal}]", 'no fault is called "stal"'),
        ("faults: {", "faults.yaml: "),
        ("fault: stale", "not a list"),
        (None, "No such file"),
    ],
)
def test_a_wrong_file_of_faults_is_refused_before_serving(
    text: str | None, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is served that would not do what the file says."""
    path = tmp_path / "faults.yaml"
    if text is not None:
        path.write_text(text)
    code = run(["kubectl-mesh", "simulate", "serve", "--demo", "--faults", str(path)])
    assert code == ExitCode.CANNOT_ANSWER
    assert expected in capsys.readouterr().err


def test_requests_from_pods_meet_faults(mesh: Operator) -> None:
    """A proxy does not use resources that it was not sent, and uses them again once the fault ends."""
    pods = mesh.served.request("GET", "/api/v1/namespaces/shop/pods?labelSelector=app%3Dapi")[1]["items"]
    cluster = mesh.served.served.cluster

    def body() -> bytes:
        asked = cluster.commands.run(pods[0], "app", ["curl", "-s", "http://web/"])
        assert mesh.served.loop is not None
        return asyncio.run_coroutine_threadsafe(asked, mesh.served.loop).result(30).out

    assert body().startswith(b"web-")
    mesh.fault("not-sent", "deploy/api", "-n", "shop", "--type", "EDS")
    assert body() == b"no healthy upstream"
    assert mesh("simulate", "fault", "clear")[0] == ExitCode.CLEAN
    assert body().startswith(b"web-")

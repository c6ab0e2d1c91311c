"""Commands that change or reach what runs in a cluster, on a served one."""

import json
import signal
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_mesh.cli.app import run
from tests.contract.conftest import SHOP
from tests.contract.serving import ServedMesh, serving
from tests.unit.diagnosis.ambient import AMBIENT


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMesh]:
    """Serve a small mesh whose log levels tests may change."""
    with serving(SHOP, folder=tmp_path_factory.mktemp("shop")) as served:
        yield served


@pytest.fixture(scope="module")
def ambient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMesh]:
    """Serve an ambient mesh."""
    with serving(AMBIENT, folder=tmp_path_factory.mktemp("ambient")) as served:
        yield served


def call(served: ServedMesh, words: str) -> int:
    """Make one call on a served mesh."""
    return int(run(["kubectl-mesh", *words.split(), "--kubeconfig", str(served.kubeconfig)]))


def test_names_are_told_with_the_namespace_that_was_not_given(
    shop: ServedMesh, capsys: pytest.CaptureFixture[str]
) -> None:
    """A description leaves the namespace out that `-n` or the kubeconfig names, and no other."""
    assert call(shop, "describe service web.shop") == 0
    assert capsys.readouterr().out.startswith("Service: web.shop\n")
    assert call(shop, "describe service web -n shop") == 0
    assert capsys.readouterr().out.startswith("Service: web\n")


def test_istiods_of_a_revision(shop: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """`-r` reads the istiods of a revision, and version shows the revision of each."""
    assert call(shop, "ps -r default") == 0
    assert call(shop, "ps -r nosuch") == 3
    capsys.readouterr()
    assert call(shop, "version -o json") == 0
    (istiod,) = json.loads(capsys.readouterr().out)["meshVersion"]
    assert istiod["Revision"] == "default"
    assert set(istiod["Info"]) == {"version", "revision", "golang_version", "status", "tag"}


def test_levels_of_istiod(shop: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """Levels of scopes are set one by one and reset together; an unknown scope changes nothing."""
    assert call(shop, "admin log --level ads:debug,ca:none --stack-trace-level ads:error") == 0
    assert capsys.readouterr().out == ""
    assert call(shop, "admin log") == 0
    rows = {line.split()[0]: line.split()[-2:] for line in capsys.readouterr().out.splitlines()}
    assert (rows["ads"], rows["ca"], rows["model"]) == (["debug", "error"], ["none", "none"], ["info", "none"])
    assert call(shop, "admin log --level nosuch:debug,model:debug") == 5
    assert call(shop, "istiod l --reset") == 0
    capsys.readouterr()
    assert call(shop, "admin log -o json") == 0
    out = capsys.readouterr().out
    assert "debug debugging" not in out
    assert '"log_level": "debug"' not in out


def test_levels_of_proxies(shop: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """Levels of a proxy's loggers are set, shown and reset."""
    assert call(shop, "proxy-config log deploy/web -n shop --level rbac:debug") == 0
    assert "rbac: debug" in capsys.readouterr().out
    assert call(shop, "pc log deploy/web -n shop --reset") == 0
    assert "rbac: warning" in capsys.readouterr().out


def test_levels_of_ztunnels(ambient: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name every ztunnel is read; a level is set only on named ones."""
    assert call(ambient, "zc log") == 0
    assert capsys.readouterr().out.count("current log level") == 3
    assert call(ambient, "zc log ds/ztunnel --level access:debug,info") == 0
    assert "access:debug,info" in capsys.readouterr().out
    assert call(ambient, "zc log --reset") == 0


def test_ztunnel_tables(ambient: ServedMesh, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A served ztunnel gives the same answers as the simulated one."""
    manifests = tmp_path / "mesh.yaml"
    manifests.write_text(AMBIENT)
    for words in ("workload", "service", "policy", "workload deploy/web"):
        assert call(ambient, f"zc {words}") == 0
        live = capsys.readouterr().out
        assert run(["kubectl-mesh", "zc", *words.split(), "-f", str(manifests)]) == 0
        assert capsys.readouterr().out == live


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("remote-clusters", 0),
        ("x envoy-stats deploy/web -n shop -o prom-merged", 0),
        ("x envoy-stats -l app=web -n shop --type clusters -o json", 0),
        ("ps --config service/web --wait", 0),
        ("ps --wait --wait-timeout 3", 0),
        ("ps --config service/nobody", 5),
        ("admin log nobody", 5),
        ("admin log -r none", 5),
    ],
)
def test_exit_codes(words: str, code: int, shop: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """A proxy in sync has no differences, and an unknown proxy is an error."""
    assert call(shop, words) == code
    assert "unexpected" not in capsys.readouterr().err


def _heed_interrupts() -> None:
    """Let Ctrl-C reach a process also where a shell runs the tests in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("words", "page"),
    [("envoy deploy/web -n shop", "/ready"), ("controlz", "/scopej"), ("istiod-debug", "/syncz")],
)
def test_dashboard(words: str, page: str, shop: ServedMesh) -> None:
    """A dashboard prints its address, answers there several times, and ends at Ctrl-C."""
    arguments = ["dashboard", *words.split(), "--browser=false", "--kubeconfig", str(shop.kubeconfig)]
    program = [sys.executable, "-m", "kubectl_mesh", *arguments]
    with subprocess.Popen(program, stdout=subprocess.PIPE, preexec_fn=_heed_interrupts) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        try:
            for _ in range(2):
                with urllib.request.urlopen(url + page, timeout=20) as answer:
                    assert answer.status == 200
                    assert answer.read()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "code"), [("kiali", 5), ("envoy", 2), ("envoy nobody", 5), ("controlz -l app=istiod -r x", 2)]
)
def test_dashboards_that_are_not_there(words: str, code: int, shop: ServedMesh) -> None:
    """A dashboard without a pod, or of two, is refused at once."""
    assert call(shop, f"dashboard {words}") == code


def test_a_pod_reaches_istiod(shop: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """Requests from inside the pod succeed; that istiod refuses strangers' questions counts as reached."""
    assert call(shop, "connect deploy/web -n shop") == 0
    rows = {line.split("   ")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "resolves in the pod" in rows["dns"]
    assert "answered 415" in rows["port 15012"]
    assert "answered 401, as it does to every client without a token" in rows["port 15014"]
    assert "OK" in rows["connected"]


def test_waypoints_are_made_and_deleted(ambient: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """A waypoint is applied, becomes ready, is used by its namespace, and is deleted again."""
    assert call(ambient, "waypoint apply -n shop --for service --enroll-namespace --wait") == 0
    assert capsys.readouterr().out.splitlines() == [
        "✅ waypoint shop/waypoint applied",
        "✅ waypoint shop/waypoint is ready!",
        '✅ namespace shop labeled with "istio.io/use-waypoint: waypoint"',
    ]
    assert call(ambient, "waypoint list -n shop") == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["waypoint", "default", "service", "True"]
    assert call(ambient, "waypoint apply -n shop --enroll-namespace") == 0
    assert "already has an enrolled Waypoint" in capsys.readouterr().out
    assert call(ambient, "waypoint delete waypoint nobody -n shop --dry-run") == 5
    assert call(ambient, "waypoint delete waypoint -n shop") == 0
    assert "waypoint shop/waypoint deleted\n" in capsys.readouterr().out
    assert call(ambient, "waypoint list -n shop") == 0
    assert capsys.readouterr().out == "No waypoints found.\n"


def test_a_bug_report_has_logs(shop: ServedMesh, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report on a cluster has the logs of istiod and of proxies too."""
    assert call(shop, f"bug-report --include shop --output-dir {tmp_path}") == 0
    with tarfile.open(tmp_path / "bug-report.tar.gz") as opened:
        logs = [name for name in opened.getnames() if name.endswith(".log")]
    assert any(name.endswith("/discovery.log") for name in logs)
    assert sum(name.startswith("report/logs/shop/web-") for name in logs) == 2


def test_a_cluster_is_fit_for_istio(shop: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing stands against an installation in a cluster of today by a user who may do everything."""
    assert call(shop, "precheck --from-version 1.20") == 0
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[0][:18]) == ("", "✔ No issues found ")
    assert call(shop, "x precheck -o json --output-threshold Info") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_who_may_create_nothing_cannot_install_istio(shop: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind that a user may not create is a finding about the cluster, with the API server's reason."""
    assert call(shop, "precheck --as nobody") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(
        "Error [IST0141] (Cluster) Missing required permission to create resource clusterrolebindings ("
    )
    assert sum("IST0141" in line for line in lines) == 11


def test_only_a_cluster_is_fit_for_istio(capsys: pytest.CaptureFixture[str]) -> None:
    """For manifests, precheck needs --skip-controlplane, and then reports what changed since a version."""
    assert run(["kubectl-mesh", "precheck", "--demo"]) == 3
    assert run(["kubectl-mesh", "precheck", "--demo", "--skip-controlplane", "--from-version", "1.20"]) == 0
    assert run(["kubectl-mesh", "precheck", "--demo", "--skip-controlplane", "--from-version", "2"]) == 2

"""`analyze` as a user calls it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from kubectl_mesh.cli.app import run
from tests.unit.analysis import certificate, pod, secret

BROKEN = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: x}
spec:
  hosts: [b]
"""


def call(*words: str) -> int:
    """Make one call."""
    return int(run(["kubectl-mesh", "analyze", *words]))


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """Return a file with one error, relative names aside."""
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN, encoding="utf-8")
    return str(path)


def test_example_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    """The example mesh has no findings at warning level or above, and skipped checks are listed."""
    assert call("--demo", "--failure-threshold", "Warning") == 0
    out = capsys.readouterr().out
    assert "Error [" not in out
    assert "Warning [" not in out
    assert "skipped: need" in out.splitlines()[-1]


def test_example_is_clean_as_files(capsys: pytest.CaptureFixture[str]) -> None:
    """Files without an installation are not blamed for what the installation would bring."""
    example = Path(__file__).parents[3] / "examples" / "shop" / "base"
    assert call("--use-kube=false", str(example)) == 0
    assert "KM0009" not in capsys.readouterr().out


def test_line_is_istioctls(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Level, code, object, place and message stand as istioctl prints them, and the exit code is 1."""
    assert call("--use-kube=false", broken) == 1
    first = capsys.readouterr().out.splitlines()[0]
    message = "Schema validation error: http, tcp or tls must be provided in virtual service"
    assert first == f"Error [IST0106] (VirtualService x/a {broken}:1) {message}"


@pytest.mark.parametrize("form", ["text", "json", "yaml", "sarif", "junit", "github", "md"])
def test_exit_code_is_the_same_for_every_format(form: str, broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code does not depend on the output format."""
    assert call("-f", broken, "-o", form) == 1
    assert "IST0106" in capsys.readouterr().out


def test_several_formats_at_once(broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Formats with a file go there, and text still goes to stdout."""
    assert call("-f", broken, "-o", f"json={tmp_path / 'a.json'}", "-o", f"sarif={tmp_path / 'a.sarif'}") == 1
    assert json.loads((tmp_path / "a.json").read_text())[0]["code"] == "IST0106"
    assert json.loads((tmp_path / "a.sarif").read_text())["runs"][0]["results"][0]["ruleId"] == "IST0106"
    assert capsys.readouterr().out.startswith("Error [IST0106]")


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_baseline_counts_what_is_new(form: str, broken: str, tmp_path: Path) -> None:
    """Findings of an earlier run no longer make the exit code 1."""
    call("-f", broken, "-o", f"{form}={tmp_path / 'old'}")
    assert call("-f", broken, "--baseline", str(tmp_path / "old")) == 0


def test_diff_tells_what_was_fixed(broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding that is gone is listed as fixed."""
    fixed = tmp_path / "fixed.yaml"
    fixed.write_text(f"{BROKEN}  http: [{{route: [{{destination: {{host: b}}}}]}}]\n", encoding="utf-8")
    assert call("--diff", broken, str(fixed)) == 0
    assert "Fixed (1):" in capsys.readouterr().out
    assert call("--diff", str(fixed), broken) == 1
    assert "Introduced (1):" in capsys.readouterr().out


def test_unreadable_document_is_no_clean_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is analysed, the document is named, a hint says once what to do, and the exit code is 3."""
    path = tmp_path / "half.yaml"
    path.write_text("a: [\n---\nb: [\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n", encoding="utf-8")
    assert call("-f", str(path)) == 3
    captured = capsys.readouterr()
    assert "2 documents could not be read" in captured.out
    assert captured.err.count(f"error: {path}:") == 2
    assert captured.err.count("hint: check indentation") == 1
    assert "No validation issues" not in captured.out
    assert call("-f", str(path), "--ignore-unknown") == 0


def test_two_objects_of_one_name_are_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Different duplicates are reported with both places; identical copies are not."""
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: one}\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(f"# a copy\n{text}", encoding="utf-8")
    assert call("--use-kube=false", str(tmp_path)) == 0
    assert "KM0104" not in capsys.readouterr().out
    (tmp_path / "b.yaml").write_text(text.replace("one", "two"), encoding="utf-8")
    assert call("--use-kube=false", str(tmp_path), "--failure-threshold", "Warning") == 1
    line = capsys.readouterr().out.splitlines()[0]
    b, a = tmp_path / "b.yaml", tmp_path / "a.yaml"
    assert line == f"Warning [KM0104] (ConfigMap default/c {b}:1) Given twice: this replaces the one at {a}:1."
    before = tmp_path / "before.sarif"
    call("--use-kube=false", str(tmp_path), "-o", f"sarif={before}")
    a.write_text(f"# another line\n{text}", encoding="utf-8")
    assert call("--use-kube=false", str(tmp_path), "--failure-threshold", "Warning", "--baseline", str(before)) == 0


@pytest.mark.parametrize(
    "words", [("--failure-threshold", "Bad"), ("-o", "xml"), ("--suppress", "X"), ("--diff", "a"), ("--analyzer", "x")]
)
def test_wrong_usage(words: tuple[str, ...], broken: str) -> None:
    """Wrong values end with 2."""
    assert call("-f", broken, *words) == 2


def test_nothing_given_is_not_clean() -> None:
    """Without a cluster and files there is nothing to answer."""
    assert call("--use-kube=false") == 5


def test_analyzers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """-L lists name and description, sorted."""
    assert call("-L") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[::2] == sorted(lines[::2])
    assert "* gateway.SecretAnalyzer:" in lines


def test_nothing_to_analyze_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files without objects, or without any in the chosen namespace, get a note instead of silent approval."""
    empty = tmp_path / "empty.yaml"
    empty.write_text("# nothing yet\n")
    assert run(["kubectl-mesh", "analyze", "--use-kube=false", str(empty)]) == 5
    assert "no resources in" in capsys.readouterr().err
    empty.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\nspec: {ports: [{port: 80}]}\n")
    assert run(["kubectl-mesh", "analyze", "--use-kube=false", "-n", "c", str(empty)]) == 5
    assert "no resources of namespace c in" in capsys.readouterr().err


def test_a_cluster_that_is_not_there_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An API server that refuses connections is one error, not one for each kind of object."""
    config = tmp_path / "config"
    config.write_text(
        "apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: a, user: {token: x}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n"
        "current-context: a\n"
    )
    assert run(["kubectl-mesh", "analyze", "--kubeconfig", str(config)]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert (
        told.err
        == "error: https://127.0.0.1:1: connection refused\nhint: is the cluster running? kubectl cluster-info\n"
    )


def test_certificates_are_judged_at_the_time_of_the_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An expired certificate of a gateway is found, one that is valid now is not."""
    file = tmp_path / "gateway.yaml"
    codes = []
    for until in (datetime(2021, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=2)):
        file.write_text(f"{GATEWAY}---\n{secret(certificate(until))}\n---\n{dedent(pod('edge'))}")
        run(["kubectl-mesh", "analyze", "--use-kube=false", "-o", "json", str(file)])
        codes.append({each["code"] for each in json.loads(capsys.readouterr().out)})
    assert ["IST0161" in each for each in codes] == [True, False]


GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front, namespace: shop}
spec:
  selector: {app: edge}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: ["*"]
    tls: {mode: SIMPLE, credentialName: cert}
"""

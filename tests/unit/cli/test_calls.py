"""Calls as a user makes them: answers on stdout, complaints on stderr, and the exit code that scripts rely on."""

import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_mesh.cli.app import hoist, run
from kubectl_mesh.cli.program import name_from

ADMIN = "type.googleapis.com/envoy.admin.v3."


def call(*words: str) -> int:
    """Make one call."""
    return int(run(["kubectl-mesh", *words]))


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """Return a small config dump in Envoy's own spelling."""
    cluster = {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": "outbound|80|v1|web.shop.svc.cluster.local",
        "type": "EDS",
        "connect_timeout": "10s",
        "metadata": {
            "filter_metadata": {
                "istio": {"config": "/apis/networking.istio.io/v1/namespaces/shop/destination-rule/web"}
            }
        },
    }
    document: dict[str, Any] = {
        "configs": [
            {"@type": ADMIN + "ClustersConfigDump", "dynamic_active_clusters": [{"cluster": cluster}]},
            {"@type": ADMIN + "ListenersConfigDump", "dynamic_listeners": []},
        ]
    }
    path = tmp_path / "dump.json"
    path.write_text(json.dumps(document))
    return path


def test_table_on_stdout(dump: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table is all that stdout gets."""
    assert call("proxy-config", "cluster", "-f", str(dump)) == 0
    out, err = capsys.readouterr()
    assert out.split("\n")[1].split() == ["web.shop.svc.cluster.local", "80", "v1", "outbound", "EDS", "web.shop"]
    assert err == ""


def test_ports_have_a_range(dump: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that cannot be one is refused in istioctl's words."""
    assert call("pc", "cluster", "-f", str(dump), "--proxy-admin-port", "70000") == 2
    assert "port number 70000 must be in the range 1..65535" in capsys.readouterr().err


def test_a_letter_that_a_command_takes_leaves_the_long_name(dump: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`-r` is the revision, except for commands where it means reset and only --revision works."""
    assert call("pc", "cluster", "-f", str(dump), "-r", "canary") == 0
    call("pc", "log", "web", "-r", "--revision", "canary", "--demo")
    assert "No such option" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [("pc", "c"), ("pc", "clusters"), ("proxy-config", "cluster")])
def test_other_names(words: tuple[str, ...], dump: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """istioctl's other names mean the same command."""
    assert call(*words, "-f", str(dump), "-o", "json") == 0
    (cluster,) = json.loads(capsys.readouterr().out)
    assert cluster["connectTimeout"] == "10s"


def test_json_and_yaml_are_one_document(dump: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`-o yaml` prints the document of `-o json`."""
    import yaml

    call("pc", "c", "-f", str(dump), "-o", "json")
    document = json.loads(capsys.readouterr().out)
    call("pc", "c", "-f", str(dump), "-o", "yaml")
    assert yaml.safe_load(capsys.readouterr().out) == document


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("pc", "cluster", "-o", "xml"), 2),
        (("pc", "cluster", "--port", "many"), 2),
        (("pc", "cluster", "--demo"), 2),
        (("pc", "cluster", "--color", "sometimes"), 2),
        (("pc", "listener"), 5),
        (("pc", "route"), 5),
        (("pc", "cluster", "no-such-pod"), 5),
        (("pc", "endpoint"), 3),
        (("ps",), 3),
        (("trace", "web", "ftp://x/"), 2),
        (("nonsense",), 2),
    ],
)
def test_exit_codes(words: tuple[str, ...], code: int, dump: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage, nothing found, and no answer have different exit codes; the reason is on stderr."""
    assert call(*words, "-f", str(dump)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert err


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"configs": 5}',
        b'{"configs": [null, 5, "x", [], {"@type": 7}]}',
        b'{"configs": [{"@type": "' + ADMIN.encode() + b'ClustersConfigDump", "dynamic_active_clusters": 3}]}',
        b"\xff\xfe\x00binary",
        b'{"configs": ' + b"[" * 100_000,
        b"configs:\n- &a [*a]\n",
    ],
    ids=["empty", "truncated", "number", "odd entries", "odd section", "binary", "deep", "alias"],
)
@pytest.mark.parametrize("command", ["cluster", "listener", "route", "eds", "bootstrap", "secret", "all", "ecds"])
def test_mangled_documents(command: str, text: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken document ends in a sentence, never in a traceback or an unexpected error."""
    path = tmp_path / "dump.json"
    path.write_bytes(text)
    assert call("pc", command, "-f", str(path), *(["x"] if text == b"" else [])) in (0, 3, 5)
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "unexpected" not in err


def test_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is named."""
    assert call("pc", "cluster", "-f", "no/such/file.json") == 3
    assert "no/such/file.json" in capsys.readouterr().err


def test_options_before_the_command() -> None:
    """Shared options may stand before the command; they are moved behind it."""
    assert hoist(["-n", "shop", "pc", "c", "web"]) == ["pc", "c", "-n", "shop", "web"]
    assert hoist(["--demo", "ps"]) == ["ps", "--demo"]
    assert hoist(["x", "authz"]) == ["x", "authz"]
    assert hoist(["--demo", "x", "authz", "check", "web"]) == ["x", "authz", "check", "--demo", "web"]


def test_go_spelling_of_switches(dump: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--verbose=false` means `--no-verbose`, as istioctl's users type it."""
    assert call("pc", "listener", "-f", str(dump), "--verbose=false") == 5
    assert "No such option" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv0", "name"),
    [
        ("/usr/local/bin/kubectl-mesh", "kubectl mesh"),
        ("kubectl-mesh.exe", "kubectl mesh"),
        ("/x/kubectl_mesh/__main__.py", "python -m kubectl_mesh"),
        ("/x/mesh", "mesh"),
    ],
)
def test_usage_follows_the_way_it_was_called(argv0: str, name: str) -> None:
    """Usage and hints say what the user would type again."""
    assert name_from(argv0) == name


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints the version alone."""
    from kubectl_mesh import __version__

    assert call("--version") == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("words", ["proxy-status", "ps", "version"])
def test_experimental_names(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands that istioctl has under `experimental` are found there too."""
    assert call("x", words, "--demo") == 0
    assert capsys.readouterr().out


def test_a_reader_that_goes_away() -> None:
    """A closed pipe, as with `| head`, is not a failure."""
    import subprocess
    import sys

    words = [sys.executable, "-m", "kubectl_mesh", "proxy-config", "log", "-l", "app=web", "-n", "shop", "--demo"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""

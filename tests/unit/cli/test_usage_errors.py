"""A mistyped command line: what is wrong, and what was probably meant."""

from pathlib import Path

import pytest

from kubectl_mesh.cli.app import run


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("tracee", 'unknown command "tracee" for "kubectl mesh"', "did you mean trace?"),
        ("pc rotues", 'unknown command "rotues" for "kubectl mesh pc"', "did you mean route?"),
        ("completion fish", 'unknown command "fish" for', "kubectl mesh completion --help lists the commands"),
        ("trace --verbos a http://b", "unknown option --verbos", "did you mean --verbose?"),
        ("trace", "missing argument FROM", "kubectl mesh trace FROM [URL] [OPTIONS]; --help has an example"),
        ("simulate dump", "missing option --output-dir", "kubectl mesh simulate dump [OPTIONS]"),
        ("simulate serve --port 99999", "99999 is not in the range", "kubectl mesh simulate serve --help"),
        ("trace -X", "option '-X' requires an argument", "--help"),
    ],
)
def test_wrong_words_are_named_with_a_hint(
    words: str, message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A usage error has the form of every other error: `error:`, then a hint; and exit code 2."""
    assert run(["kubectl-mesh", *words.split()]) == 2
    captured = capsys.readouterr()
    first, second = captured.err.splitlines()
    assert not captured.out
    assert first.startswith("error: ")
    assert message in first
    assert second.startswith("hint: ")
    assert hint in second


def test_help_has_own_options_before_shared_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """Help lists a command's own options first, then those that choose the mesh, then where the rest is listed."""
    assert run(["kubectl-mesh", "trace", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Usage: kubectl mesh trace FROM [URL] [OPTIONS]\n")
    own, mesh, rest = text.index("  --sni NAME"), text.index("  --demo"), text.index('Use "kubectl mesh options"')
    assert own < text.index("Which mesh") < mesh < rest


def test_without_a_live_cluster_the_client_and_the_way_out_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`version` still prints this program's version, and `analyze` of files says how to work without a cluster."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert run(["kubectl-mesh", "version"]) == 3
    assert capsys.readouterr().out.startswith("client version: ")
    assert run(["kubectl-mesh", "analyze", "mesh.yaml"]) == 3
    assert "hint: --use-kube=false analyzes the files alone" in capsys.readouterr().err

"""Manifests that come from a pipe."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from kubectl_mesh.cli.app import run

EXAMPLE = Path(__file__).parents[3] / "examples" / "shop" / "base"


@pytest.mark.parametrize(
    "words",
    [
        ("trace", "deploy/web", "http://catalog/", "-n", "shop", "-f"),
        ("proxy-status", "-f"),
        ("analyze", "--use-kube=false"),
        ("diff", str(EXAMPLE)),
        ("kube-inject", "-f"),
    ],
)
def test_a_pipe_is_a_file(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`-` is read like a file of the same content, even where several readers need it."""
    content = b"---\n".join(path.read_bytes() for path in sorted(EXAMPLE.glob("*.yaml")))
    path = tmp_path / "mesh.yaml"
    path.write_bytes(content)
    assert run(["kubectl-mesh", *words, str(path)]) == 0
    expected = capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert run(["kubectl-mesh", *words, "-"]) == 0
    assert capsys.readouterr().out.replace("<stdin>", str(path)).replace("analyzing -", f"analyzing {path}") == expected

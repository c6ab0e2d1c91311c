"""kube-inject as a user calls it."""

from pathlib import Path

import pytest
import yaml

from kubectl_mesh.cli.app import run


def call(*words: str) -> int:
    """Make one call."""
    return int(run(["kubectl-mesh", "kube-inject", *words]))


def test_injected_manifests_are_manifests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The output can be read again, and injecting it again changes nothing."""
    target = tmp_path / "out.yaml"
    assert call("--demo", "-o", str(target)) == 0
    capsys.readouterr()
    documents = [each for each in yaml.safe_load_all(target.read_text()) if each]
    assert any("istio-proxy" in str(each) for each in documents if each["kind"] == "Deployment")
    assert "&id" not in target.read_text()
    assert call("-f", str(target)) == 0
    assert capsys.readouterr().out == target.read_text()


@pytest.mark.parametrize(("words", "code"), [((), 2), (("-f", "no/such.yaml"), 3), (("-f", "BROKEN"), 3)])
def test_wrong_calls(words: tuple[str, ...], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to inject, and files that cannot be read, end with a sentence."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("kind: [")
    assert call(*(str(broken) if word == "BROKEN" else word for word in words)) == code
    out, err = capsys.readouterr()
    assert (out, "unexpected" in err) == ("", False)


def test_a_document_without_a_last_line_end_is_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document that is passed on unchanged ends with a newline, so that the next one starts on a line of its own."""
    left = tmp_path / "left.yaml"
    left.write_text("kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}")
    other = tmp_path / "other.yaml"
    other.write_text("kind: ConfigMap\napiVersion: v1\nmetadata: {name: b}")
    assert call("-f", str(left), "-f", str(other)) == 0
    documents = [each for each in yaml.safe_load_all(capsys.readouterr().out) if each]
    assert [each["metadata"]["name"] for each in documents] == ["a", "b"]

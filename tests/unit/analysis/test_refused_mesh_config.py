"""A MeshConfig that istiod cannot read is a finding."""

from pathlib import Path

import pytest

from kubectl_mesh.cli.app import run

CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |-
    defaultConfig: 3
"""


def test_an_unreadable_mesh_config_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The finding names the ConfigMap, its file, and the field that istiod stumbles over."""
    path = tmp_path / "mesh.yaml"
    path.write_text(CONFIG_MAP)
    assert run(["kubectl-mesh", "analyze", "--use-kube=false", str(path)]) == 1
    out = capsys.readouterr().out
    assert f"Error [IST0106] (ConfigMap istio-system/istio {path}:" in out
    assert "defaultConfig must be a mapping, not 3" in out

"""Where reservations are said to come from."""

from pathlib import Path

from simulator.mesh import Mesh

RULES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: root, namespace: shop}
spec:
  hosts: [web]
  http:
  - delegate: {name: one}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: one, namespace: shop}
spec:
  http:
  - name: again
    delegate: {name: one}
---
apiVersion: networking.istio.io/v1
kind: VirtualServce
metadata: {name: typo, namespace: shop}
"""


def test_caveats_name_file_and_line(tmp_path: Path) -> None:
    """Refused, missing and misspelt objects are reported with the file and the line of the field."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    told = sorted(map(str, Mesh.from_manifests([str(path)]).caveats()))
    assert [line.removeprefix(f"{path}:").partition(": Virtual")[0] for line in told] == [
        "16: invalid",
        "18: invalid",
        "8: incomplete",
    ]

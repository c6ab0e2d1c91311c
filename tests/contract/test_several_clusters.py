"""`analyze --remote-contexts`: services of one mesh that differ between its clusters."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kubectl_mesh.cli.app import run
from tests.contract.conftest import SHOP
from tests.contract.serving import ServedMesh, serving

OTHER = SHOP.replace("{name: http, port: 80, targetPort: 8080}", "{name: http, port: 81, targetPort: 8080}")


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServedMesh, ServedMesh]]:
    """Serve two clusters that define one service differently."""
    folders = [tmp_path_factory.mktemp(name) for name in ("east", "west")]
    with serving(SHOP, folder=folders[0]) as east, serving(OTHER, folder=folders[1]) as west:
        yield east, west


def joined(served: dict[str, ServedMesh], file: Path) -> str:
    """Write one kubeconfig with a context for each cluster; the first is the current one."""
    document: dict[str, object] = {"apiVersion": "v1", "kind": "Config", "current-context": next(iter(served))}
    for kind, body in (("clusters", "cluster"), ("users", "user")):
        document[kind] = [
            {"name": name, body: yaml.safe_load(one.kubeconfig.read_text())[kind][0][body]}
            for name, one in served.items()
        ]
    document["contexts"] = [{"name": name, "context": {"cluster": name, "user": name}} for name in served]
    file.write_text(yaml.safe_dump(document))
    return str(file)


def test_a_service_that_differs_is_found(
    clusters: tuple[ServedMesh, ServedMesh], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Different ports are reported with the clusters; without the option nothing is compared."""
    file = joined({"east": clusters[0], "west": clusters[1]}, tmp_path / "config")
    words = ["kubectl-mesh", "analyze", "-n", "shop", "-o", "json", "--kubeconfig", file]
    run(words)
    assert "IST0170" not in capsys.readouterr().out
    run([*words, "--remote-contexts", "west"])
    (found,) = [each for each in json.loads(capsys.readouterr().out) if each["code"] == "IST0170"]
    assert found["origin"] == "Service shop/web"
    assert "service ports are inconsistent" in found["message"]
    assert "west" in found["message"]


def test_a_context_that_does_not_exist_is_told(
    clusters: tuple[ServedMesh, ServedMesh], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A context that does not exist is wrong usage."""
    file = joined({"east": clusters[0]}, tmp_path / "config")
    words = ["kubectl-mesh", "analyze", "-n", "shop", "--kubeconfig", file, "--remote-contexts", "north"]
    assert run(words) == 2
    assert 'context "north" does not exist' in capsys.readouterr().err

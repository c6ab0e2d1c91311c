"""The same file over a recorded mesh."""

from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner

from kubectl_mesh.cli.app import app as program
from kubectl_mesh.cli.test import app

SHOP = Path(__file__).parents[3] / "examples" / "shop"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record the example, and put its tests beside the bundle."""
    path = tmp_path_factory.mktemp("recorded")
    result = CliRunner().invoke(program, ["bundle", "-f", str(SHOP / "base"), str(path / "shop")])
    assert result.exit_code == 0, result.output
    text = (SHOP / "shop.meshtest.yaml").read_text().replace("manifests: [base]", "bundle: shop")
    (path / "shop.meshtest.yaml").write_text(text)
    return path


def test_a_bundle_keeps_the_same_promises(folder: Path) -> None:
    """Cases, invariants and findings are decided from what proxies were recorded to hold."""
    result = CliRunner().invoke(app, [str(folder)])
    assert result.exit_code == 0, result.output
    assert "23 passed" in result.stdout


def test_a_rule_is_known_by_the_recorded_resources(tmp_path: Path) -> None:
    """The number of an unnamed rule is what the resources make it; without them it cannot be judged."""
    copytree(SHOP / "base", tmp_path / "base")
    routes = (tmp_path / "base" / "routes.yaml").read_text()
    (tmp_path / "base" / "routes.yaml").write_text(routes.replace("- name: default\n    route", "- route"))
    CliRunner().invoke(program, ["bundle", "-f", str(tmp_path / "base"), str(tmp_path / "shop")])
    (tmp_path / "a.meshtest.yaml").write_text(
        "apiVersion: kubectl-mesh/v1alpha1\nkind: MeshTest\nspec:\n"
        "  given: {bundle: shop}\n"
        "  cases:\n  - from: shop/deploy/web\n    request: {url: http://cart.shop/}\n"
        "    expect: {rule: {virtualService: shop/cart, index: 1}}\n"
    )
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert (result.exit_code, "1 passed" in result.stdout) == (0, True), result.stdout
    (tmp_path / "shop" / "resources" / "VirtualService.json").unlink()
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert (result.exit_code, "expect rule.name" in result.stdout) == (3, True), result.stdout


def test_a_file_is_written_from_a_bundle(folder: Path, tmp_path: Path) -> None:
    """A test file generated from a recorded mesh names it, and passes on it."""
    file = tmp_path / "generated.meshtest.yaml"
    result = CliRunner().invoke(app, ["generate", str(file), "--bundle", str(folder / "shop")])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, [str(file)])
    assert (result.exit_code, "failed" in result.stdout) == (0, False), result.stdout

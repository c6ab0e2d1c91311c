"""The plugin in a run of pytest of its own, as a user has it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
BASE = PROJECT / "examples" / "shop" / "base"
TESTS = '''
import pytest

CATALOG = "http://catalog.shop/items"

def test_from_setting(mesh):
    mesh.trace("shop/deploy/web", CATALOG).assert_delivered(to="shop/catalog")

@pytest.mark.mesh("k8s", yaml="""
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: shop}
spec: {}
""")
def test_from_marker(mesh):
    assert mesh.trace("shop/web", CATALOG).denied

def test_from_factory(mesh_from):
    assert mesh_from("k8s").mesh is mesh_from("k8s").mesh

def test_plain_assert_shows_the_path(mesh):
    assert mesh.trace("shop/cart", "http://checkout.payments/v1/payments/7").delivered

def test_compared_answer_shows_the_path(mesh):
    assert mesh.trace("shop/cart", "http://checkout.payments/v1/payments/7") == "delivered"
'''


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run pytest in a folder with this plugin alone, as at a desk: where CI is set, summaries repeat messages."""
    outside = {key: value for key, value in os.environ.items() if key not in ("CI", "BUILD_NUMBER")}
    environment = outside | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "pytest", "-p", "simulator.testing.plugin", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    """Run tests that use every fixture, some of which fail."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "k8s").symlink_to(BASE)
    (folder / "pytest.ini").write_text("[pytest]\nmesh_manifests = k8s\naddopts = --strict-markers\n")
    (folder / "test_mesh.py").write_text(TESTS)
    return run(folder, "-rA")


def test_fixtures_make_meshes(ran: "subprocess.CompletedProcess[str]") -> None:
    """The setting, the marker and the factory each give a mesh; a mesh is simulated once."""
    for name in ("test_from_setting", "test_from_marker", "test_from_factory"):
        assert f"PASSED test_mesh.py::{name}" in ran.stdout
    assert "2 failed, 3 passed" in ran.stdout


def test_failures_show_the_path(ran: "subprocess.CompletedProcess[str]") -> None:
    """Beside a failing assertion of any form stand the decisions on the way, with the rule that denied."""
    assert ran.stdout.count("Paths of requests") == 2
    assert "denied  (no ALLOW policy matches)" in ran.stdout
    assert "an answer == 'delivered'" in ran.stdout


def test_without_manifests_the_fixture_says_what_to_set(tmp_path: Path) -> None:
    """A test that asks for a mesh which nothing defines fails with the setting's name."""
    (tmp_path / "test_mesh.py").write_text("def test_it(mesh):\n    pass\n")
    result = run(tmp_path)
    assert result.returncode == 1
    assert "set mesh_manifests" in result.stdout


def test_manifests_that_cannot_be_read_end_the_test_with_the_reason(tmp_path: Path) -> None:
    """A wrong path is reported in two lines, without code of the plugin."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nmesh_manifests = nowhere\n")
    (tmp_path / "test_mesh.py").write_text("def test_it(mesh):\n    pass\n")
    result = run(tmp_path)
    assert "nowhere: no such file or directory\nhint: check the path\n" in result.stdout
    assert "plugin.py" not in result.stdout
    assert "During handling" not in result.stdout


def test_loading_the_plugin_is_cheap() -> None:
    """Runs of pytest that ask no mesh do not import the engine."""
    code = "import sys, simulator.testing.plugin; print([m for m in sys.modules if m.startswith('simulator.')])"
    result = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "['simulator.testing', 'simulator.testing.plugin']"


PROPERTY = """
from hypothesis import given, settings, strategies as st
from simulator.testing.strategies import requests, senders

QUICK = settings(max_examples=20, database=None, deadline=None)

@QUICK
@given(data=st.data())
def test_nobody_reaches_the_ledger(mesh, data):
    answer = mesh.trace(data.draw(senders(mesh, namespaces=["shop"])), data.draw(requests(mesh, to="payments/ledger")))
    assert not answer.delivered, answer

@QUICK
@given(data=st.data())
def test_nobody_reaches_the_catalog(mesh, data):
    answer = mesh.trace(data.draw(senders(mesh, namespaces=["shop"])), data.draw(requests(mesh, to="shop/catalog")))
    assert not answer.delivered, answer

def test_misspelt(mesh):
    mesh.trace("shop/deploy/wbe", "http://catalog.shop/")

def test_asserts_once(mesh):
    mesh.trace("shop/deploy/web", "http://catalog.shop/").assert_denied()
"""


@pytest.fixture(scope="module")
def properties(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    """Run tests of the fixture with Hypothesis as the documentation shows them, some of which fail."""
    folder = tmp_path_factory.mktemp("properties")
    (folder / "k8s").symlink_to(BASE)
    (folder / "pytest.ini").write_text("[pytest]\nmesh_manifests = k8s\n")
    (folder / "test_mesh.py").write_text(PROPERTY)
    return run(folder, "-rA", "-p", "_hypothesis_pytestplugin")


def test_the_fixture_goes_with_hypothesis(properties: "subprocess.CompletedProcess[str]") -> None:
    """A policy is held for any request of the mesh under test, with no setting; a counterexample shows its path."""
    assert "PASSED test_mesh.py::test_nobody_reaches_the_ledger" in properties.stdout
    assert "FAILED test_mesh.py::test_nobody_reaches_the_catalog" in properties.stdout
    assert "FailedHealthCheck" not in properties.stdout
    assert "catalog-routes.yaml:" in properties.stdout


def test_mistakes_end_in_the_test_with_a_hint(properties: "subprocess.CompletedProcess[str]") -> None:
    """A misspelt workload shows the line of the test and a suggestion, no code of the plugin."""
    report = properties.stdout.partition("_ test_misspelt _")[2].partition("_ test_asserts_once _")[0]
    assert "hint: did you mean shop/web" in report
    assert "asking.py" not in report


def test_a_path_is_shown_once(properties: "subprocess.CompletedProcess[str]") -> None:
    """An assertion with the path in its message has no second copy below, and files are named as by pytest."""
    report = properties.stdout.partition("_ test_asserts_once _")[2]
    assert report.count("virtualInbound") == 1
    assert " k8s/catalog-routes.yaml:23" in report


def test_a_mesh_without_sidecars_is_explained(tmp_path: Path) -> None:
    """The caveats of the mesh are shown with a failure; the marker says which namespaces are in the mesh."""
    (tmp_path / "mesh.yaml").write_text(PLAIN)
    (tmp_path / "test_mesh.py").write_text(
        "import pytest\n"
        "@pytest.mark.mesh('mesh.yaml')\n"
        "def test_without(mesh):\n    mesh.trace('app/web', 'http://web.app/').assert_mutual_tls()\n"
        "@pytest.mark.mesh('mesh.yaml', inject=['app'])\n"
        "def test_with(mesh):\n    mesh.trace('app/web', 'http://web.app/').assert_mutual_tls()\n"
    )
    result = run(tmp_path, "-rA")
    assert "1 failed, 1 passed" in result.stdout
    assert "no manifest says whether it is in the mesh" in result.stdout.partition("About the mesh")[2]


PLAIN = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: app}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: app}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: a}]}}
"""


def test_the_tests_of_the_documentation_run(tmp_path: Path) -> None:
    """The page's configuration and tests pass on the example as they stand."""
    page = (PROJECT / "docs" / "meshtest.md").read_text()
    (tmp_path / "k8s").symlink_to(BASE)
    (tmp_path / "pyproject.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    tests = page.partition("```python\n")[2].partition("```")[0]
    (tmp_path / "test_page.py").write_text(tests)
    (tmp_path / "conftest.py").write_text(
        "from hypothesis import settings\n"
        "settings.register_profile('page', max_examples=20, deadline=None, database=None)\n"
        "settings.load_profile('page')\n"
    )
    result = run(tmp_path, "-p", "_hypothesis_pytestplugin")
    assert "2 passed" in result.stdout, result.stdout

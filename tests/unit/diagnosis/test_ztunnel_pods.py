"""Choosing ztunnels, and the requests for their log levels."""

import pytest

from kubectl_mesh.diagnosis.ztunnel_log import log_request
from kubectl_mesh.diagnosis.ztunnel_pods import find_ztunnel, find_ztunnels, ztunnels
from kubectl_mesh.errors import NothingFound, UsageError
from kubectl_mesh.sources.simulated import SimulatedMesh
from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from tests.unit.diagnosis.ambient import AMBIENT


@pytest.fixture(scope="module")
def source() -> SimulatedMesh:
    """Return an ambient mesh."""
    return SimulatedMesh(Mesh.from_resources(parse_manifests(AMBIENT)))


def test_every_node_has_one(source: SimulatedMesh) -> None:
    """A ztunnel of the DaemonSet runs on every node."""
    found = ztunnels(source)
    assert sorted(found.values()) == ["node-1", "node-2", "node-3"]
    assert list(find_ztunnels(source, "ds/ztunnel", home="istio-system")) == list(found)


def test_a_workload_leads_to_the_ztunnel_of_its_node(source: SimulatedMesh) -> None:
    """A pod that is no ztunnel stands for the ztunnel that carries its traffic."""
    found = find_ztunnel(source, "deploy/web", namespace="shop")
    assert found.workload is not None
    pod = next(each for each in source.resources("Pod") if each["metadata"]["name"] == found.workload.name)
    assert ztunnels(source)[found.ztunnel] == pod["spec"]["nodeName"]


def test_none_is_guessed(source: SimulatedMesh) -> None:
    """Where ztunnels differ one must be named; a node without one, or a wrong name, is said."""
    with pytest.raises(UsageError, match="--node must be set"):
        find_ztunnel(source, single=True)
    with pytest.raises(UsageError, match="at most one"):
        find_ztunnel(source, "web", node="node-1")
    with pytest.raises(NothingFound, match="node-9"):
        find_ztunnel(source, node="node-9")
    with pytest.raises(NothingFound, match="nobody"):
        find_ztunnel(source, "nobody", home="istio-system")


def test_a_mesh_without_ztunnel() -> None:
    """A mesh that is not ambient has no ztunnel to ask."""
    source = SimulatedMesh(Mesh.from_resources(parse_manifests(AMBIENT.split("---")[0])))
    with pytest.raises(NothingFound, match="has no ztunnel"):
        find_ztunnel(source)


@pytest.mark.parametrize(
    ("levels", "path"),
    [
        ("", "logging"),
        ("debug", "logging?level=debug"),
        ("access:debug,warning", "logging?level=access:debug,warn"),
        ("ztunnel::state=trace", "logging?level=ztunnel::state:trace"),
        ("critical", "logging?level=error"),
    ],
)
def test_levels(levels: str, path: str) -> None:
    """Levels are converted to ztunnel's names."""
    assert log_request(levels) == path


def test_unknown_level() -> None:
    """A level that no ztunnel knows is refused before a request is made."""
    with pytest.raises(UsageError, match="loud"):
        log_request("access:loud")
    assert log_request("", reset=True) == "logging?level=info&reset"

"""Whether a pod can reach istiod, and how a failure is explained."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from kubectl_mesh.diagnosis.connection import diagnose
from kubectl_mesh.diagnosis.targets import find_proxy
from kubectl_mesh.errors import SourceError
from kubectl_mesh.reports.connection import CheckResult
from kubectl_mesh.sources.base import CommandResult
from kubectl_mesh.sources.simulated import SimulatedMesh
from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from simulator.model.proxies import ProxyId
from tests.contract.conftest import SHOP

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class InPods(SimulatedMesh):
    """A mesh in whose pods curl ends as a test wants it to."""

    status: int = 0
    out: str = "200"
    missing: str = ""

    def pod_command(self, pod: ProxyId, container: str, command: tuple[str, ...]) -> CommandResult:
        """Run curl."""
        if self.missing:
            raise SourceError(self.missing)
        return CommandResult(status=self.status, out=self.out, error=f"curl: ({self.status})")


def mesh(**curl: Any) -> InPods:
    """Return a mesh with a curl."""
    return InPods(mesh=Mesh.from_resources(parse_manifests(SHOP)), **curl)


def checks(source: SimulatedMesh) -> dict[str, tuple[CheckResult, str]]:
    """Return results and details by name of the check."""
    found = diagnose(source, find_proxy(source, "web"), istio_namespace="istio-system", now=NOW)
    return {check.name: (check.result, check.detail) for check in found.checks}


@pytest.mark.parametrize(
    ("curl", "name", "result", "words"),
    [
        ({"out": "401"}, "port 15014", CheckResult.OK, "without a token"),
        ({"out": "415"}, "port 15012", CheckResult.OK, "gRPC"),
        ({"status": 52}, "port 15012", CheckResult.OK, "reached"),
        ({"status": 6}, "dns", CheckResult.FAILED, "does not resolve"),
        ({"status": 6}, "port 15012", CheckResult.FAILED, "does not resolve"),
        ({"status": 7}, "dns", CheckResult.OK, "resolves"),
        ({"status": 7}, "port 15012", CheckResult.FAILED, "refused"),
        ({"status": 28}, "port 15014", CheckResult.FAILED, "in time"),
        ({"status": 35}, "port 15012", CheckResult.FAILED, "TLS"),
        ({"missing": "pods exec is forbidden"}, "port 15012", CheckResult.OK, "pods exec is forbidden"),
        ({"missing": "curl: executable file not found in $PATH"}, "port 15012", CheckResult.OK, "has no curl"),
    ],
)
def test_what_curl_tells(curl: dict[str, Any], name: str, result: CheckResult, words: str) -> None:
    """The end of a request from inside the pod says what is in the way; without one, objects are looked at."""
    found = checks(mesh(**curl))[name]
    assert found[0] is result
    assert words in found[1]


def test_without_istiod_in_the_objects() -> None:
    """A mesh without an istiod names what is missing."""
    source = SimulatedMesh(Mesh.from_resources(parse_manifests(SHOP), control_plane=False))
    proxies = source.proxies()
    if not proxies:
        pytest.skip("without a control plane nothing is injected")
    found = diagnose(source, proxies[0], istio_namespace="istio-system", now=NOW)
    assert found.checks[0].result is CheckResult.FAILED
    assert not found.connected


def test_not_connected() -> None:
    """A proxy that no istiod lists is not connected, whatever else succeeds."""
    source = mesh()
    found = diagnose(source, ProxyId("gone", "shop"), istio_namespace="istio-system", now=NOW)
    results = {check.name: check.result for check in found.checks}
    assert results["connected"] is CheckResult.FAILED
    assert results["certificate"] is CheckResult.UNKNOWN
    assert not found.connected

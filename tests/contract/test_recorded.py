"""A recorded mesh answers as the mesh did that it was recorded from."""

import re
from pathlib import Path

import pytest

from kubectl_mesh.bundle import MARKER, read_bundle, write_bundle
from kubectl_mesh.cli.app import run
from kubectl_mesh.diagnosis.recording import record
from kubectl_mesh.errors import InputError
from kubectl_mesh.sources.base import MeshSource
from kubectl_mesh.sources.recorded import RecordedMesh
from kubectl_mesh.sources.simulated import open_demo
from simulator.model.proxies import ProxyId

SAME = (
    "proxy-status",
    "proxy-status -v 1",
    "proxy-status web -n shop",
    "proxy-config cluster web",
    "proxy-config endpoint web",
    "proxy-config all web -o json",
    "version -o json",
    "describe pod catalog-v1",
    "authz check catalog",
    "mtls --from web",
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record the example mesh."""
    path = tmp_path_factory.mktemp("bundle") / "mesh.tgz"
    assert run(["kubectl-mesh", "bundle", str(path), "--demo"]) == 0
    return path


@pytest.mark.parametrize("words", SAME)
def test_same_answers(words: str, recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text, documents and exit codes are those of the simulated mesh."""
    first = run(["kubectl-mesh", *words.split(), "--demo"])
    expected = capsys.readouterr().out
    assert run(["kubectl-mesh", *words.split(), "--bundle", str(recorded)]) == first
    assert capsys.readouterr().out == expected


def test_a_trace_differs_in_positions_alone(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bundle knows API paths where manifests know files and lines; the rule in a resource it knows as well."""

    def trace(*source: str) -> str:
        run(["kubectl-mesh", "trace", "deploy/web", "http://catalog/items", "-o", "json", *source])
        return re.sub(r'"position": ".*"', "", capsys.readouterr().out)

    assert trace("--bundle", str(recorded)) == trace("--demo")
    assert '"spec.http[1]"' in trace("--demo")


def test_directories_and_archives_hold_the_same(tmp_path: Path) -> None:
    """A bundle may be unpacked, and packed again with its folder."""
    files = {"resources/Pod.json": b"{}", "proxies/shop/web-1/config_dump": b"{}"}
    write_bundle(tmp_path / "mesh", files)
    write_bundle(tmp_path / "mesh.tgz", files)
    assert read_bundle(tmp_path / "mesh").files == read_bundle(tmp_path / "mesh.tgz").files


def test_secrets_stay_out() -> None:
    """The data of Secrets and what kubectl applied last are not recorded."""

    class Source:
        """A mesh of one Secret."""

        def resources(self, kind: str, namespace: str | None = None) -> list[dict[str, object]]:
            """Return the Secret."""
            secret = {
                "kind": "Secret",
                "metadata": {"name": "key", "managedFields": [1]},
                "data": {"tls.key": "c2VjcmV0"},
            }
            return [secret] if kind == "Secret" else []

        def proxies(self) -> list[ProxyId]:
            """Return no proxy."""
            return []

        def envoy(self, proxy: ProxyId, path: str) -> bytes:
            """Never asked."""
            return b""

        def istiod(self, path: str) -> dict[str, bytes]:
            """Return nothing."""
            return {}

    source: MeshSource = Source()
    files = record(source, missed=lambda _: None)
    assert b"c2VjcmV0" not in b"".join(files.values())
    assert b"managedFields" not in b"".join(files.values())


def test_names_that_lead_outside_are_refused(tmp_path: Path) -> None:
    """An archive cannot make a reader look, or write, above its folder."""
    import io
    import tarfile

    path = tmp_path / "evil.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name in (MARKER, "../../etc/passwd"):
            entry = tarfile.TarInfo(name)
            archive.addfile(entry, io.BytesIO())
    with pytest.raises(InputError):
        read_bundle(path)


def test_what_was_not_recorded_is_said(tmp_path: Path) -> None:
    """A question that the bundle cannot answer ends in an error, not in an empty answer."""
    from kubectl_mesh.errors import NotAvailable

    write_bundle(tmp_path / "mesh", {})
    mesh = RecordedMesh(read_bundle(tmp_path / "mesh"))
    with pytest.raises(NotAvailable):
        mesh.envoy(ProxyId("web-1", "shop"), "config_dump")


def test_simulated_mesh_knows_its_proxies() -> None:
    """The example mesh has proxies, and each answers for its configuration."""
    source = open_demo()
    for proxy in source.proxies():
        assert source.envoy(proxy, "config_dump?include_eds=true").startswith(b"{")

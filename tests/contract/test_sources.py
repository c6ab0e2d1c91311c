"""One suite over every source: who asks the same question of the same mesh gets the same answer.

`MESH_TEST_CONTEXT` names a kubeconfig context whose mesh is asked too; it is only read.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kubectl_mesh import bundle
from kubectl_mesh.errors import MeshError
from kubectl_mesh.sources.base import Caveats, Connection, MeshSource
from kubectl_mesh.sources.live import connect
from kubectl_mesh.sources.recorded import open_bundle
from kubectl_mesh.sources.simulated import open_demo
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json
from tests.contract.serving import ServedMesh

DUMP = "config_dump?include_eds=true"
CLUSTERS = "clusters?format=json"
SYNCZ = "debug/syncz"
KINDS = ("Namespace", "Service", "Pod", "Deployment", "VirtualService", "DestinationRule", "AuthorizationPolicy")
SOURCES = ("simulated", "served", "recorded", "cluster")


@pytest.fixture(scope="session")
def served(example: ServedMesh) -> MeshSource:
    """Return the live source on the served example."""
    return connect(Connection(kubeconfig=str(example.kubeconfig)))


@pytest.fixture(scope="session")
def recorded(served: MeshSource, tmp_path_factory: pytest.TempPathFactory) -> MeshSource:
    """Return a bundle of what the live source answered."""
    files: dict[str, bytes] = {}
    for kind in KINDS:
        files[bundle.resources_path(kind)] = json.dumps({"items": list(served.resources(kind))}).encode()
    for proxy in served.proxies():
        for path in (DUMP, CLUSTERS):
            files[bundle.envoy_path(proxy, path)] = served.envoy(proxy, path)
    for path in ("version", SYNCZ):
        files |= {bundle.istiod_path(pod, path): data for pod, data in served.istiod(path).items()}
    folder: Path = tmp_path_factory.mktemp("recorded") / "bundle.tgz"
    bundle.write_bundle(folder, files)
    return open_bundle(str(folder))


@pytest.fixture(scope="session")
def cluster_source() -> MeshSource:
    """Return the live source on a real cluster."""
    context = os.environ.get("MESH_TEST_CONTEXT")
    if not context:
        pytest.skip("MESH_TEST_CONTEXT names no cluster")
    return connect(Connection(context=context))


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> MeshSource:
    """Return each source in turn."""
    if request.param == "simulated":
        return open_demo()
    name = {"served": "served", "recorded": "recorded", "cluster": "cluster_source"}[request.param]
    found: MeshSource = request.getfixturevalue(name)
    return found


@pytest.fixture(scope="session")
def reference() -> MeshSource:
    """Return what the others are compared with: the example, simulated."""
    return open_demo()


@pytest.fixture(params=["served", "recorded"])
def copy(request: pytest.FixtureRequest) -> MeshSource:
    """Return each source that shows the example."""
    found: MeshSource = request.getfixturevalue(request.param)
    return found


def sidecar(source: MeshSource) -> ProxyId:
    """Return one proxy."""
    return next(iter(source.proxies()))


def identities(documents: Sequence[Json]) -> list[tuple[str, str]]:
    """Return namespace and name of resources."""
    metadata = [document["metadata"] for document in documents]
    return sorted((each.get("namespace", ""), each["name"]) for each in metadata)


def test_proxies_are_named_and_sorted(source: MeshSource) -> None:
    """Every source has proxies, sorted by namespace and name, none twice."""
    found = list(source.proxies())
    assert found
    assert found == sorted(set(found), key=lambda proxy: (proxy.namespace, proxy.name))


def test_a_config_dump_has_the_sections_that_diagnosis_reads(source: MeshSource) -> None:
    """A dump with endpoints has clusters, listeners, routes, endpoints and the bootstrap."""
    dump = json.loads(source.envoy(sidecar(source), DUMP))
    found = {section["@type"].rpartition(".")[2] for section in dump["configs"]}
    wanted = {"Bootstrap", "Clusters", "Listeners", "Routes", "Endpoints"}
    assert {f"{name}ConfigDump" for name in wanted} <= found


def test_clusters_are_answered_in_json(source: MeshSource) -> None:
    """`clusters?format=json` lists hosts with their health."""
    statuses = json.loads(source.envoy(sidecar(source), CLUSTERS))["cluster_statuses"]
    hosts = [host for status in statuses for host in status.get("host_statuses") or ()]
    assert hosts
    assert all("address" in host and "health_status" in host for host in hosts)


def test_istiod_tells_its_version_and_who_is_in_sync(source: MeshSource) -> None:
    """Each replica answers by name of its pod; every listed proxy is one the source knows or a ztunnel."""
    assert all(data.strip() for data in source.istiod("version").values())
    known = {str(proxy) for proxy in source.proxies()}
    entries = [entry for data in source.istiod(SYNCZ).values() for entry in json.loads(data)]
    assert {entry["proxy"] for entry in entries if entry.get("proxy_type") != "ztunnel"} <= known


def test_resources_are_those_of_their_kind_and_namespace(source: MeshSource) -> None:
    """A namespace's resources are the part of all that lies in it; documents say what they are."""
    everything = source.resources("Service")
    assert {document["kind"] for document in everything} == {"Service"}
    namespace = everything[0]["metadata"]["namespace"]
    inside = [document for document in everything if document["metadata"]["namespace"] == namespace]
    assert identities(source.resources("Service", namespace)) == identities(inside)


def test_unknown_kinds_and_namespaces_are_empty(source: MeshSource) -> None:
    """A kind that is not installed has no resources, which is not an error."""
    assert list(source.resources("NoSuchKind")) == []
    assert list(source.resources("Service", "no-such-namespace")) == []


def test_a_proxy_that_is_not_there_is_an_error(source: MeshSource) -> None:
    """Asking a proxy that does not exist is a MeshError, never an empty answer."""
    with pytest.raises(MeshError):
        source.envoy(ProxyId("nobody", "nowhere"), DUMP)


def test_caveats_are_readable(source: MeshSource) -> None:
    """What a source does not have is an error that names its subject."""
    if isinstance(source, Caveats):
        assert all(str(caveat) for caveat in source.caveats())


def test_a_served_mesh_has_the_proxies_of_its_manifests(copy: MeshSource, reference: MeshSource) -> None:
    """Served and recorded meshes have the proxies that simulation predicts."""
    assert list(copy.proxies()) == list(reference.proxies())


@pytest.mark.parametrize("path", [DUMP, CLUSTERS])
def test_served_proxies_hold_what_is_simulated(copy: MeshSource, reference: MeshSource, path: str) -> None:
    """Every proxy's configuration is the same, document for document, through a port-forward and without a cluster."""
    for proxy in reference.proxies():
        assert _unsigned(copy.envoy(proxy, path)) == _unsigned(reference.envoy(proxy, path)), proxy


def _unsigned(data: bytes) -> Any:
    """Read a document and leave out the workload's certificate and its root, which manifests do not have."""
    found = json.loads(data)
    for section in found.get("configs") or ():
        for entry in section.get("dynamic_active_secrets") or ():
            if entry["name"] in ("default", "ROOTCA"):
                entry["secret"] = {key: entry["secret"][key] for key in ("@type", "name")}
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_served_resources_are_those_of_the_manifests(copy: MeshSource, reference: MeshSource, kind: str) -> None:
    """Each resource is served with its spec unchanged; the cluster adds only what every cluster has."""
    specs = {
        (each["metadata"].get("namespace", ""), each["metadata"]["name"]): each.get("spec")
        for each in copy.resources(kind)
    }
    for document in reference.resources(kind):
        metadata = document["metadata"]
        assert specs[metadata.get("namespace", ""), metadata["name"]] == document.get("spec")


def test_sync_state_is_the_same(copy: MeshSource, reference: MeshSource) -> None:
    """The same proxies watch the same types, all acknowledged."""

    def state(source: MeshSource) -> dict[str, list[str]]:
        entries = [entry for data in source.istiod(SYNCZ).values() for entry in json.loads(data)]
        for entry in entries:
            assert all(each["sent"] == each["acked"] for each in entry["resources"].values())
        return {entry["proxy"]: sorted(entry["resources"]) for entry in entries}

    assert state(copy) == state(reference)

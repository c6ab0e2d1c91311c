import json
from typing import Any

import pytest

from simulator.istiod.debug import NEEDS_PROXY, NOT_CONNECTED, PATHS, Istiod, debug_page, sent_dump, version_page
from simulator.istiod.sync import CDS, LDS, RDS, Deviation, Push, client_config
from simulator.mesh import Mesh
from simulator.model.proxies import ProxyId
from tests.unit.apiserver.test_keeper import SHOP

CONFIG = """
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web}}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: none, namespace: shop}
spec: {}
"""
TIME = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    """Return a mesh of two web pods and an ingress gateway."""
    from simulator.manifests.reading import parse_manifests

    return Mesh.from_resources(parse_manifests(SHOP + CONFIG))


def istiod(mesh: Mesh, **deviations: Any) -> Istiod:
    """Return its istiod."""
    push = Push(version=f"{TIME}/1", time=TIME, **deviations)
    return Istiod(snapshot=mesh.snapshot, config_dump=mesh.config_dump, push=push)


def answer(mesh: Mesh, path: str) -> Any:
    """Return a page's document."""
    page = debug_page(istiod(mesh), path)
    assert page.status == 200, page.body
    return json.loads(page.body)


def web(mesh: Mesh) -> ProxyId:
    """Return a proxy of the web Deployment."""
    return next(proxy for proxy in mesh.proxies() if proxy.namespace == "shop")


def test_every_proxy_is_in_sync_unless_said_otherwise(mesh: Mesh) -> None:
    """`syncz` lists what each proxy was sent and has acknowledged, per type."""
    entries = {entry["proxy"]: entry for entry in answer(mesh, "/debug/syncz")}
    assert set(entries) == {str(proxy) for proxy in mesh.proxies()}
    entry = entries[str(web(mesh))]
    assert (entry["proxy_type"], entry["istio_version"], entry["cluster_id"]) == ("sidecar", "1.30.3", "Kubernetes")
    assert entry["cluster_sent"] == entry["cluster_acked"] == entry["resources"][CDS]["acked"]
    assert answer(mesh, "/debug/syncz?namespace=istio-system") == [
        entry for entry in entries.values() if entry["proxy"].endswith(".istio-system")
    ]


def test_a_desynchronised_mesh_can_be_played(mesh: Mesh) -> None:
    """Deviations show as STALE, NOT_SENT and ERROR, with the error's text."""
    proxy = web(mesh)
    deviations = {
        (proxy, CDS): Deviation(),
        (proxy, LDS): Deviation(sent=False),
        (proxy, RDS): Deviation(error="duplicate domain"),
    }
    config = client_config(mesh.snapshot, mesh.proxy(proxy), istiod(mesh, deviations=deviations).push)
    found = {each["type_url"]: each for each in config["generic_xds_configs"]}
    assert [found[kind]["config_status"] for kind in (CDS, LDS, RDS)] == ["STALE", "NOT_SENT", "ERROR"]
    assert found[RDS]["error_state"]["details"] == "duplicate domain"
    assert "last_updated" not in found[LDS]


def test_the_registry_is_printed_in_gos_form(mesh: Mesh) -> None:
    """`registryz` and `endpointShardz` have the fields that tools read from istiod."""
    services = {service["hostname"]: service for service in answer(mesh, "/debug/registryz")}
    service = services["web.shop.svc.cluster.local"]
    assert service["ports"] == [{"name": "http", "port": 80, "protocol": "HTTP"}]
    assert service["Attributes"]["LabelSelectors"] == {"app": "web"}
    shards = answer(mesh, "/debug/endpointShardz")["web.shop.svc.cluster.local"]["shop"]
    endpoints = shards["Shards"]["Kubernetes/Kubernetes"]
    assert [endpoint["EndpointPort"] for endpoint in endpoints] == [8080, 8080]
    assert answer(mesh, "/debug/endpointz") == answer(mesh, "/debug/endpointShardz")


def test_configuration_is_listed_as_resources(mesh: Mesh) -> None:
    """`configz` has Istio's resources as Kubernetes documents."""
    kinds = [document["kind"] for document in answer(mesh, "/debug/configz")]
    assert kinds == ["VirtualService", "AuthorizationPolicy"]


def test_a_dump_of_istiod_has_only_what_istiod_sent(mesh: Mesh) -> None:
    """Nothing static, no bootstrap; endpoints when asked for; every cluster that Envoy holds dynamically."""
    found = istiod(mesh)
    sections = sent_dump(found, mesh.proxy(web(mesh)), endpoints=False)
    by_type = {each["@type"].rpartition(".")[2]: each for each in sections}
    assert "static_clusters" not in by_type["ClustersConfigDump"]
    assert "bootstrap" not in by_type["BootstrapConfigDump"]
    assert "EndpointsConfigDump" not in by_type
    path = f"/debug/config_dump?proxyID={web(mesh)}"
    assert len(answer(mesh, path)["configs"]) == len(sections)
    assert len(answer(mesh, f"{path}&include_eds=true")["configs"]) == len(sections) + 1
    only = answer(mesh, f"{path}&types=cds")["configs"]
    assert {each["@type"].rpartition(".")[2] for each in only} == {"Cluster"}


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/debug/config_dump", 400, NEEDS_PROXY),
        ("/debug/config_dump?proxyID=nobody", 404, NOT_CONNECTED),
        ("/debug/nope", 404, "404 page not found\n"),
    ],
)
def test_wrong_questions_get_istiods_words(mesh: Mesh, path: str, status: int, words: str) -> None:
    """istioctl switches on these texts."""
    page = debug_page(istiod(mesh), path)
    assert (page.status, page.body.decode()) == (status, words)


def test_every_listed_page_answers(mesh: Mesh) -> None:
    """Every page that `/debug/list` names is served."""
    for path in answer(mesh, "/debug/list"):
        assert path in PATHS
        joint = "&" if "?" in path else "?"
        assert debug_page(istiod(mesh), f"/debug/{path}{joint}proxyID={web(mesh)}").status == 200, path
    assert b"/debug/syncz" in debug_page(istiod(mesh), "/debug").body
    assert version_page(istiod(mesh)).body == b"1.30.3-simulated-Clean"

import json

import pytest

from simulator.mesh import Mesh
from simulator.model.proxies import ProxyId
from simulator.model.requests import Request
from simulator.model.traces import Disposition
from tests.unit.xds.shop import CLIENT, mesh


@pytest.fixture(scope="module")
def shop() -> Mesh:
    """Return a mesh that tests only read."""
    return mesh()


def test_answers_for_each_injected_pod_and_gateway(shop: Mesh) -> None:
    """Proxies are the injected pods and the gateways, sorted by namespace."""
    assert [proxy.namespace for proxy in shop.proxies()] == ["istio-system", "shop"]
    assert shop.proxy(CLIENT).id == CLIENT


def test_has_no_answer_for_strangers(shop: Mesh) -> None:
    """Asking for a proxy that is not there is an error."""
    with pytest.raises(KeyError):
        shop.generated(ProxyId("nobody", "shop"))


def test_generates_once(shop: Mesh) -> None:
    """A configuration is generated when first asked for, and kept."""
    assert shop.generated(CLIENT) is shop.generated(CLIENT)
    assert shop.configuration(CLIENT)["clusters"] is shop.generated(CLIENT).clusters


def test_answers_as_envoy(shop: Mesh) -> None:
    """The admin interface prints the config dump, endpoints only when asked for, and the state of clusters."""
    plain = json.loads(shop.envoy(CLIENT, "/config_dump"))
    full = json.loads(shop.envoy(CLIENT, "config_dump?include_eds=true"))
    assert len(full["configs"]) == len(plain["configs"]) + 1
    statuses = json.loads(shop.envoy(CLIENT, "/clusters?format=json"))["cluster_statuses"]
    assert "xds-grpc" in [status["name"] for status in statuses]


def test_answers_as_istiod(shop: Mesh) -> None:
    """Each replica of istiod answers its debug interface."""
    answers = shop.istiod("/debug/syncz")
    (body,) = answers.values()
    assert len(json.loads(body)) == len(shop.proxies())


def test_knows_where_hosts_lead(shop: Mesh) -> None:
    """The directory has the hosts and workloads of the mesh."""
    assert "web.shop.svc.cluster.local" in shop.directory().services


def test_follows_a_request(shop: Mesh) -> None:
    """A request from a workload meets its proxy first; names outside lead where the caller says."""
    sender = next(one for one in shop.directory().workloads if one.proxy == CLIENT)
    trace = shop.trace(Request(host="web.shop"), sender)
    assert (trace.disposition, trace.hops[0].proxy) == (Disposition.NO_HEALTHY_ENDPOINT, CLIENT)
    outside = shop.trace(Request(host="api.example"), sender, resolve={"api.example": "198.51.100.7"})
    assert "198.51.100.7" in outside.steps[0].chosen


def test_gives_its_resources(shop: Mesh) -> None:
    """Documents of a kind are found in all namespaces or in one."""
    assert len(shop.resources("Service", "shop")) == 2
    assert {one["metadata"]["namespace"] for one in shop.resources("Service")} >= {"shop", "bank"}

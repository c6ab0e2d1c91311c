"""Tests of the names of workloads that send."""

import pytest

from kubectl_mesh.diagnosis.senders import find_sender
from kubectl_mesh.errors import AmbiguousName, NothingFound
from simulator.model.directory import Directory, Workload
from simulator.model.proxies import Role
from simulator.model.resources import ObjectRef

WEB = Workload(name="web-1", namespace="shop", addresses=("10.0.0.1",), owner="web", owner_kind="deployment")
OTHER = Workload(name="web-2", namespace="stock", addresses=("10.0.0.2",), owner="web", owner_kind="deployment")
EDGE = Workload(
    name="edge-1",
    namespace="istio-system",
    addresses=("10.0.0.3",),
    role=Role.GATEWAY,
    owner="edge",
    owner_kind="deployment",
    gateways=(ObjectRef(kind="Gateway", namespace="shop", name="public"),),
)
MESH = Directory(workloads=(WEB, OTHER, EDGE))


@pytest.mark.parametrize(
    ("text", "namespace", "found"),
    [
        ("deploy/web", "shop", WEB),
        ("stock/web", "", OTHER),
        ("web-1", "", WEB),
        ("outside", "", None),
        ("gateway/edge", "", EDGE),
        ("gateway/public", "", EDGE),
        ("gateway/public", "shop", EDGE),
        ("shop/gateway/public", "", EDGE),
    ],
)
def test_a_sender_is_found_by_each_of_its_names(text: str, namespace: str, found: Workload | None) -> None:
    """A workload, a pod, a gateway's workload and a Gateway that selects it all name the pod that sends."""
    assert find_sender(MESH, text, namespace=namespace) is found


def test_a_name_in_two_namespaces_is_ambiguous() -> None:
    """Nobody is picked at random."""
    with pytest.raises(AmbiguousName):
        find_sender(MESH, "web")


@pytest.mark.parametrize("text", ["gateway/private", "deploy/public", "stock/gateway/public"])
def test_a_name_that_nobody_has_finds_nothing(text: str) -> None:
    """A Gateway is one only by kind, and only in its namespace."""
    with pytest.raises(NothingFound):
        find_sender(MESH, text)

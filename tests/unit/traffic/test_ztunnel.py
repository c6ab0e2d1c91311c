"""What ztunnels do with connections: written dumps, two pods on two nodes, a waypoint, and what is outside."""

from typing import Any

import pytest

from simulator.model.directory import Directory, ServiceRecord, Workload
from simulator.model.proxies import ProxyId
from simulator.model.requests import Request, Tls
from simulator.model.resources import ObjectRef
from simulator.model.traces import Disposition, StepKind, Trace
from simulator.traffic.follow import follow
from simulator.traffic.ztunnel_policies import Peers, judge
from simulator.traffic.ztunnel_state import Ztunnel

Json = dict[str, Any]
WEB = "spiffe://cluster.local/ns/shop/sa/web"


def workload(name: str, address: str, *, node: str = "a", protocol: str = "HBONE", **more: Any) -> Json:
    """Return a workload as ztunnel prints it."""
    return {
        "uid": f"k//Pod/shop/{name}", "name": name, "namespace": "shop", "serviceAccount": name.split("-")[0],
        "workloadIps": [address], "node": node, "protocol": protocol, "capacity": 1, **more,
    }  # fmt: skip


def service(name: str, vip: str, *pods: str, **more: Any) -> Json:
    """Return a service with port 80 that leads to port 8080."""
    endpoints = {f"k//Pod/shop/{pod}": {"workloadUid": f"k//Pod/shop/{pod}", "port": {"80": 8080}} for pod in pods}
    return {
        "name": name, "namespace": "shop", "hostname": f"{name}.shop.svc.cluster.local", "vips": [f"/{vip}"],
        "ports": {"80": 8080}, "endpoints": endpoints, **more,
    }  # fmt: skip


def dump(*policies: Json, bound: tuple[str, ...] = (), waypoint: str = "") -> Json:
    """Return a config dump; `bound` are the policies of the pod `api-1`, `waypoint` is what its service names."""
    reached = {"waypoint": {"destination": waypoint, "hboneMtlsPort": 15008}} if waypoint else {}
    return {
        "workloads": [
            workload("web-1", "10.1.0.1"),
            workload("api-1", "10.1.0.2", node="b", authorizationPolicies=list(bound)),
            workload("old-1", "10.1.0.3", protocol="TCP"),
            workload("zt-a", "10.0.0.1", workloadName="ztunnel"),
            workload("zt-b", "10.0.0.2", node="b", workloadName="ztunnel"),
        ],
        "services": [
            service("api", "10.96.0.1", "api-1", **reached),
            service("old", "10.96.0.2", "old-1"),
            service("none", "10.96.0.3"),
        ],
        "policies": list(policies),
    }


def policy(name: str, *matches: Json, action: str = "Allow", scope: str = "WorkloadSelector", **more: Any) -> Json:
    """Return a policy with one rule of one clause."""
    rules = [[list(matches)]] if matches else []
    return {"name": name, "namespace": "shop", "scope": scope, "action": action, "rules": rules, **more}


def ask(known: Json | None, host: str, *, sender: str = "web-1") -> Trace:
    """Follow a request of a pod through a mesh with this state; None for one without ztunnels."""
    workloads = [
        Workload(name="web-1", namespace="shop", addresses=("10.1.0.1",), identity=WEB, ambient=True),
        Workload(name="api-1", namespace="shop", addresses=("10.1.0.2",), ambient=True, ports={8080: ""}),
        Workload(name="old-1", namespace="shop", addresses=("10.1.0.3",)),
    ]
    records = {
        f"{name}.shop.svc.cluster.local": ServiceRecord(
            host=f"{name}.shop.svc.cluster.local", namespace="shop", addresses=(address,),
            source=ObjectRef(kind="Service", namespace="shop", name=name),
        )
        for name, address in (("api", "10.96.0.1"), ("old", "10.96.0.2"), ("none", "10.96.0.3"))
    }  # fmt: skip
    directory = Directory(services=records, workloads=tuple(workloads))
    source = next(each for each in workloads if each.name == sender)
    state = Ztunnel.read(known) if known is not None else None
    envoys: dict[ProxyId, Json] = {}
    return follow(directory, envoys.__getitem__, Request(host=host), source, ztunnels=lambda: state)


def test_a_connection_between_captured_pods_is_tunnelled() -> None:
    """The ztunnels of both nodes are on the way, the pods talk mutual TLS, and the client is known."""
    found = ask(dump(), "api")
    client, server = found.hops
    assert (str(client.proxy), str(server.proxy)) == ("zt-a.shop", "zt-b.shop")
    assert client.forwarded is not None
    assert (client.forwarded.tunnel, client.forwarded.tls) == ("hbone", Tls.MUTUAL)
    assert (client.forwarded.address, client.forwarded.port) == ("10.1.0.2", 8080)
    assert (found.disposition, found.destination) == (Disposition.DELIVERED, "api-1.shop")


def test_a_pod_outside_the_mesh_is_reached_in_plain_text() -> None:
    """A pod that is not captured gets no tunnel."""
    found = ask(dump(), "old")
    (hop,) = found.hops
    assert hop.forwarded is not None
    assert (hop.forwarded.tunnel, hop.forwarded.tls, found.destination) == ("", Tls.NONE, "old-1.shop")


@pytest.mark.parametrize(
    ("bound", "match", "delivered"),
    [
        (True, {"namespaces": [{"Exact": "shop"}]}, True),
        (True, {"namespaces": [{"Exact": "other"}]}, False),
        (False, {"namespaces": [{"Exact": "other"}]}, True),
        (True, {"serviceAccounts": [{"namespace": "shop", "serviceAccount": "web"}]}, True),
    ],
)
def test_the_server_judges_the_client(bound: bool, match: Json, delivered: bool) -> None:
    """A policy of the pod decides by the identity in the tunnel; one of other pods does not count."""
    found = ask(dump(policy("some", match), bound=("shop/some",) if bound else ()), "api")
    assert found.disposition.is_delivered is delivered
    assert found.disposition in (Disposition.DELIVERED, Disposition.DENIED)


def test_a_client_without_identity_is_refused_where_one_is_asked_for() -> None:
    """What istiod makes of a strict PeerAuthentication denies connections outside tunnels, and only these."""
    strict = policy("strict", {"notPrincipals": [{"Presence": {}}]}, action="Deny")
    known = dump(strict, bound=("shop/strict",))
    refused = ask(known, "10.1.0.2", sender="old-1")
    assert (refused.disposition, refused.verdict.details) == (
        Disposition.DENIED,
        "explicitly denied by: shop/strict",
    )
    assert ask(known, "api").disposition is Disposition.DELIVERED


def test_a_waypoint_that_nobody_serves_ends_the_connection() -> None:
    """Clients do not go round a waypoint that is down."""
    found = ask(dump(waypoint="shop/gone.shop.svc.cluster.local"), "api")
    assert found.disposition is Disposition.NO_HEALTHY_ENDPOINT
    assert "gone" in found.hops[0].steps[-1].because


def test_a_service_without_workloads_ends_the_connection() -> None:
    """There is nowhere to go."""
    assert ask(dump(), "none").disposition is Disposition.NO_HEALTHY_ENDPOINT


def test_a_waypoint_is_told_the_service_and_the_client() -> None:
    """The tunnel ends at the waypoint's pod, and is meant for the service's address."""
    known = dump(waypoint="shop/api-way.shop.svc.cluster.local")
    known["services"].append(service("api-way", "10.96.0.9", "old-1", ports={"15008": 15008}))
    known["services"][-1]["endpoints"]["k//Pod/shop/old-1"]["port"] = {"15008": 15008}
    (hop, *_) = ask(known, "api").hops
    step = hop.step(StepKind.WAYPOINT)
    assert step is not None
    assert step.chosen == "old-1.shop"
    assert hop.forwarded is not None
    assert (hop.forwarded.address, hop.forwarded.via) == ("10.96.0.1", "10.1.0.3:15008")


def test_what_ztunnel_does_not_know_passes_through() -> None:
    """An address outside goes on as it was dialled."""
    found = ask(dump(), "203.0.113.7")
    assert (found.disposition, found.destination) == (Disposition.PASSED_THROUGH, "203.0.113.7:80")


def test_without_a_ztunnel_the_answer_says_so() -> None:
    """Pods that are marked as captured, in a mesh that shows no ztunnel, are a matter for a note."""
    found = ask(None, "10.1.0.2")
    assert found.disposition is Disposition.DELIVERED
    assert any("has none" in note for note in found.notes)


PEERS = Peers(source_ip="10.1.0.1", destination_ip="10.1.0.2", destination_port=8080, identity=WEB)


@pytest.mark.parametrize(
    ("match", "holds"),
    [
        ({"principals": [{"Exact": "cluster.local/ns/shop/sa/web"}]}, True),
        ({"principals": [{"Suffix": "/sa/web"}]}, True),
        ({"principals": [{"Prefix": "other.domain"}]}, False),
        ({"principals": [{"Presence": {}}]}, True),
        ({"sourceIps": ["10.1.0.0/16"], "destinationPorts": [8080, 9090]}, True),
        ({"sourceIps": ["10.1.0.0/16"], "notDestinationPorts": [8080]}, False),
        ({"notNamespaces": [{"Exact": "shop"}]}, False),
        ({"notDestinationIps": ["192.0.2.0/24"]}, True),
        ({}, False),
    ],
)
def test_every_field_of_a_match_must_hold(match: Json, holds: bool) -> None:
    """Fields are joined by and, values of a field by or; `not` turns a field round; an empty match is none."""
    assert judge([policy("one", match)], PEERS).allowed is holds


def test_deny_comes_first_and_a_dry_run_decides_nothing() -> None:
    """A denied connection stays so whatever allows it; policies on trial are left out before."""
    everyone = {"notSourceIps": ["192.0.2.1/32"]}
    assert not judge([policy("yes", everyone), policy("no", everyone, action="Deny")], PEERS).allowed
    known = Ztunnel.read(dump(policy("trial", everyone, action="Deny", scope="Global", dryRun=True)))
    assert list(known.policies({"namespace": "shop"})) == []


@pytest.mark.parametrize("document", [None, [], {}, {"workloads": "none"}])
def test_other_documents_are_refused(document: Any) -> None:
    """A dump of an Envoy is not read as one of a ztunnel."""
    with pytest.raises(ValueError, match="ztunnel"):
        Ztunnel.read(document)

"""Faults are data: read strictly, and applied to what a proxy holds without touching anything else."""

import copy
from types import SimpleNamespace
from typing import Any, cast

import pytest

from simulator.apiserver.fault_board import FaultBoard
from simulator.apiserver.world import World
from simulator.faults.control_plane import deviations, disconnected
from simulator.faults.decoding import FaultError, decode_fault, decode_faults
from simulator.faults.dumps import held, merged
from simulator.faults.model import RULES, Fault, FaultKind
from simulator.faults.pods import with_faulty_pods
from simulator.istiod.sync import CDS, LDS
from simulator.manifests.reading import parse_manifests
from simulator.model.proxies import ProxyId

ADMIN = "type.googleapis.com/envoy.admin.v3."
FILLED: dict[str, Any] = {
    "types": ["CDS"], "message": "no", "resource": "a", "version": "1.29.1", "seconds": 1, "resources": ["pods"],
}  # fmt: skip


def dump(*clusters: str) -> dict[str, Any]:
    """Return a dump with clusters and a listener."""
    held_clusters = [{"cluster": {"name": name}} for name in clusters]
    held_listeners = [{"name": "in", "active_state": {"listener": {"name": "in"}}}]
    return {
        "configs": [
            {"@type": ADMIN + "ClustersConfigDump", "dynamic_active_clusters": held_clusters},
            {"@type": ADMIN + "ListenersConfigDump", "dynamic_listeners": held_listeners},
        ]
    }


@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_fault_survives_its_document(kind: FaultKind) -> None:
    """A listed fault can be used as input again."""
    document = {"fault": kind.value} | {name: FILLED[name] for name in RULES[kind].required}
    fault = decode_fault(document)
    assert decode_fault(fault.document()) == fault


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"fault": "stal"}, 'no fault is called "stal"'),
        ({"fault": "stale", "tpyes": []}, "stale has no tpyes"),
        ({"fault": "drifted", "types": ["CDS", "LDS"], "resource": "a"}, "one type has the resource"),
        ({"fault": "istiod-slow", "seconds": "1"}, "not a number of seconds"),
        ({"fault": "api-slow", "seconds": 1, "target": "*"}, "api-slow has no target"),
        ({"fault": "stale", "target": ["deploy/web"]}, r"target: deploy/web is no pattern over NAME.NAMESPACE"),
        ("stale", "not an object"),
    ],
)
def test_wrong_faults_are_named(document: Any, words: str) -> None:
    """A fault that cannot be played says where and why."""
    with pytest.raises(FaultError, match=words):
        decode_faults([document])


def test_types_are_read_in_any_case_and_may_be_none() -> None:
    """Files may spell types as the command line may; an empty list means all."""
    assert decode_fault({"fault": "stale", "types": ["cds", "LDS"]}).types == ("CDS", "LDS")
    assert decode_fault({"fault": "stale", "types": []}).types == ()


def test_targets_that_hit_nothing_are_told() -> None:
    """A pattern that no pod has the name of is found; that of every pod always hits."""
    state = parse_manifests("{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}}")
    board = FaultBoard([Fault(kind=FaultKind.STALE, target=("web.*", "nosuch*")), Fault(kind=FaultKind.STALE)])
    found = board.aimless(cast(World, SimpleNamespace(state=state)))
    assert [(each.number, pattern) for each, pattern in found] == [(1, "nosuch*")]


def test_a_stale_type_is_that_of_before() -> None:
    """Only the types that are stale are kept."""
    found = held(dump("new"), dump("old"), Fault(kind=FaultKind.STALE, types=("CDS",)))
    assert found["configs"][0] == dump("old")["configs"][0]
    assert held(dump("new"), None, Fault(kind=FaultKind.STALE)) == dump("new")


def test_what_was_not_sent_is_missing() -> None:
    """A type that was never sent has no dynamic resources."""
    found = held(dump("a"), None, Fault(kind=FaultKind.NOT_SENT, types=("CDS",)))
    assert found["configs"][0] == {"@type": ADMIN + "ClustersConfigDump"}


def test_a_rejected_listener_keeps_the_error() -> None:
    """Envoy shows the reason with the listener whose update it rejected."""
    text = "Error adding/updating listener(s) in: bad filter"
    found = held(dump("a"), dump("a"), Fault(kind=FaultKind.REJECTED, message=text))
    assert found["configs"][1]["dynamic_listeners"][0]["error_state"] == {"details": text}


def test_drift_changes_one_resource_and_nothing_shared() -> None:
    """A drifted dump is another document; the one istiod sent stays."""
    sent = dump("a", "b")
    before = copy.deepcopy(sent)
    fault = Fault(kind=FaultKind.DRIFTED, types=("CDS",), resource="a", merge={"connect_timeout": "1s"})
    clusters = held(sent, None, fault)["configs"][0]["dynamic_active_clusters"]
    assert [each["cluster"] for each in clusters] == [{"name": "a", "connect_timeout": "1s"}, {"name": "b"}]
    lacking = held(sent, None, Fault(kind=FaultKind.DRIFTED, types=("CDS",), resource="a"))
    assert [each["cluster"]["name"] for each in lacking["configs"][0]["dynamic_active_clusters"]] == ["b"]
    assert sent == before


def test_a_merge_removes_what_is_null() -> None:
    """JSON merge patches replace, add and remove (RFC 7396)."""
    assert merged({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None}, "d": [2]}) == {"a": {"c": 2}, "d": [2]}


def test_istiod_knows_who_deviates() -> None:
    """A pattern hits proxies by name and namespace."""
    web, api = ProxyId("web-1", "shop"), ProxyId("api-1", "shop")
    stale = Fault(kind=FaultKind.STALE, target=("web-*.shop",), types=("CDS",))
    refused = Fault(kind=FaultKind.REJECTED, target=("api-*",), message="no")
    found = deviations([stale, refused], [web, api])
    assert set(found) == {(web, CDS), (api, LDS)}
    assert found[api, LDS].error == "no"
    assert disconnected([Fault(kind=FaultKind.DISCONNECTED, target=("web-*.shop",))], [web, api]) == {web}


SLICE = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: istio-proxy, image: "registry/proxyv2:1.30.3-distroless"}]}
status: {phase: Running, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web, namespace: shop}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1], targetRef: {kind: Pod, name: web, namespace: shop}}]
"""


def test_faulty_pods_show_in_their_objects() -> None:
    """A pod that is not ready is so in its conditions and its slices; an old proxy in its image."""
    given = parse_manifests(SLICE)
    faults = [Fault(kind=FaultKind.UNREADY), Fault(kind=FaultKind.OLD_VERSION, version="1.29.2")]
    found = {one.kind: one for one in with_faulty_pods(given, given, faults)}
    pod = found["Pod"].document
    assert pod["status"]["conditions"][0]["status"] == "False"
    assert pod["spec"]["containers"][0]["image"] == "registry/proxyv2:1.29.2-distroless"
    assert found["EndpointSlice"].document["endpoints"][0]["conditions"]["ready"] is False
    assert given[0].status["conditions"][0]["status"] == "True"

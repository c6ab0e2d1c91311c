"""Whole comparisons over small meshes made of manifests."""

from pathlib import Path

import pytest

from kubectl_mesh.diagnosis.request_line import RequestFlags, read_request
from kubectl_mesh.plan.changes import Listed, compare
from kubectl_mesh.reports.changes import Changes
from kubectl_mesh.sources.simulated import open_change, open_demo

ROOT = Path(__file__).parents[3]
BASE = ROOT / "examples" / "shop" / "base"
RULES = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: catalog, namespace: shop}
spec:
  host: catalog.shop.svc.cluster.local
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v3}}
"""
DOORS = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: shop, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: [shop/shop.example.com]
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [shop/shop.example.com]
    tls: {mode: MODE, credentialName: shop}
"""
STRANGER = "apiVersion: v1\nkind: Namespace\nmetadata: {name: elsewhere}\n"


def changes(tmp_path: Path, text: str, *listed: Listed) -> Changes:
    """Compare the example mesh with itself after `text` has been applied to it."""
    change = tmp_path / "change.yaml"
    change.write_text(text)
    before, after = open_change([str(BASE)], demo=False, apply=[str(change)], delete=[])
    return compare(before, after, listed=listed)


def test_a_mesh_does_not_differ_from_itself() -> None:
    """The difference of the example with itself is empty."""
    assert compare(open_demo(), open_demo()).empty


def test_an_unrelated_namespace_changes_nothing(tmp_path: Path) -> None:
    """Adding a namespace leaves every proxy and every address as it was."""
    assert changes(tmp_path, STRANGER).empty


def test_the_change_of_the_example_takes_requests_from_a_rule() -> None:
    """The request that the new rule takes away from testers is found, though neither rule's own example shows it."""
    before, after = open_change([str(BASE)], demo=False, apply=[str(ROOT / "examples" / "shop" / "change")], delete=[])
    found = [change for change in compare(before, after).requests if "x-shop-tester" in change.request]
    assert found
    assert found[0].before.destination == "catalog.shop.svc.cluster.local:80 subset v2"
    assert dict(found[0].after.shares) == {
        "catalog.shop.svc.cluster.local:80 subset v1": 90,
        "catalog.shop.svc.cluster.local:80 subset v2": 10,
    }


def test_a_branch_that_fails_is_told_by_its_share(tmp_path: Path) -> None:
    """A canary without endpoints is shown as failing for its part of the requests."""
    found = [change for change in changes(tmp_path, RULES).requests if change.after.shares]
    labels = [label for change in found for label, _ in change.after.shares]
    assert "catalog.shop.svc.cluster.local:80 subset v2 (503 no-healthy-endpoint)" in labels


def test_a_branch_without_cluster_leaves_the_others(tmp_path: Path) -> None:
    """Where the subset of most requests is gone, the rest is still told to arrive."""
    gone = RULES.replace("  - {name: v1, labels: {version: v1}}\n", "").replace("v3", "v2")
    ends = [dict(change.after.shares) for change in changes(tmp_path, gone).requests if change.after.shares]
    assert {
        "catalog.shop.svc.cluster.local:80 subset v1 (503 no-cluster)": 90,
        "catalog.shop.svc.cluster.local:80 subset v2": 10,
    } in ends


def test_a_denial_that_no_policy_makes_is_told() -> None:
    """Where policies allow some and none allows this request, that is the reason; not the route it came by."""
    before, after = open_change([str(BASE)], demo=False, apply=[], delete=["AuthorizationPolicy/checkout"])
    found = compare(before, after).requests[0]
    assert (found.before.disposition, found.before.because) == ("denied", "no ALLOW policy matches")


def test_a_port_that_no_container_declares_is_told(tmp_path: Path) -> None:
    """A Service that leads elsewhere within the same pods is a change to every client, whatever proxies think of it."""
    service = (BASE / "web.yaml").read_text().split("---")[1].replace("targetPort: http", "targetPort: 9090")
    found = changes(tmp_path, service).requests
    assert {change.after.effects["port_of_the_pod"] for change in found} == {"9090, which no container declares"}


def test_who_answers_is_named_for_clients_without_a_proxy(tmp_path: Path) -> None:
    """No proxy names a service for them: the workload that answers is named, or what carries the request as bytes."""
    service = (BASE / "cart.yaml").read_text().split("---")[1].replace("name: http", "name: tcp")
    found = changes(tmp_path, service).requests
    ends = {(source, change.after.destination, change.after.because) for change in found for source in change.sources}
    assert ("warehouse/stock", "shop/cart", "") in ends
    carried = "TCP proxy: the filter chain forwards bytes as they are"
    assert ("shop/web", "cart.shop.svc.cluster.local:80", carried) in ends


def test_ports_without_http_are_asked_without_it() -> None:
    """Clients of a database send it no GET; and istiod is no client of it."""
    before, after = open_change([str(BASE)], demo=False, apply=[], delete=["AuthorizationPolicy/ledger"])
    found = compare(before, after).requests
    assert [change.request for change in found] == ["tcp://ledger.payments.svc.cluster.local:5432"]
    assert (found[0].before.disposition, found[0].after.disposition) == ("denied", "delivered")
    assert not any(source.endswith("/istiod") for source in found[0].sources)


BARE = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, image: web}]}
"""
STRICT = """\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
"""


def test_clients_that_nobody_knows_are_noted(tmp_path: Path) -> None:
    """Servers that refuse plain text fail clients without a proxy: where there are none to ask, that is said."""
    base, change = tmp_path / "base.yaml", tmp_path / "change.yaml"
    base.write_text(BARE)
    change.write_text(STRICT)
    before, after = open_change([str(base)], demo=False, apply=[str(change)], delete=[])
    found = compare(before, after)
    assert found.requests == ()
    assert "what clients outside it would meet was not asked" in " ".join(found.notes)
    before, after = open_change([str(BASE)], demo=False, apply=[str(change)], delete=[])
    assert compare(before, after).notes == ()


@pytest.mark.parametrize(("mode", "tls"), [("SIMPLE", "simple"), ("MUTUAL", "mutual")])
def test_requests_through_gateways_are_those_that_clients_send(mode: str, tls: str, tmp_path: Path) -> None:
    """Gateways are asked by the ports of their services, over TLS where they end it: what is printed can be asked."""
    doors, change = tmp_path / "doors.yaml", tmp_path / "change.yaml"
    doors.write_text(DOORS.replace("MODE", mode))
    change.write_text((BASE / "gateway.yaml").read_text().partition("---")[2].replace("/store/", "/shelf/"))
    before, after = (
        open_change([str(BASE)], demo=False, apply=list(map(str, applied)), delete=[])[1]
        for applied in ([doors], [doors, change])
    )
    found = [each for each in compare(before, after).requests if "/store/" in each.request]
    urls = [each.request.split()[1] for each in found]
    assert sorted(urls) == ["http://shop.example.com/store/", "https://shop.example.com/store/"]
    assert [each.request.endswith(" --tls mutual") for each in found].count(True) == (mode == "MUTUAL")
    for each, url in zip(found, urls, strict=True):
        request = read_request(url, RequestFlags(tls=tls if url.startswith("https") else ""))
        asked = compare(before, after, listed=[Listed(sender=each.sources[0], request=request)]).requests[0]
        assert (asked.listed, asked.before, asked.after) == (True, each.before, each.after)


@pytest.mark.parametrize("url", ["http://catalog/items"])
def test_listed_requests_are_reported_whatever_happens(tmp_path: Path, url: str) -> None:
    """A request that the user names is in the report even though nothing about it changes."""
    listed = Listed(sender="shop/deploy/web", request=read_request(url, RequestFlags()))
    found = changes(tmp_path, STRANGER, listed)
    assert [change.listed for change in found.requests] == [True]
    assert found.empty

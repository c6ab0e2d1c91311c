"""The path of a request through a small mesh."""

from dataclasses import replace

import pytest

from simulator.model.directory import Capture
from simulator.model.own_ports import OWN_PORTS
from simulator.model.requests import Request, Tls, Wire
from simulator.model.traces import Disposition, StepKind
from simulator.traffic.follow import follow
from tests.unit.traffic.small_mesh import (
    CLIENT,
    CLIENT_ID,
    DOWNSTREAM,
    GATEWAY,
    SERVER,
    client_config,
    directory,
    forwarder,
    listener,
    server_config,
    service,
    trace,
)


def test_a_request_passes_both_proxies_to_the_application() -> None:
    """From sidecar to sidecar over mutual TLS, with the client's identity, to the application's port."""
    found = trace(Request(host="web", target="/a"), "client-1")
    assert (found.disposition, found.destination) == (Disposition.DELIVERED, "web-1.shop")
    assert [hop.proxy for hop in found.hops] == [CLIENT, SERVER]
    client, server = found.hops
    assert client.forwarded is not None
    assert client.forwarded.tls is Tls.MUTUAL
    assert server.forwarded is not None
    assert server.forwarded.request.host_header == "web"
    rbac = server.step(StepKind.RBAC)
    assert rbac is not None
    assert rbac.chosen == "allowed by only-client"
    last = found.last_step
    assert last is not None
    assert last.details["port_name"] == "http"


def test_a_client_without_proxy_meets_the_servers_proxy_in_plain_text() -> None:
    """Strict mutual TLS closes plain connections; permissive lets them in, and then they have no identity."""
    strict = trace(Request(host="web"), "plain-1")
    assert strict.disposition is Disposition.TLS_MISMATCH
    assert strict.verdict.status is None
    permissive = trace(Request(host="web"), "plain-1", strict=False)
    assert (permissive.disposition, permissive.verdict.status) == (Disposition.DENIED, 403)


def test_a_proxy_before_a_closed_connection_answers_503() -> None:
    """When the server's proxy closes the connection the client's proxy answers for it, with a flag of its own."""
    found = trace(Request(host="web"), "client-1", mutual=False)
    assert (found.disposition, found.verdict.status, found.verdict.flags) == (Disposition.TLS_MISMATCH, 503, "UC")
    assert found.hops[-1].verdict.flags == "NR"
    handshake = trace(Request(host="plain"), "client-1")
    assert (handshake.disposition, handshake.verdict.flags) == (Disposition.TLS_MISMATCH, "UF")
    assert handshake.verdict.details == "upstream_reset_before_response_started{remote_connection_failure}"


@pytest.mark.parametrize(
    ("request_", "noted"),
    [
        (Request(host="plain"), "is declared as HTTPS"),
        (Request(host="plain", scheme="https", tls=Tls.SIMPLE), ""),
        (Request(host="plain", wire=Wire.OPAQUE), ""),
        (Request(host="www.example.org", port=443), "port 443 is that of HTTPS"),
        (Request(host="www.example.org"), ""),
    ],
)
def test_plain_http_to_a_server_that_expects_tls_is_noted(request_: Request, noted: str) -> None:
    """What a service declares, and port 443 outside, tell that the server will not understand plain HTTP."""
    found = trace(request_, "plain-1", tls_ports={("10.1.0.3", 8080): "port 80 of plain is declared as HTTPS"})
    assert found.disposition.is_delivered
    assert " ".join(found.notes).endswith(noted)
    assert bool(found.notes) is bool(noted)


def test_mutual_tls_to_a_pod_without_proxy_fails() -> None:
    """A pod without a proxy cannot end the mesh's mutual TLS."""
    assert trace(Request(host="plain"), "client-1").disposition is Disposition.TLS_MISMATCH
    assert trace(Request(host="plain"), "client-1", mutual=False).disposition is Disposition.DELIVERED


@pytest.mark.parametrize(
    ("host", "port", "disposition"),
    [
        ("nobody", 80, Disposition.NAME_NOT_FOUND),
        ("empty", 80, Disposition.NO_HEALTHY_ENDPOINT),
        ("gone", 80, Disposition.NO_CLUSTER),
        ("www.example.org", 80, Disposition.PASSED_THROUGH),
        ("www.example.org", 66, Disposition.BLACK_HOLE),
        ("10.1.0.9", 81, Disposition.PASSED_THROUGH),
        ("alias", 81, Disposition.UNREACHABLE),
    ],
)
def test_every_end_has_its_disposition(host: str, port: int, disposition: Disposition) -> None:
    """Unknown names, empty and missing clusters, passthrough and black holes are ends, not errors."""
    assert trace(Request(host=host, port=port), "client-1").disposition is disposition


def test_excluded_connections_go_around_the_proxies() -> None:
    """Ports that are not redirected reach the network, or the application, directly."""
    out = trace(Request(host="plain"), "client-1", client=Capture(exclude_outbound_ports=frozenset({80})))
    assert (out.disposition, out.hops) == (Disposition.DELIVERED, ())
    into = trace(Request(host="web"), "client-1", mutual=False, server=Capture(exclude_inbound_ports=frozenset({8080})))
    assert into.disposition is Disposition.DELIVERED
    assert [hop.proxy for hop in into.hops] == [CLIENT]


def test_a_workload_talks_to_itself_without_proxies() -> None:
    """Connections to localhost and to the pod's own address stay in the pod."""
    for host in ("localhost", "10.1.0.1"):
        found = trace(Request(host=host, port=9000), "client-1")
        assert (found.destination, found.hops) == ("client-1.shop", ())


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("203.0.113.9", "clients outside reach edge.istio-system.svc.cluster.local at 192.0.2.10"),
        ("10.0.0.1", "no service has node port 80; what else listens on node-1 is not known"),
        ("localhost", "a client outside has a localhost of its own"),
    ],
)
def test_addresses_that_lead_into_no_mesh_are_named(host: str, reason: str) -> None:
    """A client outside that dials an address of nothing known learns what the address is, or which ones lead in."""
    found = trace(Request(host=host), None)
    assert (found.disposition, found.hops) == (Disposition.UNREACHABLE, ())
    assert found.arrival[-1].because.endswith(reason)


@pytest.mark.parametrize(("host", "owner"), [("10.96.0.3", "service plain.shop"), ("10.1.0.3", "pod plain-1.shop")])
def test_addresses_inside_are_taken_to_be_reachable(host: str, owner: str) -> None:
    """Some networks route addresses of services and pods to clients outside: the answer says that it assumes so."""
    found = trace(Request(host=host, port=80 if "96" in host else 8080), None)
    assert (found.disposition, found.verdict.status) == (Disposition.DELIVERED, 200)
    assert f"{host} is an address inside the cluster, of {owner}" in found.notes[0]


@pytest.mark.parametrize(
    ("host", "port", "source", "end"),
    [
        ("localhost", 15000, "client-1", Disposition.DIRECT_RESPONSE),
        ("localhost", 15001, "client-1", Disposition.BLACK_HOLE),
        ("localhost", 15020, "client-1", Disposition.DIRECT_RESPONSE),
        ("10.1.0.2", 15021, "plain-1", Disposition.DIRECT_RESPONSE),
        ("10.1.0.1", 15000, "client-1", Disposition.UNREACHABLE),
        ("10.1.0.4", 15090, "plain-1", Disposition.DIRECT_RESPONSE),
        ("localhost", 15000, "plain-1", Disposition.DELIVERED),
    ],
)
def test_ports_of_the_proxy_are_not_the_applications(host: str, port: int, source: str, end: Disposition) -> None:
    """Where a pod has a proxy, its own ports are answered by it, each with its role; elsewhere they are like others."""
    found = trace(Request(host=host, port=port), source)
    assert found.disposition is end
    assert (OWN_PORTS[port] in found.arrival[-1].because) == (end is not Disposition.DELIVERED)


def test_ports_of_the_proxy_speak_plain_text() -> None:
    """TLS to the agent ends as TLS without an answer."""
    assert (
        trace(Request(host="localhost", port=15020, tls=Tls.SIMPLE), "client-1").disposition is Disposition.TLS_MISMATCH
    )


def test_an_alias_of_a_public_name_is_dialled_by_that() -> None:
    """An ExternalName service leads to the name that it stands for; the Host header stays as it was."""
    outer = service("outer", "", external_name="www.example.net")
    known = directory()
    services = {**known.services, outer.host: outer}
    found = follow(
        replace(known, services=services),
        {CLIENT: client_config()}.__getitem__,
        Request(host="outer"),
        known.workloads[0],
    )
    forwarded = found.hops[0].forwarded
    assert found.destination == "www.example.net:80"
    assert forwarded is not None
    assert forwarded.request.host_header == "outer"


def test_tls_of_the_client_stays_inside_that_of_proxies() -> None:
    """What the client encrypted is still encrypted when the proxies have taken off their own TLS."""
    config = client_config()
    config["listeners"][0] = listener("0.0.0.0_443", "0.0.0.0", 443, {"filters": [forwarder("web")]})
    tls = {"typed_config": {"@type": DOWNSTREAM, "require_client_certificate": True}}
    chain = {
        "filter_chain_match": {"transport_protocol": "tls"},
        "transport_socket": tls,
        "filters": [forwarder("app")],
    }
    server = server_config()
    server["listeners"][0]["filter_chains"] = [chain]
    known = directory()
    record = known.services["web.shop.svc.cluster.local"]
    services = {**known.services, record.host: replace(record, backends={443: record.backends[80]})}
    request = Request(host="web", port=443, scheme="https", tls=Tls.SIMPLE, sni="web")
    configs = {CLIENT: config, SERVER: server}
    found = follow(replace(known, services=services), configs.__getitem__, request, known.workloads[0])
    outer, inner = (hop.forwarded for hop in found.hops)
    assert outer is not None
    assert inner is not None
    assert (found.disposition, outer.tls, inner.tls) == (Disposition.DELIVERED, Tls.MUTUAL, Tls.NONE)
    assert outer.request.inner is not None
    assert (inner.request.tls, inner.request.sni, inner.request.inner) == (Tls.SIMPLE, "web", None)


def test_an_upgrade_ends_with_switching_protocols() -> None:
    """A server that takes a WebSocket answers 101."""
    headers = (("Connection", "Upgrade"), ("Upgrade", "websocket"))
    assert trace(Request(host="localhost", port=9000, headers=headers), "client-1").verdict.status == 101
    assert trace(Request(host="localhost", port=9000), "client-1").verdict.status == 200


@pytest.mark.parametrize(
    ("host", "port"), [("shop.example.com", 80), ("192.0.2.10", 80), ("10.0.0.1", 30080), ("shop.example.com", 30080)]
)
def test_requests_from_outside_enter_through_the_gateway(host: str, port: int) -> None:
    """A public name, a load balancer's address and a node port all lead to the gateway, and on to the server."""
    found = trace(Request(host=host, port=port, authority="shop.example.com"), None)
    assert [hop.proxy for hop in found.hops] == [GATEWAY, SERVER]
    assert found.disposition is Disposition.DENIED  # the server allows its client only


def test_a_request_may_start_at_a_gateway() -> None:
    """With a gateway as source the request enters there, at the port its service leads to."""
    found = trace(Request(host="unknown.example.com"), "edge-1")
    assert (found.disposition, found.verdict.status) == (Disposition.NO_ROUTE, 404)
    assert found.hops[0].steps[0].chosen == "0.0.0.0_8080"


def test_nothing_is_reachable_from_outside_on_other_ports() -> None:
    """A port that no gateway serves leads nowhere; those that do are named."""
    found = trace(Request(host="shop.example.com", port=99), None)
    assert found.disposition is Disposition.UNREACHABLE
    assert found.notes[0].endswith(": edge.istio-system.svc.cluster.local on 80")


def test_loops_are_cut() -> None:
    """A gateway that sends to itself ends in a disposition of its own."""
    found = trace(Request(host="loop.example.com"), None)
    assert found.disposition is Disposition.LOOP
    assert len(found.hops) <= 3


def test_the_identity_is_the_certificates() -> None:
    """A gateway's requests carry the gateway's identity, not that of its client."""
    found = trace(Request(host="shop.example.com", tls=Tls.NONE, identity=CLIENT_ID), None)
    rbac = found.hops[-1].step(StepKind.RBAC)
    assert rbac is not None
    assert rbac.rejected[0].because == f"source: needs identity is {CLIENT_ID}"

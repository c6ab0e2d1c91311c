from typing import Any

from simulator.mesh import Mesh
from tests.unit.xds.shop import gateway, gateway_proxy, hosts, mesh, virtual_service

HTTP = "[{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]"
RULE = "[{route: [{destination: {host: web}}]}]"


def found(made: Mesh, name: str = "http.8080") -> dict[str, Any]:
    """Return the virtual hosts of the ingress gateway."""
    return hosts(made, name, gateway_proxy(made))


def test_hosts_of_one_rule_are_merged() -> None:
    """Hosts with the very same routes become one virtual host, named after the most specific."""
    made = mesh(gateway(HTTP), virtual_service(RULE, hosts="[a.org, b.org, '*.c.org']", gateways="[edge]"))
    (host,) = found(made).values()
    assert (host["name"], host["domains"]) == ("a.org:80", ["a.org", "b.org", "*.c.org"])


def test_a_second_rule_for_a_host_appends_its_routes() -> None:
    """Rules for one host add up, and what takes every request goes last."""
    made = mesh(
        gateway(HTTP),
        virtual_service(
            "[{name: all, route: [{destination: {host: web}}]}]", hosts="[a.org]", gateways="[edge]", name="a"
        ),
        virtual_service(
            "[{name: some, match: [{uri: {prefix: /x}}], route: [{destination: {host: items, port: {number: 80}}}]}]",
            hosts="[a.org]",
            gateways="[edge]",
            name="b",
        ),
    )
    assert [route["name"] for route in found(made)["a.org:80"]["routes"]] == ["some", "all"]


def test_narrower_of_two_hosts_counts() -> None:
    """Of a server's host and a rule's the narrower one becomes the domain; strangers have none."""
    made = mesh(
        gateway("[{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*.a.org', b.org]}]"),
        virtual_service(RULE, hosts="[x.a.org, c.net]", gateways="[edge]", name="narrow"),
        virtual_service(RULE, hosts="['*.org']", gateways="[edge]", name="wide"),
    )
    domains = {domain for host in found(made).values() for domain in host["domains"]}
    assert domains == {"x.a.org", "*.a.org", "b.org"}


def test_server_hosts_may_ask_for_a_namespace() -> None:
    """A host with a namespace takes rules of that namespace alone."""
    server = "[{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: ['{}/a.org']}}]"
    rule = virtual_service(RULE, hosts="[a.org]", gateways="[shop/edge]")
    assert "a.org:80" in found(mesh(gateway(server.format(".")), rule))
    assert list(found(mesh(gateway(server.format("bank")), rule))) == ["blackhole:80"]


def test_nothing_bound_is_a_black_hole() -> None:
    """A listener without rules answers 404 to everybody."""
    assert found(mesh(gateway(HTTP))) == {"blackhole:80": {"name": "blackhole:80", "domains": ["*"]}}


def test_https_redirect_needs_no_rule() -> None:
    """A server that sends plain text to HTTPS does so for all its hosts, with or without rules."""
    made = mesh(
        gateway(
            "[{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.org, b.org], tls: {httpsRedirect: true}}]"
        ),
        virtual_service(RULE, hosts="[a.org]", gateways="[edge]"),
    )
    assert {name: (host["require_tls"], "routes" in host) for name, host in found(made).items()} == {
        "a.org:80": ("ALL", True),
        "b.org:80": ("ALL", False),
    }


def test_a_destination_with_one_port_needs_none() -> None:
    """At a gateway the only port of a service is meant; of several the server's."""
    rules = (
        "[{match: [{uri: {prefix: /w}}], route: [{destination: {host: web}}]}, {route: [{destination: {host: items}}]}]"
    )
    made = mesh(
        gateway("[{port: {number: 8000, name: http, protocol: HTTP}, hosts: ['*']}]"),
        virtual_service(rules, hosts="[a.org]", gateways="[edge]"),
    )
    clusters = [route["route"]["cluster"] for route in found(made, "http.8000")["a.org:8000"]["routes"]]
    assert clusters == ["outbound|80||web.shop.svc.cluster.local", "outbound|8000||items.shop.svc.cluster.local"]

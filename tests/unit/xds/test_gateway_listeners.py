"""Listeners of gateways."""

from typing import Any

import pytest

from simulator.mesh import Mesh
from tests.unit.xds.listener_parts import listeners, manager, tcp_proxy
from tests.unit.xds.shop import gateway, gateway_proxy, mesh


def chains(made: Mesh, name: str) -> list[Any]:
    """Return the filter chains of one listener of the default ingress gateway."""
    found: list[Any] = listeners(made, gateway_proxy(made))[name]["filter_chains"]
    return found


def https(host: str, tls: str) -> str:
    """Return an HTTPS server."""
    return f"{{port: {{number: 443, name: https-{host[0]}, protocol: HTTPS}}, hosts: [{host}], tls: {tls}}}"


def test_plain_http_server_listens_on_the_target_port() -> None:
    """A server on a port of the gateway's Service listens on that port's target, as does its route configuration."""
    made = mesh(gateway('[{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]'))
    [listener] = listeners(made, gateway_proxy(made)).values()
    number = listener["address"]["socket_address"]["port_value"]
    config = manager(listener["filter_chains"][0])
    assert config["rds"]["route_config_name"] == f"http.{number}"
    assert config["use_remote_address"] is True
    assert config["forward_client_cert_details"] == "SANITIZE_SET"


@pytest.mark.parametrize(
    ("tls", "required", "secret"),
    [
        ("{mode: SIMPLE, credentialName: shop}", False, ""),
        ("{mode: MUTUAL, credentialName: shop}", True, "kubernetes://shop-cacert"),
        ("{mode: OPTIONAL_MUTUAL, credentialName: shop}", False, "kubernetes://shop-cacert"),
        ("{mode: MUTUAL, credentialName: shop, caCertCredentialName: ca}", True, "kubernetes://ca"),
        ("{mode: ISTIO_MUTUAL}", True, "ROOTCA"),
        ("{mode: MUTUAL, serverCertificate: /c, privateKey: /k, caCertificates: /a}", True, "file-root:/a"),
    ],
)
def test_tls_modes_ask_for_client_certificates(tls: str, required: bool, secret: str) -> None:
    """Mutual modes validate client certificates against their root; only OPTIONAL_MUTUAL lets clients have none."""
    made = mesh(gateway(f"[{https('a.test', tls)}]"))
    [listener] = listeners(made, gateway_proxy(made)).values()
    [chain] = listener["filter_chains"]
    context = chain["transport_socket"]["typed_config"]
    assert chain["filter_chain_match"] == {"server_names": ["a.test"]}
    assert context["require_client_certificate"] is required
    combined = context["common_tls_context"].get("combined_validation_context", {})
    assert combined.get("validation_context_sds_secret_config", {}).get("name", "") == secret


def test_tls_parameters_come_from_the_server() -> None:
    """Versions and cipher suites of a server are set; suites that Envoy does not know are dropped."""
    tls = "{mode: SIMPLE, credentialName: c, minProtocolVersion: TLSV1_3, cipherSuites: [AES128-SHA, NOPE, AES128-SHA]}"
    made = mesh(gateway(f"[{https('a.test', tls)}]"))
    [listener] = listeners(made, gateway_proxy(made)).values()
    params = listener["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"]["tls_params"]
    assert params == {"cipher_suites": ["AES128-SHA"], "tls_minimum_protocol_version": "TLSv1_3"}


def test_passthrough_follows_tls_routes_by_name() -> None:
    """A PASSTHROUGH server has a chain per SNI match of its VirtualServices and terminates nothing."""
    route = """
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {name: tls, namespace: shop}
    spec:
      hosts: [a.test, b.test]
      gateways: [edge]
      tls:
      - {match: [{sniHosts: [a.test]}], route: [{destination: {host: web, port: {number: 80}}}]}
      - {match: [{sniHosts: [b.test]}, {sniHosts: [a.test]}], route: [{destination: {host: items, port: {number: 80}}}]}
    """
    server = '[{port: {number: 9443, name: tls, protocol: TLS}, hosts: ["*.test"], tls: {mode: PASSTHROUGH}}]'
    found = chains(mesh(gateway(server), route), "0.0.0.0_9443")
    assert [chain["filter_chain_match"]["server_names"] for chain in found] == [["a.test"], ["b.test"]]
    assert [tcp_proxy(chain)["cluster"].split("|")[3] for chain in found] == [
        "web.shop.svc.cluster.local",
        "items.shop.svc.cluster.local",
    ]


def test_server_without_routes_has_no_listener() -> None:
    """A TCP server that no VirtualService routes has no listener."""
    made = mesh(gateway('[{port: {number: 9001, name: tcp, protocol: TCP}, hosts: ["*"]}]'))
    assert listeners(made, gateway_proxy(made)) == {}


def test_auto_passthrough_has_a_chain_per_port_of_the_mesh() -> None:
    """AUTO_PASSTHROUGH forwards by the SNI of mesh traffic to clusters of the same name."""
    port, hosts = "{number: 15443, name: tls, protocol: TLS}", '["*.bank.svc.cluster.local"]'
    server = f"[{{port: {port}, hosts: {hosts}, tls: {{mode: AUTO_PASSTHROUGH}}}}]"
    [chain] = chains(mesh(gateway(server)), "0.0.0.0_15443")
    name = "outbound_.80_._.pay.bank.svc.cluster.local"
    assert chain["filter_chain_match"]["server_names"] == [name]
    assert tcp_proxy(chain)["cluster"] == name

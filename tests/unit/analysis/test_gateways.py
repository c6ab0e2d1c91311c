from datetime import timedelta

from tests.unit.analysis import NOW, certificate, codes, found, pod, resource, secret, service

PORTS = "gateway.IngressGatewayPortAnalyzer"
CERTIFICATES = "gateway.CertificateAnalyzer"
SECRETS = "gateway.SecretAnalyzer"
CONFLICTS = "gateway.ConflictingGatewayAnalyzer"


def _server(number: int = 80, hosts: str = "'*'", more: str = "") -> str:
    return f"{{port: {{number: {number}, name: p, protocol: HTTP}}, hosts: [{hosts}]{more}}}"


def _gateway(servers: str, *, name: str = "front", selector: str = "app: edge") -> str:
    return resource("Gateway", name, f"{{selector: {{{selector}}}, servers: [{servers}]}}")


def test_a_gateway_selects_pods() -> None:
    """A selector that selects nothing is written as kubectl takes it."""
    given = found(PORTS, _gateway(_server()))
    assert given == ['IST0101 front: Referenced selector not found: "app=edge"']


def test_target_ports_and_service_ports_both_count() -> None:
    """A server may name the port of the pods or that of their service (a former false positive)."""
    edge = service("edge", ports="{name: http, port: 80, targetPort: 8080}")
    for number in (80, 8080):
        assert codes(PORTS, _gateway(_server(number)), pod("edge"), edge) == []
    assert codes(PORTS, _gateway(_server(9090)), pod("edge"), edge) == ["IST0162 front"]


def test_secrets_have_to_exist_beside_the_pods() -> None:
    """The certificate is looked for in the namespace of the gateway's pods."""
    tls = _gateway(_server(443, more=", tls: {mode: SIMPLE, credentialName: cert}"))
    assert codes(SECRETS, tls, pod("edge")) == ["IST0101 front"]
    assert codes(SECRETS, tls, pod("edge"), secret(certificate(NOW + timedelta(days=1)))) == []


def test_certificates_have_to_be_readable_and_valid() -> None:
    """An invalid or expired certificate is reported at the gateway."""
    tls = _gateway(_server(443, more=", tls: {mode: SIMPLE, credentialName: cert}"))
    assert codes(SECRETS, tls, pod("edge"), secret(b"nonsense")) == ["IST0161 front"]
    assert codes(SECRETS, tls, pod("edge"), secret(certificate(NOW - timedelta(days=1)))) == ["IST0161 front"]


def test_one_certificate_in_two_gateways_of_one_selector_is_reported() -> None:
    """Browsers reuse connections for another gateway's host."""
    more = ", tls: {mode: SIMPLE, credentialName: cert}"
    one, other = _gateway(_server(443, "a.b", more)), _gateway(_server(443, "c.d", more), name="back")
    assert codes(CERTIFICATES, one, other) == ["IST0138 back", "IST0138 front"]
    apart = _gateway(_server(443, "c.d", more), name="back", selector="app: other")
    assert codes(CERTIFICATES, one, apart) == []


def test_the_same_host_and_port_of_one_selector_conflict() -> None:
    """The findings about both gateways name the other one."""
    one, other = _gateway(_server(80, "a.b")), _gateway(_server(80, "a.b"), name="back")
    assert codes(CONFLICTS, one, other) == ["IST0145 back", "IST0145 front"]


def test_different_ports_and_hosts_do_not_conflict() -> None:
    """Neither another port nor a wildcard beside a host is a conflict (former false positives)."""
    one = _gateway(_server(80, "a.example.org"))
    assert codes(CONFLICTS, one, _gateway(_server(81, "a.example.org"), name="back")) == []
    assert codes(CONFLICTS, one, _gateway(_server(80, "'*.example.org'"), name="back")) == []

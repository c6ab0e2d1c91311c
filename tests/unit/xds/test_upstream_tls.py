from typing import Any

import pytest

from simulator.xds.upstream_tls_context import credential_secret
from tests.unit.xds.mesh import clusters, generator, pod, service
from tests.unit.xds.test_clusters import CLIENT, SHOP, WEB, entry, options, rule

API = "outbound|80||api.example.test"


def tls_of(settings: str, *, client: Any = CLIENT, more: str = "", **arguments: Any) -> Any:
    """Return the cluster of an external host under a rule's TLS settings."""
    config = entry("DNS") + "---" + rule(f"{{tls: {settings}}}", host="api.example.test", more=more)
    return clusters(generator(client, config=config, **arguments), client["metadata"]["name"])[API]


def context(cluster: Any) -> Any:
    """Return the TLS context of a cluster's only transport socket."""
    return cluster["transport_socket"]["typed_config"]


def authentication(mode: str, *, namespace: str = "shop") -> str:
    """Return a PeerAuthentication of a namespace."""
    return f"""
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: default, namespace: {namespace}}}
spec: {{mtls: {{mode: {mode}}}}}
"""


def test_inferred_mtls_is_a_choice_per_endpoint() -> None:
    """Without a rule, endpoints that take mTLS get it and others plaintext."""
    matches = clusters(generator(*SHOP))[WEB]["transport_socket_matches"]
    assert [match["match"] for match in matches] == [{"tlsMode": "istio"}, {}]
    tls = matches[0]["transport_socket"]["typed_config"]
    assert tls["sni"] == "outbound_.80_._.web.shop.svc.cluster.local"
    validation = tls["common_tls_context"]["combined_validation_context"]["default_validation_context"]
    assert validation == {"match_subject_alt_names": [{"exact": "spiffe://cluster.local/ns/shop/sa/web"}]}


def test_namespace_without_mtls_is_called_in_plaintext() -> None:
    """DISABLE for a namespace is known to its clients."""
    built = clusters(generator(*SHOP, config=authentication("DISABLE")))[WEB]
    assert not {"transport_socket", "transport_socket_matches"} & built.keys()


def test_automatic_mtls_can_be_switched_off() -> None:
    """`enableAutoMtls: false` leaves TLS to rules."""
    built = clusters(generator(*SHOP, mesh="enableAutoMtls: false"))[WEB]
    assert not {"transport_socket", "transport_socket_matches"} & built.keys()


@pytest.mark.parametrize(("proxied", "secure"), [(True, True), (False, False)])
def test_headless_service_is_mtls_only_if_every_endpoint_is(proxied: bool, secure: bool) -> None:
    """The original destination's kind is unknown, so one pod without a proxy makes all plaintext."""
    second = pod("web-2", "10.0.0.2", proxy="sidecar" if proxied else "")
    built = clusters(generator(CLIENT, pod("web-1", "10.0.0.1"), second, service(ip="None")))[WEB]
    assert built["type"] == "ORIGINAL_DST"
    assert ("transport_socket" in built) is secure


def test_rule_with_istio_mutual_leaves_no_choice() -> None:
    """mTLS that a rule asks for is a single socket, with its own SNI and names if it has them."""
    settings = "{mode: ISTIO_MUTUAL, sni: here, subjectAltNames: [me]}"
    built = clusters(generator(*SHOP, config=rule(f"{{tls: {settings}}}")))[WEB]
    assert context(built)["sni"] == "here"
    validation = context(built)["common_tls_context"]["combined_validation_context"]["default_validation_context"]
    assert validation == {"match_subject_alt_names": [{"exact": "me"}]}


def test_disabled_tls_is_plaintext() -> None:
    """A rule with DISABLE overrides what would be inferred."""
    built = clusters(generator(*SHOP, config=rule("{tls: {mode: DISABLE}}")))[WEB]
    assert not {"transport_socket", "transport_socket_matches"} & built.keys()


def test_simple_tls_verifies_the_name_asked_for() -> None:
    """Without SNI and names the request's host is both, and the system's roots are trusted."""
    built = tls_of("{mode: SIMPLE}")
    assert options(built)["upstream_http_protocol_options"] == {"auto_sni": True, "auto_san_validation": True}
    secret = context(built)["common_tls_context"]["combined_validation_context"]["validation_context_sds_secret_config"]
    assert secret["name"] == "file-root:system"
    assert built["metadata"]["filter_metadata"]["istio"]["alpn_override"] == "false"


def test_simple_tls_can_skip_verification() -> None:
    """`insecureSkipVerify` leaves an empty validation context and no name check."""
    built = tls_of("{mode: SIMPLE, insecureSkipVerify: true}")
    assert context(built)["common_tls_context"]["validation_context"] == {}
    assert options(built)["upstream_http_protocol_options"] == {"auto_sni": True}


def test_mutual_tls_names_its_files() -> None:
    """Certificates in the pod are served by the agent, named by their paths."""
    built = tls_of("{mode: MUTUAL, clientCertificate: /c, privateKey: /k, caCertificates: /r, sni: s}")
    common = context(built)["common_tls_context"]
    assert common["tls_certificate_sds_secret_configs"][0]["name"] == "file-cert:/c~/k"
    assert common["combined_validation_context"]["validation_context_sds_secret_config"]["name"] == "file-root:/r"
    assert "typed_extension_protocol_options" not in built


def test_mutual_tls_without_certificates_has_no_socket() -> None:
    """Settings that istiod cannot use leave the cluster without TLS."""
    assert "transport_socket" not in tls_of("{mode: MUTUAL}")


def test_credential_is_for_gateways_and_selecting_rules() -> None:
    """A sidecar may not read secrets, unless the rule names the workloads that may."""
    settings = "{mode: SIMPLE, credentialName: api}"
    assert "transport_socket" not in tls_of(settings)
    selecting = tls_of(settings, more=", workloadSelector: {matchLabels: {app: client}}")
    gateway = tls_of(settings, client=pod("gw", "10.0.0.8", app="gw", proxy="router"))
    for built in (selecting, gateway):
        validation = context(built)["common_tls_context"]["combined_validation_context"]
        assert validation["validation_context_sds_secret_config"]["name"] == "kubernetes://api-cacert"


def test_own_certificates_replace_istios() -> None:
    """A node that brings certificates uses them where Istio's would be inferred."""
    env = {
        "ISTIO_META_TLS_CLIENT_CERT_CHAIN": "/c",
        "ISTIO_META_TLS_CLIENT_KEY": "/k",
        "ISTIO_META_TLS_CLIENT_ROOT_CERT": "/r",
    }
    client = pod("client", "10.0.0.9", app="client", env=env)
    built = clusters(generator(client, *SHOP[1:]))[WEB]
    common = (built.get("transport_socket") or built["transport_socket_matches"][0]["transport_socket"])[
        "typed_config"
    ]["common_tls_context"]
    assert common["tls_certificate_sds_secret_configs"][0]["name"] == "file-cert:/c~/k"


def test_mesh_restricts_ciphers_of_user_tls_only() -> None:
    """`tlsDefaults` bounds TLS that rules describe, not Istio's own."""
    mesh = "tlsDefaults: {cipherSuites: [ECDHE-RSA-AES256-GCM-SHA384], ecdhCurves: [P-256]}"
    parameters = context(tls_of("{mode: SIMPLE}", mesh=mesh))["common_tls_context"]["tls_params"]
    assert parameters["cipher_suites"] == ["ECDHE-RSA-AES256-GCM-SHA384"]
    own = clusters(generator(*SHOP, mesh=mesh))[WEB]["transport_socket_matches"][0]["transport_socket"]
    assert "cipher_suites" not in own["typed_config"]["common_tls_context"]["tls_params"]


def test_proxy_protocol_wraps_every_socket() -> None:
    """The PROXY header comes before TLS, on each of the sockets to choose from."""
    built = clusters(generator(*SHOP, config=rule("{proxyProtocol: {version: V2}}")))[WEB]
    for match in built["transport_socket_matches"]:
        assert match["transport_socket"]["name"] == "envoy.transport_sockets.upstream_proxy_protocol"
        assert match["transport_socket"]["typed_config"]["config"] == {"version": "V2"}


def test_proxy_protocol_without_tls_wraps_a_plain_socket() -> None:
    """Where a cluster has no socket of its own, the one inside has the short name that istiod gives it."""
    config = entry("STATIC") + "---" + rule("{proxyProtocol: {version: V1}}", host="api.example.test")
    built = clusters(generator(CLIENT, config=config))["outbound|80||api.example.test"]
    assert built["transport_socket"]["typed_config"]["transport_socket"]["name"] == "raw_buffer"


def test_dynamic_forward_proxy_takes_sni_from_the_request() -> None:
    """A wildcard host has no SNI of its own; verification that is off must be declared insecure."""
    config = (
        entry("DYNAMIC_DNS", hosts="['*.example.test']")
        + "---"
        + rule("{tls: {mode: SIMPLE, insecureSkipVerify: true}}", host="'*.example.test'")
    )
    built = clusters(generator(CLIENT, config=config))["outbound|80||*.example.test"]
    assert built["cluster_type"]["typed_config"]["allow_insecure_cluster_options"] is True
    assert options(built)["upstream_http_protocol_options"] == {"auto_sni": True}


def test_an_unusable_authority_has_a_name_that_no_secret_has() -> None:
    """A missing certificate of a BackendTLSPolicy is requested as `invalid://`, so that all connections fail."""
    assert credential_secret("invalid://-cacert", socket=False)["name"] == "invalid://"
    assert credential_secret("web-cert-cacert", socket=False)["name"] == "kubernetes://web-cert-cacert"

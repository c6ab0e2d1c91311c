"""DownstreamTlsContext: mesh mTLS of sidecars, and the TLS settings of gateway servers.

istiod: pilot/pkg/security/authn/utils/utils.go, pilot/pkg/security/model/authentication.go, core/listener.go
(BuildListenerTLSContext), pkg/model/fips.go.
"""

from collections.abc import Sequence

from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_messages import any_message, exact_matches, message, prefix_matches
from simulator.xds.listener_settings import ListenerSettings
from simulator.xds.provider_clusters import provider_cluster
from simulator.xds.upstream_tls_context import (
    ADS_CONFIG,
    SDS_CLUSTER,
    SDS_EXTERNAL_CLUSTER,
    SDS_FILE_CLUSTER,
    sds_secret,
)

HTTP_ALPN = ["h2", "http/1.1"]
TCP_ALPN = ["istio-peer-exchange", "h2", "http/1.1"]
CA_SUFFIX = "-cacert"
_BUILTIN, _EXTERNAL = "builtin://", "sds://"
_CIPHERS = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
]
_FIPS_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
)
_KNOWN_CIPHERS = frozenset(
    [
        *_CIPHERS,
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA",
        "ECDHE-RSA-AES256-SHA",
        "AES128-SHA",
        "AES256-SHA",
        "DES-CBC3-SHA",
    ]
)
_VERSIONS = {"TLSV1_0": "TLSv1_0", "TLSV1_1": "TLSv1_1", "TLSV1_2": "TLSv1_2", "TLSV1_3": "TLSv1_3"}


def tls_socket(context: Json | None) -> Json | None:
    """Wrap a DownstreamTlsContext into a transport socket; None stays None."""
    return None if context is None else {"name": "envoy.transport_sockets.tls", "typed_config": context}


def trust_domains(snapshot: Snapshot) -> list[str]:
    """Return the trust domains whose certificates peers may show, each once."""
    if snapshot.flag("PILOT_SKIP_VALIDATE_TRUST_DOMAIN", default=False):
        return []
    mesh = snapshot.mesh
    domains = [mesh.get("trustDomain") or snapshot.trust_domain, *(mesh.get("trustDomainAliases") or ())]
    for certificate in mesh.get("caCertificates") or ():
        domains += certificate.get("trustDomains") or ()
    return list(dict.fromkeys(domain for domain in domains if domain))


def mesh_context(snapshot: Snapshot, settings: ListenerSettings, *, http: bool) -> Json:
    """Return the context by which a sidecar terminates mTLS of other proxies."""
    mesh_mtls = snapshot.mesh.get("meshMTLS") or {}
    ciphers = mesh_mtls.get("cipherSuites")
    chain, key, root = settings.certificates
    common = message(
        alpn_protocols=TCP_ALPN if not http and _exchanges_metadata(snapshot) else HTTP_ALPN,
        tls_params=message(
            tls_minimum_protocol_version="TLSv1_3" if _is_1_3(mesh_mtls) else "TLSv1_2",
            tls_maximum_protocol_version="TLSv1_3",
            cipher_suites=_CIPHERS if ciphers is None else ciphers,
        ),
        tls_certificate_sds_secret_configs=[_sds(_cert_name(chain, key) or "default", settings)],
        combined_validation_context=_combined(
            {"match_subject_alt_names": _trust_prefixes(trust_domains(snapshot))}, _sds(_root_name(root), settings)
        ),
    )
    return _context(snapshot, common, require=True)


def tunnel_context(snapshot: Snapshot, settings: ListenerSettings) -> Json:
    """Return the context by which a proxy ends tunnels (HBONE), for clients of any of the mesh's trust domains."""
    chain, key, root = settings.certificates
    names = [{"san_type": "URI", "matcher": match} for match in _trust_prefixes(trust_domains(snapshot))]
    common = message(
        alpn_protocols=["h2"],
        tls_params={"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
        tls_certificate_sds_secret_configs=[_sds(_cert_name(chain, key) or "default", settings)],
        combined_validation_context=_combined(
            {"match_typed_subject_alt_names": names}, _sds(_root_name(root), settings)
        ),
    )
    return _context(snapshot, common, require=True)


def gateway_context(snapshot: Snapshot, settings: ListenerSettings, tls: Json, *, tcp: bool) -> Json:
    """Return the context of a gateway server that terminates TLS; `tcp` is one whose protocol is not HTTPS."""
    mode = tls.get("mode") or "PASSTHROUGH"
    require = mode in ("MUTUAL", "ISTIO_MUTUAL")
    mutual_tcp = tcp and mode == "ISTIO_MUTUAL" and not snapshot.flag("PILOT_DISABLE_MX_ALPN", default=False)
    common: Json = {"alpn_protocols": TCP_ALPN if mutual_tcp else HTTP_ALPN}
    if mode == "ISTIO_MUTUAL":
        chain, key, root = settings.certificates
        common |= _file_certificates(settings, tls, pairs=[(chain, key)], root=root, validate=True)
    elif tls.get("credentialName") or tls.get("credentialNames"):
        common |= _credential_certificates(snapshot, settings, tls, mode=mode)
    else:
        pairs = [(c.get("serverCertificate", ""), c.get("privateKey", "")) for c in tls.get("tlsCertificates") or ()]
        own = [(tls.get("serverCertificate") or "", tls.get("privateKey") or "")]
        root = tls.get("caCertificates") or ""
        validate = require or mode == "OPTIONAL_MUTUAL"
        common |= _file_certificates(settings, tls, pairs=pairs or own, root=root, validate=validate)
    if mode in ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"):
        params = _params(snapshot, tls)
        common |= {"tls_params": params} if params else {}
    return _context(snapshot, common, require=require)


def _context(snapshot: Snapshot, common: Json, *, require: bool) -> Json:
    return any_message(
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context=_compliant(snapshot, common),
        require_client_certificate=require,
    )


def _compliant(snapshot: Snapshot, common: Json) -> Json:
    """Keep to the compliance policy that istiod was started with."""
    params: Json = dict(common.get("tls_params") or {})
    match snapshot.flags.get("COMPLIANCE_POLICY", ""):
        case "fips-140-2":
            params |= {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_2"}
            params.pop("ecdh_curves", None)
            if params.get("cipher_suites"):
                params["cipher_suites"] = [suite for suite in params["cipher_suites"] if suite in _FIPS_CIPHERS]
        case "pqc":
            params |= {"tls_minimum_protocol_version": "TLSv1_3", "cipher_suites": list(_FIPS_CIPHERS)}
            params["ecdh_curves"] = ["X25519MLKEM768"]
        case _:
            return common
    return {**common, "tls_params": params}


def _is_1_3(settings: Json) -> bool:
    return str(settings.get("minProtocolVersion") or "") == "TLSV1_3"


def _combined(validation: Json, secret: Json | None) -> Json:
    return message(default_validation_context=message(**validation), validation_context_sds_secret_config=secret)


def _trust_prefixes(domains: Sequence[str]) -> list[Json]:
    return prefix_matches([f"spiffe://{domain}/" for domain in domains])


def _cert_name(chain: str, key: str) -> str:
    return f"file-cert:{chain}~{key}" if chain and key else ""


def _root_name(path: str) -> str:
    return f"file-root:{path}" if path else "ROOTCA"


def _sds(name: str, settings: ListenerSettings) -> Json:
    """Return a secret that the agent serves, files from a server of their own where the node has one."""
    return sds_secret(name, SDS_FILE_CLUSTER if settings.file_sds and name.startswith("file-") else SDS_CLUSTER)


def _file_certificates(
    settings: ListenerSettings, tls: Json, *, pairs: Sequence[tuple[str, str]], root: str, validate: bool
) -> Json:
    secrets = [_sds(_cert_name(chain, key) or "default", settings) for chain, key in pairs]
    common: Json = {"tls_certificate_sds_secret_configs": secrets}
    if validate:
        validation = {
            "match_subject_alt_names": exact_matches(tls.get("subjectAltNames") or ()),
            "crl": {"filename": tls["caCrl"]} if tls.get("caCrl") else None,
        }
        common["combined_validation_context"] = _combined(validation, _sds(_root_name(root), settings))
    return common


def _credential_certificates(snapshot: Snapshot, settings: ListenerSettings, tls: Json, *, mode: str) -> Json:
    names = list(tls.get("credentialNames") or [tls.get("credentialName") or ""])
    root = tls.get("caCertCredentialName") or names[0] + CA_SUFFIX
    secrets = [secret for name in names if (secret := credential(snapshot, settings, name))]
    common: Json = message(tls_certificate_sds_secret_configs=secrets)
    sans = exact_matches(tls.get("subjectAltNames") or ())
    if mode in ("MUTUAL", "OPTIONAL_MUTUAL"):
        validation = {
            "match_subject_alt_names": sans,
            "verify_certificate_spki": tls.get("verifyCertificateSpki"),
            "verify_certificate_hash": tls.get("verifyCertificateHash"),
        }
        common["combined_validation_context"] = _combined(validation, credential(snapshot, settings, root))
    elif sans:
        common["validation_context"] = {"match_subject_alt_names": sans}
    return common


def credential(snapshot: Snapshot, settings: ListenerSettings, name: str) -> Json | None:
    """Return the secret of a `credentialName`: from istiod, the workload's own, or an external SDS server."""
    if not name:
        return None
    if name == _BUILTIN:
        return _sds("default", settings)
    if name == _BUILTIN + CA_SUFFIX:
        return _sds("ROOTCA", settings)
    if name.startswith(_EXTERNAL):
        if settings.credential_socket:
            return sds_secret(name, SDS_EXTERNAL_CLUSTER)
        name = name.removeprefix(_EXTERNAL)
        for entry in snapshot.mesh.get("extensionProviders") or ():
            if (sds := entry.get("sds")) is not None:
                found = provider_cluster(snapshot, sds.get("service") or "", sds.get("port") or 0)
                return None if found is None else sds_secret(name, found.cluster)
    return {"name": resource_name(name), "sds_config": ADS_CONFIG}


def resource_name(name: str) -> str:
    """Return the SDS resource name of a `credentialName`."""
    if name.startswith(_BUILTIN):
        return "default"
    if name.startswith("invalid://"):
        return "invalid://"
    known = ("configmap://", "kubernetes://", "kubernetes-gateway://")
    return name if name.startswith(known) else "kubernetes://" + name


def _params(snapshot: Snapshot, tls: Json) -> Json:
    defaults = snapshot.mesh.get("tlsDefaults") or {}
    minimum = _VERSIONS.get(tls.get("minProtocolVersion") or "")
    if minimum is None and defaults.get("minProtocolVersion") not in (None, "TLS_AUTO"):
        minimum = "TLSv1_3" if _is_1_3(defaults) else "TLSv1_2"
    return message(
        ecdh_curves=defaults.get("ecdhCurves"),
        cipher_suites=valid_ciphers(tls.get("cipherSuites") or ()) or defaults.get("cipherSuites"),
        tls_minimum_protocol_version=minimum,
        tls_maximum_protocol_version=_VERSIONS.get(tls.get("maxProtocolVersion") or ""),
    )


def valid_ciphers(suites: Sequence[str]) -> list[str]:
    """Drop cipher suites that Envoy would refuse, and repetitions."""
    return [suite for suite in dict.fromkeys(suites) if _is_cipher(suite)]


def _is_cipher(suite: str) -> bool:
    return suite in ("", "ALL") or not suite[0].isalnum() or suite in _KNOWN_CIPHERS


def _exchanges_metadata(snapshot: Snapshot) -> bool:
    """Tell whether peers exchange metadata at the start of a TCP connection, which they negotiate by ALPN."""
    exchange = snapshot.flag("PILOT_ENABLE_METADATA_EXCHANGE", default=True)
    return exchange and not snapshot.flag("PILOT_DISABLE_MX_ALPN", default=False)

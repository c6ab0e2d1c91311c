"""TLS settings of a server: a Gateway's, or a Sidecar's ingress listener. istio: validateTLSOptions."""

from collections import Counter

from simulator.model.wire import Json
from simulator.validation.problems import Problems, error, warning

_CIPHERS = frozenset(
    {
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA",
        "ECDHE-RSA-AES256-SHA",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA",
        "AES256-SHA",
        "DES-CBC3-SHA",
    }
)
PASSTHROUGH = frozenset({"PASSTHROUGH", "AUTO_PASSTHROUGH"})
_TERMINATING = frozenset({"SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"})
_FILES = ("serverCertificate", "privateKey", "caCertificates")
_SECRETS = ("tlsCertificates", "credentialName", "credentialNames")
_MUTUAL_FORBIDS = (
    ("serverCertificate", "server certificate"),
    ("privateKey", "private key"),
    ("caCertificates", "CA bundle"),
    ("tlsCertificates", "tlsCertificates"),
    ("credentialName", "credentialName"),
    ("credentialNames", "credentialNames"),
)


def mode_of(tls: Json) -> str:
    """Return the mode; PASSTHROUGH is the enum's zero value, and so the default."""
    return tls.get("mode") or "PASSTHROUGH"


def server_tls(tls: Json | None) -> Problems:
    """Check TLS settings of a server."""
    if tls is None:
        return
    mode = mode_of(tls)
    yield from _ciphers(tls)
    if mode == "ISTIO_MUTUAL":
        for field, name in _MUTUAL_FORBIDS:
            if tls.get(field):
                yield error(f"ISTIO_MUTUAL TLS cannot have associated {name}", field)
        return
    if mode in PASSTHROUGH and any(tls.get(field) for field in ("caCrl", *_FILES, *_SECRETS)):
        yield warning(f"{mode} mode does not use certificates, they will be ignored")
    pair = bool(tls.get("serverCertificate") and tls.get("privateKey"))
    if pair + sum(bool(tls.get(field)) for field in _SECRETS) > 1:
        yield error(
            "only one of credential_name, credential_names, server_certificate/private_key, tls_certificates "
            "should be specified"
        )
    if mode in _TERMINATING:
        if tls.get("credentialName") or tls.get("credentialNames"):
            return
        yield from _certificates(tls, mode)
    if tls.get("caCrl"):
        yield from _revocations(tls, mode)


def _ciphers(tls: Json) -> Problems:
    if tls.get("minProtocolVersion") in ("TLSV1_0", "TLSV1_1") and not tls.get("cipherSuites"):
        yield warning(
            "TLS version below TLSV1_2 require setting compatible ciphers as by default they no longer include "
            "compatible ciphers."
        )
    counted = Counter(tls.get("cipherSuites") or ())
    for what, suites in (
        ("invalid", {suite for suite in counted if not _is_cipher(suite)}),
        ("duplicate", {suite for suite, count in counted.items() if count > 1 and _is_cipher(suite)}),
    ):
        if suites:
            yield warning(f"ignoring {what} cipher suites: [{' '.join(sorted(suites))}]", "cipherSuites")


def _is_cipher(suite: str) -> bool:
    return suite in ("", "ALL") or not suite[0].isalnum() or suite in _CIPHERS


def _certificates(tls: Json, mode: str) -> Problems:
    prefix = "SIMPLE TLS" if mode == "SIMPLE" else "MUTUAL TLS"
    if mode != "SIMPLE" and not tls.get("caCertificates"):
        yield error(f"{prefix} requires a client CA bundle")
    listed = tls.get("tlsCertificates") or ()
    if len(listed) > 2:
        yield warning(f"{prefix} can support up to 2 server certificates", "tlsCertificates")
    for certificate in listed or (tls,):
        if not certificate.get("serverCertificate"):
            yield error(f"{prefix} requires a server certificate")
        if not certificate.get("privateKey"):
            yield error(f"{prefix} requires a private key")


def _revocations(tls: Json, mode: str) -> Problems:
    if tls.get("credentialName"):
        yield error("CRL is not supported with credentialName. CRL has to be specified in the credential", "caCrl")
    if mode == "SIMPLE":
        yield error("CRL is not supported with SIMPLE TLS", "caCrl")

"""Which certificates does a proxy hold? Private keys are never shown.

istioctl: pkg/writer/compare/sds/util.go.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kubectl_mesh.diagnosis.config_dump import ConfigDump, listed, untyped
from kubectl_mesh.reports import proxy_config as report
from kubectl_mesh.reports.tables import Table
from simulator.model.wire import Json

_PEM_BLOCK = re.compile(rb"-----BEGIN ([^\n-]*)-----(.*?)-----END \1-----", re.DOTALL)
REDACTED = base64.b64encode(b"[redacted]").decode()
_SPIFFE = "envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig"
_PRIVATE = frozenset(
    {
        *("privateKey", "password", "secret", "sessionTicketKeys", "genericSecret", "pkcs12"),
        *("private_key", "session_ticket_keys", "generic_secret"),
    }
)
_BYTES = frozenset({"inlineBytes", "inlineString", "inline_bytes", "inline_string"})


def table(dump: ConfigDump, *, now: datetime, named: bool = False) -> Table[report.SecretRow] | None:
    """Return the table of certificates as they are valid at `now`; None when there is no secret at all."""
    section = dump.section("SecretsConfigDump")
    states = (("dynamicWarmingSecrets", "WARMING"), ("dynamicActiveSecrets", "ACTIVE"))
    entries = [(entry, state) for name, state in states for entry in listed(section.get(name))]
    if not entries:
        return None
    rows = []
    for entry, state in entries:
        secret = entry.get("secret") or {}
        for pem, domain in _certificates(secret):
            name = str((secret if domain is not None else entry).get("name", ""))
            rows.append(_row(pem, domain, name=f"secret/{name}" if named else name, state=state, now=now))
    return report.secrets(tuple(rows))


def document(dump: ConfigDump) -> Json:
    """Return the section of secrets, with private keys and other secret bytes replaced."""
    section = dump.section("SecretsConfigDump", asked="sidecar doesn't support secrets")
    redacted: Json = _redact(untyped(section))
    return redacted


def redact_secrets(data: bytes) -> bytes:
    """Return a config dump without private keys; a dump that holds none is returned as it is."""
    if not any(mark in data for mark in (b"privateKey", b"private_key", b"genericSecret", b"generic_secret")):
        return data
    try:
        return json.dumps(_redact(json.loads(data))).encode()
    except ValueError:
        return b""


def _redact(value: Any) -> Any:
    if isinstance(value, list):
        return [_redact(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _hide(item) if key in _PRIVATE and not _holds_name(item) else _redact(item) for key, item in value.items()
    }


def _holds_name(value: Any) -> bool:
    """Tell whether a `secret` field wraps a message with a name, and is not secret bytes itself."""
    return isinstance(value, dict) and "@type" in value


def _hide(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: REDACTED if key in _BYTES else _hide(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide(item) for item in value]
    return value


def _certificates(secret: Json) -> Iterator[tuple[bytes, str | None]]:
    """Yield (PEM text, trust domain) for each row of a secret; the domain is None outside of trust bundles."""
    chain = inline_bytes((secret.get("tlsCertificate") or {}).get("certificateChain"))
    context = secret.get("validationContext") or {}
    roots = inline_bytes(context.get("trustedCa"))
    validator = (context.get("customValidatorConfig") or {}).get("typedConfig") or {}
    if chain or roots or not str(validator.get("@type", "")).endswith(_SPIFFE):
        yield chain or roots, None
        return
    for domain in listed(validator.get("trustDomains")):
        yield inline_bytes(domain.get("trustBundle")), str(domain.get("name", ""))


def inline_bytes(source: Any) -> bytes:
    """Return the bytes of a data source; empty when they are malformed, or not inline."""
    try:
        return base64.b64decode(str((source or {}).get("inlineBytes") or ""))
    except (binascii.Error, ValueError):
        return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The fields of an X.509 certificate that the table shows."""

    authority: bool
    serial: int
    not_before: datetime
    not_after: datetime
    trust_domain: str


def read_certificate(pem: bytes) -> Certificate | None:
    """Read the certificate that PEM text begins with; None when it cannot be read."""
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(_first_block(pem))
        return Certificate(
            authority=_is_authority(certificate),
            serial=certificate.serial_number,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            trust_domain=_trust_domain(certificate),
        )
    except ValueError:
        return None


def _first_block(pem: bytes) -> bytes:
    """Return the bytes of the first PEM block that can be decoded, of any type; empty without one."""
    for block in _PEM_BLOCK.finditer(pem):
        try:
            return base64.b64decode(b"".join(block[2].split()), validate=True)
        except binascii.Error:
            continue
    return b""


def _is_authority(certificate: Any) -> bool:
    from cryptography import x509

    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _trust_domain(certificate: Any) -> str:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    found = [uri for uri in names.get_values_for_type(x509.UniformResourceIdentifier) if uri.startswith("spiffe://")]
    return found[-1].removeprefix("spiffe://").partition("/")[0] if found else ""


def _row(pem: bytes, domain: str | None, *, name: str, state: str, now: datetime) -> report.SecretRow:
    certificate = read_certificate(pem) if pem else None
    if certificate is None:
        return report.SecretRow(name=name, status=state)
    return report.SecretRow(
        name=name,
        status=state,
        type="CA" if certificate.authority else "Cert Chain",
        valid=certificate.not_before < now < certificate.not_after,
        serial=f"{certificate.serial:032x}",
        not_after=_rfc3339(certificate.not_after),
        not_before=_rfc3339(certificate.not_before),
        trust_domain=domain or certificate.trust_domain,
    )


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Certificates in Secrets: whether a gateway could serve them.

istiod: pilot/pkg/credentials/kube/secrets.go (ExtractCertInfo), pilot/pkg/xds/sds.go (ValidateCertificate).
"""

import base64
import binascii
import re
import warnings
from datetime import UTC, datetime

from simulator.model.resources import Resource

_PAIRS = (("cert", "key"), ("tls.crt", "tls.key"))
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s(.*?)\s-----END \1-----", re.DOTALL)


def holds_certificate(secret: Resource, *, now: datetime | None) -> bool:
    """Tell whether a Secret holds a key and a certificate that is valid at `now`, in the form that gateways read."""
    data = {key: _decoded(value) for key, value in (secret.document.get("data") or {}).items()}
    data |= {key: str(text).encode() for key, text in (secret.document.get("stringData") or {}).items()}
    for certificate, key in _PAIRS:
        if data.get(certificate) and data.get(key):
            return _is_certificate(data[certificate], now)
    return False


def _decoded(value: str | None) -> bytes:
    try:
        return base64.b64decode(value or "")
    except (binascii.Error, ValueError):
        return b""


def _is_certificate(text: bytes, now: datetime | None) -> bool:
    found = _BLOCK.search(text)
    if found is None:
        return False
    from cryptography import x509

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(base64.b64decode(found[2]))
    except ValueError:
        return False
    return now is None or certificate.not_valid_before_utc <= now.astimezone(UTC) <= certificate.not_valid_after_utc

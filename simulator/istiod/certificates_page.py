"""Envoy's `/certs`: the certificates among the secrets of a config dump.

Envoy: source/server/admin/server_info_handler.cc, api/envoy/admin/v3/certs.proto.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.istiod.dump_views import section
from simulator.model.wire import Json

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


def certificates(dump: Json, *, now: datetime) -> Json:
    """Return the page: each chain that the proxy presents with the roots that it trusts."""
    active = section(dump, "SecretsConfigDump").get("dynamic_active_secrets") or ()
    secrets = [each.get("secret") or {} for each in active]
    roots = [detail for each in secrets for detail in _details(_root_of(each), now)]
    chains = [found for each in secrets if (found := list(_details(_chain_of(each), now)))]
    return {"certificates": [{"ca_cert": roots[:1], "cert_chain": chain[:1]} for chain in chains]}


def _chain_of(secret: Json) -> Any:
    return (secret.get("tls_certificate") or {}).get("certificate_chain")


def _root_of(secret: Json) -> Any:
    return (secret.get("validation_context") or {}).get("trusted_ca")


def _details(source: Any, now: datetime) -> Iterator[Json]:
    text = source.get("inline_bytes") if isinstance(source, dict) else None
    if text:
        yield from (_detail(each, now) for each in _read(text))


def _read(text: str) -> Iterable["Certificate"]:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(base64.b64decode(text))
    except (ValueError, binascii.Error):
        return ()


def _detail(certificate: "Certificate", now: datetime) -> Json:
    from cryptography import x509

    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    found: Json = {"path": "<inline>", "serial_number": f"{certificate.serial_number:x}", "subject_alt_names": []}
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found["subject_alt_names"] = [{"uri": uri} for uri in names.get_values_for_type(x509.UniformResourceIdentifier)]
    except x509.ExtensionNotFound:
        pass
    times = {"valid_from": start, "expiration_time": end}
    found["days_until_expiration"] = str(max(0, (end - now).days))
    return found | {name: moment.strftime("%Y-%m-%dT%H:%M:%SZ") for name, moment in times.items()}
